"""Numbers in addresses: plain digits, and not endless; anything else is no page of ours."""

from werkzeug.routing import IntegerConverter


class NumberConverter(IntegerConverter):
    """Python reads digits of every alphabet as numbers: one product would have a hundred addresses."""

    regex = r"[0-9]{1,40}"
