"""The reckoning: carts against their witnesses, attempts against Toss's ledger, the shelf against its own."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from app.core import ids
from app.infra.db import Tx
from app.machines import Machines
from app.models import carts, order_lines, orders, products, stock_movements, users, web_payments
from app.stock import service as stock
from tests.chaos.shopper import Shopper
from tests.chaos.tally import Tally

LOST, RESURRECTED = "lost", "resurrected"
DOUBLE, UNPAID, UNCHARGED = "double charges", "charged but not paid", "paid but not charged"
STOCK, OTHER_GOODS, OPEN = "stock differences", "orders of other goods", "payments in review"
HOLDING = frozenset({"CONFIRMING", "WAITING_FOR_DEPOSIT", "PAID", "REVIEW"})


@dataclass(frozen=True, slots=True)
class Books:
    """Everything the database has to say, read once."""

    statuses: Mapping[str, str]  # order → its state
    attempts: Sequence[Any]
    goods: Mapping[str, Mapping[int, int]]  # order → product → quantity
    carts: Mapping[str, Mapping[int, int]]  # owner → product → quantity
    members: Mapping[str, str]  # log-in id → owner


async def read_books(m: Machines) -> Books:
    """Read them."""
    async with m.db.read() as tx:
        placed = (await tx.execute(select(orders.c.order_id, orders.c.order_no, orders.c.status))).all()
        attempts = (
            await tx.execute(select(web_payments, orders.c.order_no, orders.c.owner).join(orders))
        ).all()
        lines = (await tx.execute(select(order_lines))).all()
        kept = (await tx.execute(select(carts).where(carts.c.quantity > 0))).all()
        members = (await tx.execute(select(users.c.user_id, users.c.signup_id))).all()
    numbers = {row.order_id: row.order_no for row in placed}
    return Books(
        {row.order_no: row.status for row in placed},
        attempts,
        _by((numbers[row.order_id], row.product_id, row.quantity) for row in lines),
        _by((row.owner, row.product_id, row.quantity) for row in kept),
        {row.signup_id: f"u:{row.user_id}" for row in members},
    )


def _by(rows: Any) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for key, product_id, quantity in rows:
        found.setdefault(key, {})[product_id] = quantity
    return found


def judge_carts(books: Books, seen: Sequence[tuple[Shopper, Mapping[int, int]]], tally: Tally) -> None:
    """Compare every cart, on its page and in the database, with what its witness knows."""
    for shopper, page in seen:
        _learn_outcomes(books, shopper)
        owner = owner_of(books, shopper)
        for where, lines in (("page", page), ("database", books.carts.get(owner, {}))):
            _judge_cart(
                shopper,
                f"{owner} on the {where}" if where == "page" else f"{owner} in the {where}",
                lines,
                tally,
            )
        for purchase in shopper.purchases:
            if books.goods.get(purchase.order_no) != purchase.lines:
                said = f"{purchase.order_no}: {books.goods.get(purchase.order_no)}, not {purchase.lines}"
                tally.mishap(OTHER_GOODS, f"{shopper.name}: {said}")


def _learn_outcomes(books: Books, shopper: Shopper) -> None:
    """What the shopper could not wait for is decided now; nothing may look both ways any more."""
    for purchase in shopper.undecided:
        if books.statuses.get(purchase.order_no) == "PAID":
            shopper.witness.pay(purchase.lines)
        else:
            shopper.witness.keep(purchase.lines)
    shopper.witness.alternatives.clear()


def _judge_cart(shopper: Shopper, where: str, lines: Mapping[int, int], tally: Tally) -> None:
    for product_id, (quantity, may) in shopper.witness.differences(lines).items():
        kind = RESURRECTED if may == [0] else LOST
        events = "\n      ".join(shopper.witness.events)
        said = f"{shopper.name}, cart {where}: product {product_id} is {quantity}, must be {may}"
        tally.mishap(kind, f"{said}\n      {events}")


def owner_of(books: Books, shopper: Shopper) -> str:
    """Return whose cart it is, as the shop names it."""
    if shopper.signup_id in books.members and "sid" in shopper.browser.wire.cookies:
        return books.members[shopper.signup_id]
    token = shopper.browser.wire.cookies.get("gid") or ""
    return f"g:{ids.fingerprint(token)[:40]}"


def judge_payments(books: Books, ledger: Mapping[str, Any], tally: Tally) -> None:
    """Compare every attempt with Toss's ledger: charged is paid, paid is charged, once."""
    charges, kept = ledger["charges"], ledger["kept"]
    for attempt in books.attempts:
        _judge_attempt(attempt, charges.get(attempt.payment_no, 0), kept.get(attempt.payment_no, 0), tally)
    paid = Counter(attempt.order_no for attempt in books.attempts if attempt.payment_status == "PAID")
    for order_no, status in books.statuses.items():
        if paid[order_no] > 1:
            tally.mishap(DOUBLE, f"order {order_no} was paid {paid[order_no]} times")
        if (status == "PAID") != (paid[order_no] > 0):
            tally.mishap(UNCHARGED, f"order {order_no} is {status}, paid by {paid[order_no]} attempts")
    for payment_no in set(kept) - {attempt.payment_no for attempt in books.attempts}:
        if kept[payment_no]:
            tally.mishap(UNPAID, f"{payment_no}: {kept[payment_no]} won kept for nothing we know")


def _judge_attempt(attempt: Any, times: int, won: int, tally: Tally) -> None:
    said = f"{attempt.order_no} {attempt.payment_no} {attempt.payment_status} of {attempt.total_price} won"
    if times > 1:
        tally.mishap(DOUBLE, f"{said}: charged {times} times")
    if attempt.payment_status == "PAID":
        if won != attempt.total_price:
            tally.mishap(UNCHARGED, f"{said}: {won} won kept")
    elif won:
        tally.mishap(UNPAID, f"{said}: {won} won kept")
    if attempt.payment_status == "REVIEW":
        tally.mishap(OPEN, said)


async def judge_stock(m: Machines, books: Books, tally: Tally) -> None:
    """Compare each shelf with its ledger, and with what was put there less what is held or sold."""
    async with m.db.read() as tx:
        for wrong in await stock.find_differences(tx):
            tally.mishap(STOCK, f"product {wrong.product_id}: {wrong}")
        initial, left = await _read_shelves(tx)
    gone: dict[int, int] = {}
    for attempt in books.attempts:
        if attempt.payment_status in HOLDING:
            for product_id, quantity in books.goods[attempt.order_no].items():
                gone[product_id] = gone.get(product_id, 0) + quantity
    for product_id, quantity in left.items():
        if quantity < 0 or initial[product_id] - gone.get(product_id, 0) != quantity:
            said = f"{initial[product_id]} put there, {gone.get(product_id, 0)} held or sold, {quantity} left"
            tally.mishap(STOCK, f"product {product_id}: {said}")


async def _read_shelves(tx: Tx) -> tuple[dict[int, int], dict[int, int]]:
    put = (
        select(stock_movements.c.product_id, func.sum(stock_movements.c.delta).label("put"))
        .where(stock_movements.c.web_payment_id.is_(None))
        .group_by(stock_movements.c.product_id)
    )
    left = select(products.c.product_id, products.c.quantity)
    return (
        {row.product_id: int(row.put) for row in await tx.execute(put)},
        {row.product_id: row.quantity for row in await tx.execute(left)},
    )
