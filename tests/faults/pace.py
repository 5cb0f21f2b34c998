"""How fast the shop answers an edit, and how far the database is behind: what an outage may not change."""

import asyncio
import statistics
import time

from tests.faults.bed import Bed, Shopper
from tests.shop import eventually

EDITS = 15
BEHIND_SECONDS = 4.0  # the sweeper writes what is 2 s old, once a second
NOISE_SECONDS = 2.0  # of a test machine whose cores are busy
SLOWER = 3.0  # times; a machine's own noise from one dozen edits to the next
SLOWER_SECONDS = 0.1


async def pace(shopper: Shopper, product_id: int, edits: int = EDITS) -> list[float]:
    """Edit a line some times; return the seconds each edit took."""
    taken = []
    for number in range(edits):
        begun = time.monotonic()
        await shopper.set(product_id, 1 + number % 9)
        taken.append(time.monotonic() - begun)
    return taken


def assert_unhurt(before: list[float], during: list[float]) -> None:
    """An outage that shoppers must not notice: edits take as long as they did."""
    usual, now = statistics.median(before), statistics.median(during)
    assert now <= SLOWER * usual + SLOWER_SECONDS, f"an edit took {usual:.3f} s, and {now:.3f} s in the fault"
    assert max(during) < max(1.0, SLOWER * max(before)), f"one edit took {max(during):.3f} s"


async def assert_written_soon(bed: Bed, shopper: Shopper, product_id: int) -> None:
    """The database has the line that was acknowledged just now, within the seconds it may be behind."""
    expected = [shopper.knows[product_id]] if shopper.knows[product_id] else []

    async def is_written() -> bool:
        return list((await bed.written(product_id)).values()) == expected

    await eventually(is_written, BEHIND_SECONDS + NOISE_SECONDS)


async def keep_editing(bed: Bed, shopper: Shopper, product_id: int, seconds: float) -> list[float]:
    """Edit all through an outage, the database never far behind; return the seconds each edit took."""
    taken: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        taken += await pace(shopper, product_id)
        await assert_written_soon(bed, shopper, product_id)
        await asyncio.sleep(0.2)
    return taken
