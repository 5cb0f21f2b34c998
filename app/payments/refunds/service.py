"""Refunds: promised once in our books, asked of Toss under one key, repeated until Toss has decided."""

import logging
from datetime import timedelta

from app.audit import service as audit
from app.core import ids
from app.core.errors import ConflictError
from app.core.languages import marked
from app.core.money import format_won
from app.infra.db import Tx
from app.machines import Machines
from app.orders import service as orders
from app.payments import settle, states
from app.payments import store as payments
from app.payments.attempt import RETURNED, Attempt
from app.payments.payment import TossPayment
from app.payments.refunds import store
from app.payments.refunds.refund import REQUESTED, Refund, RefundWish
from app.payments.toss import TossError, TossRefused, TossUnknown
from app.payments.verdicts import documented
from app.stock import service as stock

REFUNDABLE = frozenset({states.PAID, states.PARTIAL_CANCELED, states.REVIEW})
GOING_BACK = frozenset({states.CANCELED, states.PARTIAL_CANCELED})  # Toss's words, the same as ours

FIRST_CHECK = timedelta(seconds=15)  # longer than the first request can take
SHORTEST, LONGEST = timedelta(seconds=5), timedelta(seconds=30)
UNDECIDED_AFTER = timedelta(minutes=30)
# Answers that say that nothing is left to return: if the refund is not in Toss's list, it never will be.
NOTHING_LEFT = frozenset({"ALREADY_CANCELED_PAYMENT", "ALREADY_REFUND_PAYMENT"})
STILL_AT_WORK = "IDEMPOTENT_REQUEST_PROCESSING"
ENDED = marked("이미 취소되었거나 환불할 수 없는 결제입니다. 변경된 내용은 없습니다.")
TOO_MUCH = marked("환불할 수 있는 금액보다 많습니다. 남은 금액을 확인해 주십시오. 변경된 내용은 없습니다.")

log = logging.getLogger(__name__)


async def request(m: Machines, web_payment_id: int, wish: RefundWish) -> Refund:
    """Give money back; the same wish again is the same refund, whatever came of it.

    Raises ConflictError when the payment has not that much left.
    """
    promised = await settle.transact(m, lambda tx: _promise(m, tx, web_payment_id, wish))
    async with m.db.read() as tx:
        refund = await _read(tx, wish.refund_id)
        attempt = await payments.select_attempt(tx, web_payment_id)
    if not promised or refund.web_payment_id != web_payment_id:
        return refund
    await _send(m, attempt, refund)
    async with m.db.read() as tx:
        return await _read(tx, wish.refund_id)


async def check(m: Machines, refund: Refund) -> None:
    """Find out what became of a refund nobody answered for, and ask for it again if it did not happen."""
    age = m.clock.now() - refund.created_at
    next_check_at = m.clock.now() + min(LONGEST, max(SHORTEST, age / 4))
    if not await settle.transact(m, lambda tx: store.update_next_check(tx, refund, next_check_at)):
        return
    async with m.db.read() as tx:
        attempt = await payments.select_attempt(tx, refund.web_payment_id)
    if age > UNDECIDED_AFTER:
        settle.raise_alarm("refund_undecided", attempt)
    try:
        payment = await m.toss.find_by_key(attempt.payment_key or "")
    except TossRefused as refusal:
        settle.raise_alarm(f"toss_{refusal.code.lower()}", attempt)
        return
    except TossError as error:
        log.warning("refund of web_payment %d still unknown: %s", attempt.web_payment_id, error)
        return
    if payment is None:
        log.warning("refund of web_payment %d: Toss knows no such payment", attempt.web_payment_id)
    elif refund.find_in(payment):
        await record(m, attempt, payment)
    else:
        await _send(m, attempt, refund, refundable_amount=payment.balance_amount)


async def record(m: Machines, attempt: Attempt, payment: TossPayment, *, answered: str = "") -> bool:
    """Write down what Toss says has gone back; return whether anything changed.

    ``answered``: the refund that this is the answer to, which is done even if Toss does not name it.
    """
    return await settle.transact(m, lambda tx: _record(m, tx, attempt.web_payment_id, payment, answered))


async def _promise(m: Machines, tx: Tx, web_payment_id: int, wish: RefundWish) -> bool:
    if await store.select_refund(tx, wish.refund_id) is not None:
        return False
    attempt = await payments.select_attempt(tx, web_payment_id)
    if attempt.status not in REFUNDABLE:
        raise ConflictError(f"refund of {attempt.status}", say=ENDED)
    if not await store.insert_refund(tx, wish, web_payment_id, m.clock.now() + FIRST_CHECK):
        return False
    if not await store.update_promised(tx, web_payment_id, wish.amount):
        raise ConflictError("refund of more than is left", say=TOO_MUCH)  # and the row is rolled back
    if wish.requested_by:
        detail = f"{format_won(wish.amount)} · {wish.reason}"
        await audit.note_change(tx, wish.requested_by, "refund.requested", f"결제 {web_payment_id}", detail)
    return True


async def _read(tx: Tx, refund_id: str) -> Refund:
    refund = await store.select_refund(tx, refund_id)
    assert refund is not None  # noqa: S101 - a refund is never deleted
    return refund


async def _send(
    m: Machines, attempt: Attempt, refund: Refund, *, refundable_amount: int | None = None
) -> None:
    try:
        payment = await m.toss.cancel(
            attempt.payment_key or "",
            refund.told_reason,
            refund.idempotency_key,
            amount=refund.amount,
            refund_account=refund.account,
            refundable_amount=refundable_amount,
        )
    except TossRefused as refusal:
        if refusal.misconfigured:
            settle.raise_alarm(f"toss_{refusal.code.lower()}", attempt)
        await _refuse(m, attempt, refund, refusal.code)
    except TossUnknown as unknown:
        await _after_unknown(m, attempt, refund, unknown)
    else:
        await record(m, attempt, payment, answered=refund.refund_id)


async def _after_unknown(m: Machines, attempt: Attempt, refund: Refund, unknown: TossUnknown) -> None:
    """Look whether it happened, where Toss gave an answer; leave the rest to the reconciliation."""
    log.warning("refund of web_payment %d unknown: %s", attempt.web_payment_id, unknown.reason)
    if unknown.reason not in documented() or unknown.reason == STILL_AT_WORK:
        return
    try:
        payment = await m.toss.find_by_key(attempt.payment_key or "")
    except TossError:
        return
    if payment is None:
        return
    if refund.find_in(payment):
        await record(m, attempt, payment)
    elif unknown.reason in NOTHING_LEFT or payment.balance_amount < refund.amount:
        await _refuse(m, attempt, refund, unknown.reason)
    else:
        # Toss replays an error for as long as the key is the same. It was answered, so nothing of that key
        # is on its way; and should it happen after all, the balance sent along refuses the second.
        key = f"{refund.refund_id}-{ids.idempotency_key()[:8]}"
        await settle.transact(m, lambda tx: store.update_idempotency_key(tx, refund, key))


async def _refuse(m: Machines, attempt: Attempt, refund: Refund, code: str) -> None:
    async def end(tx: Tx) -> bool:
        if not await store.update_refused(tx, refund.refund_id, code[:64]):
            return False
        await store.update_promise_broken(tx, refund)
        return True

    if await settle.transact(m, end):
        settle.raise_alarm("refund_refused", attempt)


async def _record(m: Machines, tx: Tx, web_payment_id: int, payment: TossPayment, answered: str) -> bool:
    known_amount = await payments.select_returned_for_update(tx, web_payment_id)
    attempt = await payments.select_attempt(tx, web_payment_id)
    done = await _complete(tx, web_payment_id, payment, answered)
    stale = known_amount is None or payment.returned_amount < known_amount  # a replay of an earlier answer
    if stale or payment.status not in GOING_BACK or attempt.status not in REFUNDABLE:
        return done
    if attempt.status == states.REVIEW:
        await payments.upsert_toss_payment(tx, attempt, payment)
        ours = done and payment.status == states.CANCELED  # what others return is decided by a person
    else:
        ours = payment.returned_amount == await store.select_done_sum(tx, web_payment_id)
        if not ours:
            return await settle.review(m, tx, attempt, payment) or done
        await payments.upsert_toss_payment(tx, attempt, payment)
    if ours and payment.status != attempt.status:
        await _move(tx, attempt, payment.status)
    return done


async def _complete(tx: Tx, web_payment_id: int, payment: TossPayment, answered: str) -> bool:
    """Close every refund that Toss lists, and the one that was answered; return whether there was any."""
    done = False
    for refund in await store.select_of_payment(tx, web_payment_id):
        found = refund.find_in(payment)
        returned = payment.status in GOING_BACK and refund.refund_id == answered
        if refund.status == REQUESTED and (found or returned):
            done = await store.update_done(tx, refund.refund_id, found) or done
    return done


async def _move(tx: Tx, attempt: Attempt, status: str) -> None:
    """All or a part is back. Goods are free again when all of it is; a part returns money, not goods."""
    code = RETURNED if status == states.CANCELED else None
    if not await payments.update_status(tx, attempt, status, failure_code=code):
        return
    if status == states.CANCELED:
        await stock.release(tx, attempt.web_payment_id)
    if not await payments.select_has_rival(tx, attempt):
        await orders.mark_returned(tx, await orders.read_order(tx, attempt.order_id), status)
    settle.count(status)
