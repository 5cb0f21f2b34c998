"""Whole won. There is no other unit in the shop."""

from typing import NamedTuple

from app.core import languages

VAT_DIVISOR = 11  # prices include 10 % value added tax: a tenth of the supply price, an eleventh of the total


class Supply(NamedTuple):
    """A total in won, split as a Korean receipt shows it."""

    supply_price: int
    vat: int


def split_vat(total: int) -> Supply:
    """Split a total that includes VAT, rounding half up as Toss does on its own slips."""
    vat = (total * 2 + VAT_DIVISOR) // (VAT_DIVISOR * 2)
    return Supply(total - vat, vat)


def format_won(amount: int) -> str:
    """Return ``39,000원``, in English ``₩39,000``."""
    return f"₩{amount:,}" if languages.spoken() == "en" else f"{amount:,}원"
