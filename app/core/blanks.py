"""What is filled into a piece of HTML after it was drawn, so that one drawing serves for many values."""


class Filled(str):
    """Text that a kept drawing leaves blank. A name it is drawn under is all that the drawing knows of it."""

    __slots__ = ()
