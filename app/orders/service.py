"""Orders: placed, moved from state to state, found again by those who may see them."""

import hmac
from collections.abc import Sequence
from datetime import datetime

from app.core.errors import NotFoundError
from app.core.languages import _
from app.infra.db import Tx
from app.machines import Machines
from app.orders import access, states, store
from app.orders.access import Visitor
from app.orders.messages import OrderPaid
from app.orders.order import NewOrder, Order, Recipient

PAGE = 10


async def find_order(m: Machines, order_no: str, visitor: Visitor) -> Order:
    """Return an order to someone who may see it. Raises NotFoundError to everyone else."""
    async with m.db.read() as tx:
        return await read_visible(m, tx, order_no, visitor)


async def read_visible(m: Machines, tx: Tx, order_no: str, visitor: Visitor) -> Order:
    """Return an order to someone who may see it. Raises NotFoundError to everyone else."""
    order = await store.select_by_no(tx, order_no)
    if order is None or not may_see(m, order, visitor):
        raise NotFoundError("order", say=_("주문을 찾을 수 없습니다. 주문번호를 확인해 주십시오."))
    return order


def may_see(m: Machines, order: Order, visitor: Visitor) -> bool:
    """Whether this visitor may see this order."""
    return access.may_see(order, visitor, m.settings.secret_key, m.clock.now())


async def read_payable(m: Machines, tx: Tx, order_no: str, visitor: Visitor) -> Order:
    """Return an order to someone who may pay it. Raises NotFoundError to everyone else."""
    order = await store.select_by_no(tx, order_no)
    if order is None or not may_pay(m, order, visitor):
        raise NotFoundError("order", say=_("주문을 찾을 수 없습니다. 주문번호를 확인해 주십시오."))
    return order


def may_pay(m: Machines, order: Order, visitor: Visitor) -> bool:
    """Whether this visitor may pay this order; who may see it may."""
    return access.may_pay(order, visitor, m.settings.secret_key, m.clock.now())


def issue_payment_pass(m: Machines, order: Order) -> tuple[str, datetime]:
    """Return a pass by which this order can be paid on another device, and when it ends."""
    return access.issue_payment_pass(m.settings.secret_key, order, m.clock.now())


async def look_up(m: Machines, order_no: str, phone: str) -> str | None:
    """Return a pass for the guest's order with that number and telephone; None when there is none.

    A member's order is behind the member's password, not behind a telephone number.
    """
    async with m.db.read() as tx:
        order = await store.select_by_no(tx, order_no)
    known = order.recipient.recipient_phone if order else ""
    matches = hmac.compare_digest(known.encode(), phone.encode())
    if order is None or order.user_id is not None or not matches:
        return None
    return issue_pass(m, order)


def issue_pass(m: Machines, order: Order) -> str:
    """Return a pass for this order, as its guest is given one."""
    return access.issue_pass(m.settings.secret_key, order.order_no, m.clock.now())


async def read_order(tx: Tx, order_id: int) -> Order:
    """Return an order that is known to exist."""
    return await store.select_order(tx, order_id)


async def read_orders(tx: Tx, order_ids: Sequence[int]) -> dict[int, Order]:
    """Return orders by their ids."""
    return {order.order_id: order for order in await store.select_orders(tx, order_ids)}


async def read_open(tx: Tx, owner: str) -> Order | None:
    """Return the owner's one open order."""
    return await store.select_open(tx, owner)


async def read_last_recipient(tx: Tx, owner: str) -> Recipient | None:
    """Return where the owner's latest order went or would have gone."""
    return await store.select_last_recipient(tx, owner)


async def read_page(tx: Tx, owner: str, after: str) -> tuple[list[Order], str]:
    """Return a page of the owner's orders, and after which number the next page starts ('' at the end)."""
    found = await store.select_page(tx, owner, after, PAGE + 1)
    page = found[:PAGE]
    return page, page[-1].order_no if len(found) > PAGE else ""


async def find_obstacle(tx: Tx, user_id: int) -> str:
    """Return why somebody's account cannot be closed yet, or ''."""
    if await store.select_has_open(tx, user_id):
        return _(
            "결제하지 않았거나 입금을 기다리는 주문이 있습니다. 주문 내역에서 결제하거나 취소해 주십시오."
        )
    return ""


async def forget_recipients(tx: Tx, before: datetime, limit: int) -> Sequence[int]:
    """Overwrite whom ended orders of guests and closed accounts went to; return which orders those were."""
    return await store.update_recipients_forgotten(tx, before, limit)


async def place(tx: Tx, new: NewOrder) -> Order:
    """Place an order. Raises SlotTakenError when another one was placed at the same moment."""
    return await store.select_order(tx, await store.insert_order(tx, new))


async def read_paid_stamp(tx: Tx, owner: str) -> int:
    """Return the cart stamp up to which this owner's goods are paid for (0 for nobody's)."""
    return await store.select_paid_stamp(tx, owner)


async def correct_recipient(tx: Tx, order: Order, recipient: Recipient) -> None:
    """Correct where an unpaid order goes."""
    await store.update_recipient(tx, order.order_id, recipient)


async def keep_open(tx: Tx, order: Order, until: datetime) -> None:
    """Keep an unpaid order open until then."""
    await store.update_expiry(tx, order.order_id, until)


async def keep_open_together(tx: Tx, order_ids: Sequence[int], until: datetime) -> None:
    """Keep unpaid orders open at least until then."""
    await store.update_expiry_together(tx, order_ids, until)


async def mark_waiting(tx: Tx, order: Order) -> bool:
    """The order waits for a deposit on a virtual account."""
    return await _move(tx, order, states.WAITING_FOR_DEPOSIT)


async def mark_paid(tx: Tx, order: Order) -> bool:
    """The order is paid; everybody who must act on that hears of it."""
    moved = await _move(tx, order, states.PAID)
    if moved:
        await tx.announce(OrderPaid(order.order_no, order.owner, order.cart_stamp))
    return moved


async def mark_all_paid(tx: Tx, paid: Sequence[tuple[Order, str]]) -> bool:
    """Unpaid orders are paid, each told of with its request's trace; False: one is not unpaid, roll back."""
    if await store.update_paid(tx, [order.order_id for order, _ in paid]) != len(paid):
        return False
    told = [(OrderPaid(order.order_no, order.owner, order.cart_stamp), trace) for order, trace in paid]
    await tx.announce_all(told)
    return True


async def mark_reversed(tx: Tx, order: Order) -> bool:
    """The bank took the deposit of a paid order back: it waits for another."""
    return await _move(tx, order, states.WAITING_FOR_DEPOSIT)


async def mark_returned(tx: Tx, order: Order, status: str) -> bool:
    """All of an order's money went back (CANCELED), or a part of it (PARTIAL_CANCELED)."""
    return await _move(tx, order, status)


def may_be_paid(order: Order) -> bool:
    """Whether a payment can make, or keep, this order paid."""
    return order.status == states.PAID or states.allows(order.status, states.PAID)


async def close_unpaid(tx: Tx, order: Order, status: str) -> bool:
    """End an order nobody paid for: canceled, expired or superseded."""
    return await _move(tx, order, status)


async def _move(tx: Tx, order: Order, new: str) -> bool:
    return await store.update_status(tx, order.order_id, order.status, new)
