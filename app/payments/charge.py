"""Asks Toss: to confirm a claimed attempt, or how it stands; and feeds the answer to settle."""

import logging
from collections.abc import Awaitable, Callable

from app.core import ids
from app.machines import Machines
from app.payments import late, settle, store
from app.payments.attempt import Attempt, Standing, judge
from app.payments.payment import TossPayment
from app.payments.refunds import service as refunds
from app.payments.toss import TossError, TossRefused, TossUnknown
from app.payments.verdicts import documented

log = logging.getLogger(__name__)


Settling = Callable[[Machines, Attempt, TossPayment], Awaitable[bool]]


async def charge(m: Machines, attempt: Attempt, *, first: bool, settling: Settling = settle.settle) -> None:
    """Send the confirmation of a CONFIRMING attempt, always with our own amount and the stored key.

    ``first``: nobody sent it before, so that a certain refusal is the end of it. What stays unknown
    stays CONFIRMING: the reconciliation asks again until Toss has decided. ``settling`` brings a payment
    that Toss has made into our books.
    """
    assert attempt.payment_key  # noqa: S101 - the claim stored both keys
    assert attempt.idempotency_key  # noqa: S101 - as above
    try:
        payment = await m.toss.confirm(
            attempt.payment_key, attempt.payment_no, attempt.total_price, attempt.idempotency_key
        )
    except TossRefused as refusal:
        await _after_refusal(m, attempt, refusal, first=first)
    except TossUnknown as unknown:
        await _after_unknown(m, attempt, unknown, first=first)
    else:
        if judge(attempt, payment) is Standing.STRANGER:
            await settle.take_step(m, attempt, payment, settle.review)
        elif not await settling(m, attempt, payment):
            # It is not where it was any more: the reconciliation was first, or gave it to a person.
            await apply(m, await _read(m, attempt), payment)


async def apply(m: Machines, attempt: Attempt, payment: TossPayment) -> None:
    """Bring an attempt to where Toss says it stands, whatever state it is in."""
    mine = judge(attempt, payment) is not Standing.STRANGER
    if attempt.status in late.GIVEN_UP:
        await late.receive(m, attempt, payment)
    elif attempt.status in refunds.REFUNDABLE and payment.status in refunds.GOING_BACK and mine:
        await refunds.record(m, attempt, payment)
    else:
        await settle.settle(m, attempt, payment)


async def look_up(m: Machines, attempt: Attempt) -> TossPayment | None:
    """Return Toss's view of an attempt; None when it knows none. Raises TossError."""
    if attempt.payment_key:
        return await m.toss.find_by_key(attempt.payment_key)
    return await m.toss.find_by_order(attempt.payment_no)


async def _after_refusal(m: Machines, attempt: Attempt, refusal: TossRefused, *, first: bool) -> None:
    """End a refused attempt once it is sure that no request of ours can still be on its way."""
    if refusal.misconfigured:
        settle.raise_alarm(f"toss_{refusal.code.lower()}", attempt)
    try:
        payment = await look_up(m, attempt)
    except TossRefused:
        payment = None  # the same mistake of ours spoils the look-up too: the refusal itself is certain
    except TossUnknown:
        return
    standing = judge(attempt, payment) if payment else None
    if payment and standing in {Standing.DONE, Standing.WAITING, Standing.WRONG}:
        await settle.settle(m, attempt, payment)
    elif standing is Standing.DEAD or first:
        # Without Toss's own word that it is dead, only if no reconciliation has sent it again meanwhile.
        unasked = standing is not Standing.DEAD
        await settle.transact(
            m, lambda tx: settle.fail_with(m, tx, attempt, refusal.code[:64], unasked=unasked)
        )


async def _after_unknown(m: Machines, attempt: Attempt, unknown: TossUnknown, *, first: bool) -> None:
    """Look once; leave what Toss has not decided to the reconciliation."""
    log.warning("confirm of web_payment %d unknown: %s", attempt.web_payment_id, unknown.reason)
    try:
        payment = await look_up(m, attempt)
    except TossError:
        return
    if payment is None or await settle.settle(m, attempt, payment):
        return
    answered = unknown.reason in documented()
    if answered and not first and judge(attempt, payment) is Standing.OPEN:
        # Toss replays an error for as long as the key is the same. It was answered, so nothing of that
        # key is on its way, and one payment is charged once at most: the next try takes a new key.
        async with m.db.reserve.write() as tx:
            await store.update_idempotency_key(tx, attempt, ids.idempotency_key())


async def _read(m: Machines, attempt: Attempt) -> Attempt:
    async with m.db.reserve.read() as tx:
        return await store.select_attempt(tx, attempt.web_payment_id)
