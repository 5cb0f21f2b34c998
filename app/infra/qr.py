"""Draws a text as a QR code: the path of an SVG, so that no picture has to be fetched and no script runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import segno

QUIET_ZONE = 4


@dataclass(frozen=True, slots=True)
class QrCode:
    """A square picture: its side, its dark parts as the path of an SVG, and the address that it spells."""

    side: int
    path: str
    address: str


def draw(address: str) -> QrCode:
    """Draw what a camera reads as the address."""
    matrix = segno.make(address, micro=False).matrix
    dark = "".join(_draw_row(number + QUIET_ZONE, row) for number, row in enumerate(matrix))
    return QrCode(len(matrix) + 2 * QUIET_ZONE, dark, address)


def _draw_row(number: int, row: Iterable[int]) -> str:
    """Return the dark runs of a row: one short rectangle each."""
    drawn, column = "", QUIET_ZONE
    for is_dark, cells in groupby(row):
        length = len(list(cells))
        if is_dark:
            drawn += f"M{column} {number}h{length}v1h-{length}z"
        column += length
    return drawn
