"""What the live region of every page says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence for the shopper, announced by screen readers."""

    kind: str  # ok, warn, error
    text: str
    link: tuple[str, str] | None = None  # label and address of where to go next
    again: bool = False  # offer to send the same form once more
