"""Draws a text as a QR code: the path of an SVG, so that no picture has to be fetched and no script runs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import segno

QUIET_ZONE = 4


@dataclass(frozen=True, slots=True)
class QrCode:
    """A square picture: its side, the path that draws its dark parts in an SVG, and what it spells."""

    side: int
    path: str
    address: str


def draw(address: str) -> QrCode:
    """Draw what a camera reads as the address."""
    matrix = segno.make(address, micro=False).matrix
    start = f"M{QUIET_ZONE} {QUIET_ZONE}.5"  # lines as thick as a cell run through its middle
    return QrCode(len(matrix) + 2 * QUIET_ZONE, start + "".join(_draw_lines(matrix)), address)


def _draw_lines(matrix: Iterable[Iterable[int]]) -> Iterator[str]:
    """Draw each run of dark cells from where the one before ended: half the bytes of places in full."""
    x = y = 0
    for row, cells in enumerate(matrix):
        column = 0
        for is_dark, run in groupby(cells):
            length = len(list(run))
            if is_dark:
                yield f"m{column - x} {row - y}h{length}"
                x, y = column + length, row
            column += length
