"""Addresses: numbers in them are plain digits, and not endless; a way back leads to a page of ours."""

from urllib.parse import quote

from werkzeug.routing import IntegerConverter

MOST_LOCAL = 2000
PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))


class NumberConverter(IntegerConverter):
    """Python reads digits of every alphabet as numbers: one product would have a hundred addresses."""

    regex = r"[0-9]{1,40}"


def local_path(text: str) -> str:
    """Return where to go next if that is a page of ours, else ''."""
    is_plain = all(char.isprintable() and char != "\\" for char in text)
    if not text.startswith("/") or text.startswith("//") or not is_plain or len(text) > MOST_LOCAL:
        return ""
    return quote(text, safe=PRINTABLE)
