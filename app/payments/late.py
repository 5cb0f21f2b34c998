"""Money for an attempt we had given up. It should not happen; when it does, it is never silent.

The goods are held once more and the order is paid, or the money goes back with a key of its own.
"""

import logging
from datetime import timedelta

from app.core.languages import marked
from app.infra.db import Tx
from app.machines import Machines
from app.orders import service as orders
from app.orders import states as order_states
from app.payments import settle, states, store
from app.payments.attempt import REPLACED, Attempt, Standing, judge
from app.payments.payment import TossPayment
from app.payments.refunds import store as refunds
from app.payments.refunds.refund import RefundWish
from app.payments.toss import TossRefused, TossUnknown
from app.stock import service as stock

GIVEN_UP = frozenset({states.FAILED, states.EXPIRED, states.CANCELED})
REFUND_CHECK = timedelta(seconds=10)
REASON = marked("결제 기한이 지난 뒤 처리된 결제의 자동 취소")

log = logging.getLogger(__name__)


async def receive(m: Machines, attempt: Attempt, payment: TossPayment) -> None:
    """Act on Toss's word about an attempt that was given up."""
    standing = judge(attempt, payment)
    if standing is Standing.DEAD:
        await settle.transact(m, lambda tx: _close_refund(tx, attempt, payment))
    if standing not in {Standing.DONE, Standing.WAITING, Standing.WRONG}:
        return
    settle.raise_alarm("payment_after_end", attempt)
    if standing is Standing.DONE:
        try:
            await settle.take_step(m, attempt, payment, _keep)
        except settle.CannotKeepError as error:
            log.warning("late payment %d goes back: %s", attempt.web_payment_id, error)
        else:
            return
    await _give_back(m, attempt, payment)


async def _keep(m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    """Pay the order after all. Raises settle.CannotKeepError."""
    order = await orders.read_order(tx, attempt.order_id)
    if order.status not in {order_states.PENDING, order_states.EXPIRED}:
        raise settle.CannotKeepError(f"order {order.status}")
    other = await store.select_open(tx, order.order_id)
    if other is not None and not await store.update_status(tx, other, states.CANCELED, failure_code=REPLACED):
        raise settle.CannotKeepError(f"another attempt {other.status}")
    if await stock.reserve(tx, attempt.web_payment_id, order.wanted, late=True):
        raise settle.CannotKeepError("out of stock")
    if not await settle.pay(m, tx, attempt, payment):
        raise settle.CannotKeepError("moved meanwhile")
    return True


async def _give_back(m: Machines, attempt: Attempt, payment: TossPayment) -> None:
    """Cancel the payment at Toss; what stays unknown is asked again under the same key."""
    refund_id = f"late-{attempt.payment_no}"

    async def resolve(tx: Tx) -> bool:
        wish = RefundWish(refund_id, payment.balance_amount, REASON, account=None, requested_by=None)
        await refunds.insert_refund(tx, wish, attempt.web_payment_id, None)  # the attempt itself is checked
        await store.update_next_check(tx, attempt, m.clock.now() + REFUND_CHECK)
        return True

    await settle.transact(m, resolve)
    try:
        canceled = await m.toss.cancel(payment.payment_key, REASON, refund_id)
    except TossRefused as refusal:
        code = refusal.code[:64]
        await settle.transact(m, lambda tx: _refuse(m, tx, attempt, payment, code))
    except TossUnknown as unknown:
        log.warning("late refund %d unknown: %s", attempt.web_payment_id, unknown.reason)
    else:
        await settle.transact(m, lambda tx: _close_refund(tx, attempt, canceled))


async def _close_refund(tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    """The money is back: the refund is done and the attempt canceled."""
    if not await refunds.update_done(tx, f"late-{attempt.payment_no}", None):
        return False
    await store.upsert_toss_payment(tx, attempt, payment)
    if not await store.update_status(tx, attempt, states.CANCELED, failure_code="REFUNDED"):
        await store.update_next_check(tx, await store.select_attempt(tx, attempt.web_payment_id), None)
    settle.count(states.CANCELED)
    return True


async def _refuse(m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment, code: str) -> bool:
    """Toss will not give the money back without a person (a deposit needs an account to go to)."""
    await refunds.update_refused(tx, f"late-{attempt.payment_no}", code)
    return await settle.review(m, tx, attempt, payment)
