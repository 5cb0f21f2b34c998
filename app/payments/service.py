"""Attempts to pay, as others use them: opened with the order, ended with it, shown on its pages, settled."""

from collections.abc import Sequence
from datetime import timedelta

from app.core.errors import ConflictError, UnavailableError
from app.core.languages import _, marked
from app.infra.db import Tx
from app.machines import Machines
from app.orders import service as orders
from app.orders import states as order_states
from app.orders.order import Order, Recipient
from app.orders.view import PaymentView
from app.payments import charge, settle, states, store
from app.payments.attempt import CANCELED_BY_SHOPPER, SUPERSEDED, Attempt, Standing, judge
from app.payments.books.compare import Report, compare, compare_yesterday, yesterday
from app.payments.desk import Case, Desk, read_case, read_desk
from app.payments.institutions import BANKS
from app.payments.page.watch import Look, check_page
from app.payments.reconcile import reconcile_due
from app.payments.refunds.refund import Refund, RefundWish
from app.payments.refunds.service import request as refund
from app.payments.review import ask_again
from app.payments.summary import Known, summarize
from app.payments.toss import RefundAccount, TossError, TossRefused
from app.payments.webhooks import handle as handle_webhook

__all__ = [
    "BANKS",
    "Case",
    "Desk",
    "Look",
    "Refund",
    "RefundAccount",
    "RefundWish",
    "Report",
    "ask_again",
    "cancel_order",
    "check_page",
    "compare",
    "compare_yesterday",
    "correct_customer",
    "find_obstacle",
    "forget_buyers",
    "handle_webhook",
    "is_untouched",
    "open_attempt",
    "read_case",
    "read_desk",
    "read_view",
    "read_views",
    "reconcile_due",
    "refund",
    "supersede",
    "yesterday",
]

REASON = marked("고객 주문 취소")
RETENTION = timedelta(days=5 * 366)  # contracts and payments: five years (E-Commerce Act, decree, article 6)
FORGET_BATCH = 200
BUSY = marked("결제를 확인하고 있어 지금은 취소할 수 없습니다. 잠시 후 다시 확인해 주십시오.")


async def open_attempt(tx: Tx, order: Order, signup_id: str | None) -> None:
    """Open the first attempt of an order, in the transaction that places it."""
    await store.insert_attempt(tx, order, signup_id, order.expires_at)


async def is_untouched(tx: Tx, order: Order) -> bool:
    """Whether nothing has been asked of Toss for this order's open attempt."""
    attempt = await store.select_open(tx, order.order_id)
    return attempt is not None and attempt.status == states.PENDING


async def correct_customer(tx: Tx, order: Order, recipient: Recipient) -> bool:
    """Correct who pays, while nothing has been asked of Toss; return whether that was so."""
    attempt = await store.select_open(tx, order.order_id)
    return attempt is not None and await store.update_customer(
        tx, attempt, recipient.recipient_name, recipient.recipient_phone
    )


async def supersede(tx: Tx, order: Order) -> bool:
    """End an unpaid order whose cart has changed; False when its payment is already on its way."""
    return await _end(tx, order, order_states.SUPERSEDED, SUPERSEDED)


async def cancel_order(m: Machines, order: Order) -> None:
    """End an order nobody has paid for, as its shopper asks.

    Raises ConflictError when it cannot be ended (any more), UnavailableError when Toss cannot say.
    """
    if order.status == order_states.CANCELED:
        return
    if order.status == order_states.WAITING_FOR_DEPOSIT:
        await _cancel_deposit(m, order)
        return
    if not await settle.transact(
        m, lambda tx: _end(tx, order, order_states.CANCELED, CANCELED_BY_SHOPPER)
    ) and not await _is_canceled(m, order):
        raise ConflictError("cancellation", say=BUSY)


async def read_view(tx: Tx, order: Order) -> PaymentView | None:
    """Return how an order stands with its payment."""
    return (await read_views(tx, [order])).get(order.order_id)


async def read_views(tx: Tx, some: Sequence[Order]) -> dict[int, PaymentView]:
    """Return how orders stand with their payments, by order_id."""
    known: dict[int, list[Known]] = {order.order_id: [] for order in some}
    if known:
        for attempt, answer in await store.select_of_orders(tx, list(known)):
            known[attempt.order_id].append((attempt, answer))
    views = {order_id: summarize(attempts) for order_id, attempts in known.items()}
    return {order_id: view for order_id, view in views.items() if view is not None}


async def find_obstacle(tx: Tx, user_id: int) -> str:
    """Return why somebody's account cannot be closed yet, or ''."""
    if await store.select_is_unsettled(tx, user_id):
        return _("결제 확인이나 환불이 진행되고 있습니다. 끝난 뒤에 다시 시도해 주십시오.")
    return ""


async def forget_buyers(m: Machines) -> None:
    """Forget who bought, once no law asks for it: guests and closed accounts, after five years."""

    async def forget(tx: Tx) -> int:
        order_ids = await orders.forget_recipients(tx, tx.clock.now() - RETENTION, FORGET_BATCH)
        await store.update_customers_forgotten(tx, order_ids)
        return len(order_ids)

    while await m.db.retrying(forget) == FORGET_BATCH:
        continue


async def _end(tx: Tx, order: Order, status: str, code: str) -> bool:
    attempt = await store.select_open(tx, order.order_id)
    if attempt is None or attempt.status != states.PENDING:
        return False
    if not await store.update_status(tx, attempt, states.CANCELED, failure_code=code):
        return False
    if not await orders.close_unpaid(tx, order, status):
        raise ConflictError(f"order {order.status}")  # rolls back: an attempt never ends without its order
    settle.count(states.CANCELED)
    return True


async def _is_canceled(m: Machines, order: Order) -> bool:
    async with m.db.read() as tx:
        return (await orders.read_order(tx, order.order_id)).status == order_states.CANCELED


async def _cancel_deposit(m: Machines, order: Order) -> None:
    """Take the virtual account back at Toss first: afterwards nobody can pay into it."""
    async with m.db.read() as tx:
        attempt = await store.select_waiting(tx, order.order_id)
    if attempt is None or attempt.payment_key is None:
        raise ConflictError("cancellation", say=BUSY)
    try:
        await m.toss.cancel(attempt.payment_key, REASON, f"void-{attempt.payment_no}")
    except TossRefused:
        pass  # the deposit came meanwhile, or it is canceled already: the look-up says which
    except TossError as error:
        raise UnavailableError("cancel of a deposit") from error
    await _apply_canceled(m, attempt)


async def _apply_canceled(m: Machines, attempt: Attempt) -> None:
    try:
        payment = await charge.look_up(m, attempt)
    except TossError as error:
        raise UnavailableError("look-up after a cancel") from error
    if payment is not None:
        await charge.apply(m, attempt, payment)
    if payment is None or judge(attempt, payment) is not Standing.DEAD:
        raise ConflictError(
            "cancellation", say=_("이미 입금되어 취소하지 못했습니다. 주문 상태를 확인해 주십시오.")
        )
