"""Brings an attempt to where Toss says its payment stands. Doing it twice, or late, changes nothing more."""

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from app.cart import service as carts
from app.core.errors import CommitUnknownError, DatabaseUnavailableError, RedisUnavailableError
from app.infra import metrics
from app.infra.db import Tx
from app.machines import Machines
from app.orders import service as orders
from app.orders import states as order_states
from app.orders.order import Order
from app.payments import states, store
from app.payments.attempt import DEPOSIT_REVERSED, Attempt, Standing, judge
from app.payments.payment import TossPayment
from app.stock import service as stock

DEPOSIT_CHECK = timedelta(minutes=10)
CODE = re.compile(r"[A-Z0-9_]{1,64}", re.ASCII)

log = logging.getLogger(__name__)


class CannotKeepError(Exception):
    """The order cannot have this money any more. Rolls the transaction back."""


Step = Callable[[Machines, Tx, Attempt, TossPayment], Awaitable[bool]]


async def settle(m: Machines, attempt: Attempt, payment: TossPayment) -> bool:
    """Take the one step that Toss's answer calls for; return whether this call took it.

    An attempt that was given up, and whose money came after all, is no step of this table: late.py.
    """
    standing = judge(attempt, payment)
    step = STEPS.get((attempt.status, standing))
    if step is None:
        return False
    try:
        return await take_step(m, attempt, payment, step)
    except CannotKeepError as error:
        log.warning("web_payment %d stays %s: %s", attempt.web_payment_id, attempt.status, error)
        return False


async def take_step(m: Machines, attempt: Attempt, payment: TossPayment, step: Step) -> bool:
    """Run a step in one transaction, then do what may only be done once it is committed."""
    moved = await transact(m, lambda tx: step(m, tx, attempt, payment))
    if moved and step in {pay, accept}:
        async with m.db.reserve.read() as tx:
            order = await orders.read_order(tx, attempt.order_id)
        await clear_hot_cart(m, order)
    return moved


async def transact(m: Machines, work: Callable[[Tx], Awaitable[bool]]) -> bool:
    """Run ``work``, once more when nobody knows whether it was committed: its guard makes that harmless.

    Raises CommitUnknownError when that is still not known, DatabaseUnavailableError when nothing happened.
    """
    try:
        return await m.db.reserve.retrying(work)
    except CommitUnknownError as unknown:
        try:
            return await m.db.reserve.retrying(work)
        except DatabaseUnavailableError as error:
            raise CommitUnknownError(str(error)) from unknown


async def pay(_m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    """The money is there: attempt and order are paid, and the cart is emptied of what was bought."""
    if not await store.update_status(tx, attempt, states.PAID):
        return False
    await store.upsert_toss_payment(tx, attempt, payment)
    order = await orders.read_order(tx, attempt.order_id)
    if order.status != order_states.PAID:
        if not await orders.mark_paid(tx, order):
            raise_alarm("paid_for_closed_order", attempt)
        await carts.clear_paid(tx, order.owner, order.cart_stamp)
    count(states.PAID)
    return True


async def accept(m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    """The money of an attempt in REVIEW is as it should be after all. Raises CannotKeepError.

    An attempt that came here after its end holds no goods, and its order may be somebody else's by now.
    """
    order = await orders.read_order(tx, attempt.order_id)
    if not orders.may_be_paid(order) or await store.select_has_rival(tx, attempt):
        raise CannotKeepError(f"order {order.status}")
    held = await stock.is_held(tx, attempt.web_payment_id)
    if not held and await stock.reserve(tx, attempt.web_payment_id, order.wanted, late=True):
        raise CannotKeepError("out of stock")
    return await pay(m, tx, attempt, payment)


async def reverse_deposit(m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    """The bank took the deposit back: attempt and order wait for another, and the goods stay held."""
    next_check_at = m.clock.now() + DEPOSIT_CHECK
    if not await store.update_status(
        tx, attempt, states.WAITING_FOR_DEPOSIT, failure_code=DEPOSIT_REVERSED, next_check_at=next_check_at
    ):
        return False
    await store.upsert_toss_payment(tx, attempt, payment)
    await orders.mark_reversed(tx, await orders.read_order(tx, attempt.order_id))
    raise_alarm("deposit_reversed", attempt)
    count(states.WAITING_FOR_DEPOSIT)
    return True


async def await_deposit(m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    """A virtual account was given out: the goods stay held until the money comes or the time is over."""
    next_check_at = m.clock.now() + DEPOSIT_CHECK
    if not await store.update_status(tx, attempt, states.WAITING_FOR_DEPOSIT, next_check_at=next_check_at):
        return False
    await store.upsert_toss_payment(tx, attempt, payment)
    await orders.mark_waiting(tx, await orders.read_order(tx, attempt.order_id))
    count(states.WAITING_FOR_DEPOSIT)
    return True


async def fail(m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    """Toss says nobody is charged: the goods go back, and the order may be paid another way."""
    return await fail_with(m, tx, attempt, _failure_code(payment))


async def fail_with(m: Machines, tx: Tx, attempt: Attempt, code: str, *, unasked: bool = False) -> bool:
    """End an attempt nobody is charged for, and open the next one in the same transaction."""
    if not await store.update_status(tx, attempt, states.FAILED, failure_code=code, unasked=unasked):
        return False
    await stock.release(tx, attempt.web_payment_id)
    order = await orders.read_order(tx, attempt.order_id)
    if order.status == order_states.PENDING:
        await open_next(m, tx, order, attempt)
    count(states.FAILED)
    return True


async def open_next(m: Machines, tx: Tx, order: Order, before: Attempt) -> None:
    """Open the next attempt of an order, with all the time an order has."""
    until = max(m.clock.now() + timedelta(minutes=m.settings.order_minutes), order.expires_at)
    await orders.keep_open(tx, order, until)
    await store.insert_attempt(tx, order, before.signup_id, until)


async def open_next_together(m: Machines, tx: Tx, before: Sequence[Attempt]) -> None:
    """Open the next attempt of each order that can still be paid, with all the time an order has."""
    found = await orders.read_orders(tx, [attempt.order_id for attempt in before])
    unpaid = [
        (found[one.order_id], one) for one in before if found[one.order_id].status == order_states.PENDING
    ]
    if not unpaid:
        return
    until = m.clock.now() + timedelta(minutes=m.settings.order_minutes)
    await orders.keep_open_together(tx, [order.order_id for order, _ in unpaid], until)
    wanted = [(order, attempt.signup_id, max(until, order.expires_at)) for order, attempt in unpaid]
    await store.insert_attempts(tx, wanted)


async def expire_deposit(_m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    """The deposit did not come in time: the goods go back and the order ends."""
    return await _end_waiting(tx, attempt, payment, states.EXPIRED)


async def cancel_deposit(_m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    """The virtual account was canceled before any deposit: the goods go back and the order ends."""
    return await _end_waiting(tx, attempt, payment, states.CANCELED)


async def review(_m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    """Money moved, but not as asked: a person must look. The goods stay held."""
    if not await store.update_status(tx, attempt, states.REVIEW, failure_code=f"TOSS_{payment.status}"[:64]):
        return False
    await store.upsert_toss_payment(tx, attempt, payment)
    raise_alarm("payment_review", attempt)
    count(states.REVIEW)
    return True


async def clear_hot_cart(m: Machines, order: Order) -> None:
    """Empty the cart in Redis at once. The announced message does it again, for as long as it takes."""
    try:
        await carts.clear_paid_hot(m, order.owner, order.cart_stamp)
    except RedisUnavailableError:
        log.warning("cart of order %s is emptied later", order.order_no)


def count(status: str) -> None:
    """Count an attempt entering a state."""
    metrics.payment_transitions.labels(status).inc()


def raise_alarm(kind: str, attempt: Attempt) -> None:
    """Say that a person must look at an attempt; by its row's number, for its other numbers are secret."""
    metrics.alarms.labels(kind).inc()
    log.error("alarm %s: web_payment %d (%s)", kind, attempt.web_payment_id, attempt.status)


async def _end_waiting(tx: Tx, attempt: Attempt, payment: TossPayment, status: str) -> bool:
    if not await store.update_status(tx, attempt, status, failure_code=_failure_code(payment)):
        return False
    await store.upsert_toss_payment(tx, attempt, payment)
    await stock.release(tx, attempt.web_payment_id)
    await orders.close_unpaid(tx, await orders.read_order(tx, attempt.order_id), status)
    count(status)
    return True


def _failure_code(payment: TossPayment) -> str:
    failure = payment.raw.get("failure")
    code = failure.get("code") if isinstance(failure, dict) else None
    return code if isinstance(code, str) and CODE.fullmatch(code) else payment.status


STEPS: dict[tuple[str, Standing], Step] = {
    (states.CONFIRMING, Standing.DONE): pay,
    (states.CONFIRMING, Standing.WAITING): await_deposit,
    (states.CONFIRMING, Standing.DEAD): fail,
    (states.CONFIRMING, Standing.WRONG): review,
    (states.WAITING_FOR_DEPOSIT, Standing.DONE): pay,
    (states.WAITING_FOR_DEPOSIT, Standing.DEAD): cancel_deposit,
    (states.WAITING_FOR_DEPOSIT, Standing.WRONG): review,
    (states.PAID, Standing.WAITING): reverse_deposit,
    (states.PAID, Standing.DEAD): review,
    (states.PAID, Standing.WRONG): review,
    (states.PARTIAL_CANCELED, Standing.WAITING): review,
    (states.PARTIAL_CANCELED, Standing.DEAD): review,
    (states.REVIEW, Standing.DONE): accept,
}
