"""Stock: held for an attempt to pay, given back, counted. It changes here and nowhere else."""

from collections.abc import Sequence

from app.infra.db import Tx
from app.stock import store
from app.stock.store import Difference

INITIAL = "initial"
RESERVE = "reserve"
RESERVE_LATE = "reserve_late"
RELEASE = "release"
RELEASE_LATE = "release_late"


async def reserve(
    tx: Tx, web_payment_id: int, wanted: Sequence[tuple[int, int]], *, late: bool = False
) -> list[int]:
    """Hold (product_id, quantity) goods for an attempt; return the products there is too little of.

    With any of those the caller rolls back: what was taken so far must not stay. ``late`` holds once
    more for an attempt that had already given its goods back.
    """
    ordered = sorted(wanted)  # one order for everybody: two attempts never wait for each other in a circle
    short = [
        product_id
        for product_id, quantity in ordered
        if not await store.update_taken(tx, product_id, quantity)
    ]
    if not short:
        deltas = [(product_id, -quantity) for product_id, quantity in ordered]
        await store.insert_movements(tx, web_payment_id, RESERVE_LATE if late else RESERVE, deltas)
    return short


async def release(tx: Tx, web_payment_id: int) -> None:
    """Give back what an attempt holds; a second time there is nothing left to give."""
    held = await store.select_held(tx, web_payment_id)
    for product_id, quantity in held:
        await store.update_returned(tx, product_id, quantity)
    if held:
        late = await store.select_has_moved(tx, web_payment_id, RESERVE_LATE)
        await store.insert_movements(tx, web_payment_id, RELEASE_LATE if late else RELEASE, held)


async def is_held(tx: Tx, web_payment_id: int) -> bool:
    """Whether an attempt holds goods."""
    return bool(await store.select_held(tx, web_payment_id))


async def set_initial(tx: Tx, rows: Sequence[tuple[int, int]]) -> None:
    """Open the ledger of new products, already inserted with these (product_id, quantity)."""
    await store.insert_movements(tx, None, INITIAL, rows)


async def find_differences(tx: Tx) -> list[Difference]:
    """Return the products whose quantity is not the sum of their ledger. There must be none."""
    return await store.select_differences(tx)
