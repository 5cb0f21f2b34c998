"""Stock: held for an attempt to pay, given back, counted. It changes here and nowhere else."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

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
        moves = [(web_payment_id, product_id, -quantity) for product_id, quantity in ordered]
        await store.insert_movements(tx, RESERVE_LATE if late else RESERVE, moves)
    return short


async def reserve_together(tx: Tx, wanted: Mapping[int, Sequence[tuple[int, int]]]) -> bool:
    """Hold the goods of several attempts at once, each product's row written once; False: roll back.

    Whether there is enough for some of them is not said: each must then be asked for by itself.
    """
    # The ledger comes after the row: its foreign key would lock the row for reading first, and two who
    # had both read it could neither of them write it.
    total: Counter[int] = Counter()
    for goods in wanted.values():
        for product_id, quantity in goods:
            total[product_id] += quantity
    amounts: dict[int, list[int]] = {}
    for product_id, quantity in sorted(total.items()):
        amounts.setdefault(quantity, []).append(product_id)
    if len(amounts) > 1:  # one order for everybody, as in ``reserve``: one statement keeps it by itself
        await store.select_locked(tx, sorted(total))
    for quantity, product_ids in amounts.items():
        if await store.update_all_taken(tx, product_ids, quantity) != len(product_ids):
            return False
    moves = [
        (web_payment_id, product_id, -quantity)
        for web_payment_id, goods in wanted.items()
        for product_id, quantity in goods
    ]
    await store.insert_movements(tx, RESERVE, moves)
    return True


async def read_left(tx: Tx, product_ids: Iterable[int]) -> dict[int, int]:
    """Return how much there is now, by product, without waiting for whoever is taking some."""
    return await store.select_quantities(tx, product_ids)


async def release(tx: Tx, web_payment_id: int) -> None:
    """Give back what an attempt holds; a second time there is nothing left to give."""
    held = await store.select_held(tx, web_payment_id)
    for product_id, quantity in held:
        await store.update_returned(tx, product_id, quantity)
    if held:
        late = await store.select_has_moved(tx, web_payment_id, RESERVE_LATE)
        moves = [(web_payment_id, product_id, quantity) for product_id, quantity in held]
        await store.insert_movements(tx, RELEASE_LATE if late else RELEASE, moves)


async def is_held(tx: Tx, web_payment_id: int) -> bool:
    """Whether an attempt holds goods."""
    return bool(await store.select_held(tx, web_payment_id))


async def set_initial(tx: Tx, rows: Sequence[tuple[int, int]]) -> None:
    """Open the ledger of new products, already inserted with these (product_id, quantity)."""
    await store.insert_movements(tx, INITIAL, [(None, product_id, quantity) for product_id, quantity in rows])


async def find_differences(tx: Tx) -> list[Difference]:
    """Return the products whose quantity is not the sum of their ledger. There must be none."""
    return await store.select_differences(tx)
