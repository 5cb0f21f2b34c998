"""Orders in the database."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.core import ids
from app.infra.db import Tx
from app.models import order_lines, orders, users
from app.orders import states
from app.orders.order import NewOrder, Order, OrderLine, Recipient, SlotTakenError

RECIPIENT = ("recipient_name", "recipient_phone", "postcode", "address1", "address2", "delivery_note")


async def insert_order(tx: Tx, new: NewOrder) -> int:
    """Insert an order with its lines and return its id. Raises SlotTakenError: roll back and look again."""
    now = tx.clock.now()
    row = {
        "order_no": ids.order_no(now),
        "owner": new.owner,
        "user_id": new.user_id,
        "cart_stamp": new.cart_stamp,
        "status": states.PENDING,
        "open_slot": 1,
        "total_quantity": new.total_quantity,
        "items_price": new.items_price,
        "delivery_fee": new.delivery_fee,
        "total_price": new.total_price,
        **asdict(new.recipient),
        "expires_at": new.expires_at,
        "paid_at": None,
        "created_at": now,
        "updated_at": now,
    }
    try:
        inserted = await tx.execute(insert(orders), row)
    except IntegrityError as error:
        raise SlotTakenError(new.owner) from error
    order_id = int((inserted.inserted_primary_key or [0])[0])
    lines = [
        {"order_id": order_id, **asdict(line)} for line in sorted(new.lines, key=lambda line: line.product_id)
    ]
    await tx.execute(insert(order_lines), lines)
    return order_id


async def select_order(tx: Tx, order_id: int) -> Order:
    """Return an order that is known to exist."""
    found = await _select(tx, select(orders).where(orders.c.order_id == order_id))
    return found[0]


async def select_orders(tx: Tx, order_ids: Sequence[int]) -> list[Order]:
    """Return these orders, in any order."""
    return await _select(tx, select(orders).where(orders.c.order_id.in_(order_ids)))


async def select_by_no(tx: Tx, order_no: str) -> Order | None:
    """Return the order with that number."""
    found = await _select(tx, select(orders).where(orders.c.order_no == order_no))
    return found[0] if found else None


async def select_open(tx: Tx, owner: str) -> Order | None:
    """Return the owner's one open order."""
    found = await _select(tx, select(orders).where(orders.c.owner == owner, orders.c.open_slot == 1))
    return found[0] if found else None


async def select_has_open(tx: Tx, user_id: int) -> bool:
    """Whether a member has an order that may still be paid."""
    still = select(orders.c.order_id).where(orders.c.user_id == user_id, orders.c.status.in_(states.OPEN))
    return (await tx.execute(still.limit(1))).first() is not None


async def update_recipients_forgotten(tx: Tx, before: datetime, limit: int) -> Sequence[int]:
    """Overwrite who and where in orders placed before then, except members' who are still with us."""
    gone = or_(orders.c.user_id.is_(None), users.c.closed_at.is_not(None))
    ended = and_(orders.c.open_slot.is_(None), orders.c.created_at < before)
    query = (
        select(orders.c.order_id)
        .join_from(orders, users, orders.c.user_id == users.c.user_id, isouter=True)
        .where(ended, gone, orders.c.recipient_name != "")
    )
    found = (await tx.execute(query.limit(limit))).scalars().all()
    nothing = dict.fromkeys(RECIPIENT, "")
    await tx.execute(update(orders).where(orders.c.order_id.in_(found)).values(**nothing))
    return found


async def select_last_recipient(tx: Tx, owner: str) -> Recipient | None:
    """Return where the owner's latest order went or would have gone."""
    query = select(*(orders.c[name] for name in RECIPIENT)).where(orders.c.owner == owner)
    row = (await tx.execute(query.order_by(orders.c.order_id.desc()).limit(1))).first()
    return Recipient(*row) if row else None


async def select_paid_stamp(tx: Tx, owner: str) -> int:
    """Return the newest cart stamp this owner has paid for, 0 if there is none."""
    query = select(func.max(orders.c.cart_stamp)).where(
        orders.c.owner == owner, orders.c.paid_at.is_not(None)
    )
    return int((await tx.execute(query)).scalar_one() or 0)


async def select_page(tx: Tx, owner: str, after: str, limit: int) -> list[Order]:
    """Return the owner's orders, newest first, older than the one numbered ``after`` ('' for the first)."""
    query = select(orders).where(orders.c.owner == owner)
    if after:
        border = select(orders.c.order_id).where(orders.c.order_no == after, orders.c.owner == owner)
        query = query.where(orders.c.order_id < border.scalar_subquery())
    return await _select(tx, query.order_by(orders.c.order_id.desc()).limit(limit))


async def update_status(tx: Tx, order_id: int, old: str, new: str) -> bool:
    """Move an order from ``old`` to ``new``; return whether it was there to be moved."""
    now = tx.clock.now()
    values: dict[str, Any] = {"status": new, "updated_at": now}
    # An order that opens again takes no slot: its owner may have another open order by now.
    values["open_slot"] = 1 if old in states.OPEN and new in states.OPEN else None
    if new == states.PAID:
        values["paid_at"] = now
    elif new == states.WAITING_FOR_DEPOSIT:
        values["paid_at"] = None
    there = update(orders).where(
        orders.c.order_id == order_id, orders.c.status == old, orders.c.status.in_(states.sources(new))
    )
    return (await tx.execute(there.values(**values))).rowcount == 1


async def update_paid(tx: Tx, order_ids: Sequence[int]) -> int:
    """Move PENDING orders to PAID; return how many of them were PENDING."""
    now = tx.clock.now()
    unpaid = update(orders).where(
        orders.c.order_id.in_(order_ids),
        orders.c.status == states.PENDING,
        orders.c.status.in_(states.sources(states.PAID)),
    )
    values = {"status": states.PAID, "open_slot": None, "paid_at": now, "updated_at": now}
    return (await tx.execute(unpaid.values(**values))).rowcount


async def update_recipient(tx: Tx, order_id: int, recipient: Recipient) -> None:
    """Correct where an unpaid order goes."""
    unpaid = update(orders).where(orders.c.order_id == order_id, orders.c.status == states.PENDING)
    await tx.execute(unpaid.values(**asdict(recipient), updated_at=tx.clock.now()))


async def update_expiry(tx: Tx, order_id: int, expires_at: datetime) -> None:
    """Move the end of an unpaid order."""
    unpaid = update(orders).where(orders.c.order_id == order_id, orders.c.status == states.PENDING)
    await tx.execute(unpaid.values(expires_at=expires_at, updated_at=tx.clock.now()))


async def update_expiry_together(tx: Tx, order_ids: Sequence[int], expires_at: datetime) -> None:
    """Let none of these unpaid orders end before then."""
    sooner = update(orders).where(
        orders.c.order_id.in_(order_ids),
        orders.c.status == states.PENDING,
        orders.c.expires_at < expires_at,
    )
    await tx.execute(sooner.values(expires_at=expires_at, updated_at=tx.clock.now()))


async def _select(tx: Tx, query: Select[Any]) -> list[Order]:
    rows = (await tx.execute(query)).all()
    lines = await _select_lines(tx, [row.order_id for row in rows])
    return [_order(row, lines[row.order_id]) for row in rows]


async def _select_lines(tx: Tx, order_ids: Sequence[int]) -> dict[int, list[OrderLine]]:
    lines: dict[int, list[OrderLine]] = {order_id: [] for order_id in order_ids}
    if not lines:
        return lines
    query = select(order_lines).where(order_lines.c.order_id.in_(order_ids))
    for row in await tx.execute(query.order_by(order_lines.c.order_line_id)):
        line = OrderLine(row.product_id, row.name, row.option_label, row.image, row.price, row.quantity)
        lines[row.order_id].append(line)
    return lines


def _order(row: Any, lines: Sequence[OrderLine]) -> Order:
    return Order(
        order_id=row.order_id,
        order_no=row.order_no,
        owner=row.owner,
        user_id=row.user_id,
        cart_stamp=row.cart_stamp,
        status=row.status,
        total_quantity=row.total_quantity,
        items_price=row.items_price,
        delivery_fee=row.delivery_fee,
        total_price=row.total_price,
        recipient=Recipient(*(getattr(row, name) for name in RECIPIENT)),
        expires_at=row.expires_at,
        paid_at=row.paid_at,
        created_at=row.created_at,
        lines=tuple(lines),
    )
