"""Stock and its ledger in the database: every change of a quantity is one guarded update and one row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, select, update

from app.infra.db import Tx
from app.models import products, stock_movements


@dataclass(frozen=True, slots=True)
class Difference:
    """A product whose quantity is not the sum of its ledger."""

    product_id: int
    quantity: int
    ledger: int


async def update_taken(tx: Tx, product_id: int, quantity: int) -> bool:
    """Take goods if there are enough; return whether there were."""
    enough = update(products).where(products.c.product_id == product_id, products.c.quantity >= quantity)
    values = {"quantity": products.c.quantity - quantity, "updated_at": tx.clock.now()}
    return (await tx.execute(enough.values(**values))).rowcount == 1


async def select_locked(tx: Tx, product_ids: Sequence[int]) -> None:
    """Let nobody else take these goods until the transaction ends; waits for whoever is taking some."""
    these = select(products.c.product_id).where(products.c.product_id.in_(product_ids))
    await tx.execute(these.order_by(products.c.product_id).with_for_update())


async def update_all_taken(tx: Tx, product_ids: Sequence[int], quantity: int) -> int:
    """Take the same quantity of several goods, each if there is enough; return of how many there was."""
    enough = update(products).where(products.c.product_id.in_(product_ids), products.c.quantity >= quantity)
    values = {"quantity": products.c.quantity - quantity, "updated_at": tx.clock.now()}
    return (await tx.execute(enough.values(**values))).rowcount


async def update_returned(tx: Tx, product_id: int, quantity: int) -> None:
    """Put goods back."""
    values = {"quantity": products.c.quantity + quantity, "updated_at": tx.clock.now()}
    await tx.execute(update(products).where(products.c.product_id == product_id).values(**values))


async def insert_movements(tx: Tx, reason: str, moves: Sequence[tuple[int | None, int, int]]) -> None:
    """Write (web_payment_id, product_id, delta) rows into the ledger.

    The same hold or return twice breaks a unique key.
    """
    now = tx.clock.now()
    rows = [
        {
            "product_id": product_id,
            "web_payment_id": web_payment_id,
            "reason": reason,
            "delta": delta,
            "created_at": now,
        }
        for web_payment_id, product_id, delta in moves
    ]
    await tx.execute(insert(stock_movements), rows)


async def select_quantities(tx: Tx, product_ids: Iterable[int]) -> dict[int, int]:
    """Return how much there is, by product."""
    query = select(products.c.product_id, products.c.quantity).where(products.c.product_id.in_(product_ids))
    return {row.product_id: row.quantity for row in await tx.execute(query)}


async def select_held(tx: Tx, web_payment_id: int) -> list[tuple[int, int]]:
    """Return (product_id, quantity) of what an attempt holds and has not given back, by product."""
    moved = func.sum(stock_movements.c.delta)
    rows = await tx.execute(
        select(stock_movements.c.product_id, moved.label("moved"))
        .where(stock_movements.c.web_payment_id == web_payment_id)
        .group_by(stock_movements.c.product_id)
        .having(moved < 0)
        .order_by(stock_movements.c.product_id)
    )
    return [(row.product_id, -int(row.moved)) for row in rows]


async def select_has_moved(tx: Tx, web_payment_id: int, reason: str) -> bool:
    """Whether goods have moved for an attempt for that reason."""
    query = select(stock_movements.c.stock_movement_id).where(
        stock_movements.c.web_payment_id == web_payment_id, stock_movements.c.reason == reason
    )
    return (await tx.execute(query.limit(1))).first() is not None


async def select_differences(tx: Tx) -> list[Difference]:
    """Return the products whose quantity and ledger disagree. There must be none."""
    moved = func.coalesce(func.sum(stock_movements.c.delta), 0)
    rows = await tx.execute(
        select(products.c.product_id, products.c.quantity, moved.label("ledger"))
        .select_from(
            products.outerjoin(stock_movements, stock_movements.c.product_id == products.c.product_id)
        )
        .group_by(products.c.product_id, products.c.quantity)
        .having(products.c.quantity != moved)
        .order_by(products.c.product_id)
    )
    return [Difference(row.product_id, row.quantity, int(row.ledger)) for row in rows]
