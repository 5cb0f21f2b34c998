"""Asks Toss about everything that is still undecided, and ends what nobody paid for in time."""

import asyncio
import dataclasses
import logging
import random
from datetime import datetime, timedelta

from app.core.errors import UnavailableError
from app.infra.db import Tx
from app.machines import Machines
from app.orders import service as orders
from app.orders import states as order_states
from app.payments import charge, settle, states, store
from app.payments.attempt import Attempt, Standing, judge
from app.payments.payment import TossPayment
from app.payments.toss import TossError, TossRefused

BATCH = 20
SHORTEST, LONGEST = 5.0, 300.0
RESEND_WITHIN = timedelta(minutes=9)  # Toss takes a confirmation for ten
UNDECIDED_AFTER = timedelta(minutes=30)
DEPOSIT_GRACE = timedelta(minutes=10)

log = logging.getLogger(__name__)


async def reconcile_due(m: Machines) -> int:
    """Take up the attempts whose check is due; return how many. Any number of processes may do this."""
    async with m.db.reserve.read() as tx:
        due = await store.select_due(tx, BATCH)
    done = await asyncio.gather(*(_check(m, attempt) for attempt in due), return_exceptions=True)
    for attempt, problem in zip(due, done, strict=True):
        if isinstance(problem, BaseException):
            log.error("check of web_payment %d failed: %r", attempt.web_payment_id, problem)
    return len(due)


async def ask(m: Machines, attempt: Attempt, *, resend: bool) -> None:
    """Bring an attempt to where Toss says it stands. Raises TossError when Toss cannot say.

    ``resend``: confirm again what Toss has seen but not decided, under the same key.
    """
    payment = await charge.look_up(m, attempt)
    standing = judge(attempt, payment) if payment else None
    if payment and attempt.status == states.WAITING_FOR_DEPOSIT and standing is Standing.WAITING:
        if _is_overdue(payment, m.clock.now()):
            await settle.take_step(m, attempt, payment, settle.expire_deposit)
        return
    undecided = standing in {None, Standing.OPEN, Standing.STRANGER}
    if attempt.status == states.CONFIRMING and undecided:
        await _press(m, attempt, standing, resend=resend)
    elif payment:
        await charge.apply(m, attempt, payment)


async def _check(m: Machines, attempt: Attempt) -> None:
    if attempt.status == states.PENDING:
        await settle.transact(m, lambda tx: _expire(m, tx, attempt))
        return
    claimed = await _lease(m, attempt)
    if claimed is None:
        return
    try:
        await ask(m, claimed, resend=True)
    except TossRefused as refusal:
        settle.raise_alarm(f"toss_{refusal.code.lower()}", claimed)
    except (TossError, UnavailableError) as error:
        log.warning("web_payment %d still unknown: %s", claimed.web_payment_id, error)
        if _age(m, claimed) > UNDECIDED_AFTER:
            settle.raise_alarm("payment_unknown", claimed)


async def _lease(m: Machines, attempt: Attempt) -> Attempt | None:
    """Put the next check off; None when another process has done so first."""
    if attempt.status == states.WAITING_FOR_DEPOSIT:
        seconds = settle.DEPOSIT_CHECK.total_seconds()
    else:
        seconds = min(LONGEST, SHORTEST * 2 ** min(attempt.checks, 10))
    seconds *= random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret
    next_check_at = m.clock.now() + timedelta(seconds=max(SHORTEST, seconds))
    leased = await settle.transact(m, lambda tx: store.update_next_check(tx, attempt, next_check_at))
    return dataclasses.replace(attempt, checks=attempt.checks + 1) if leased else None


async def _press(m: Machines, attempt: Attempt, standing: Standing | None, *, resend: bool) -> None:
    """Toss has not decided: confirm again while it may still be confirmed, give it to a person at last."""
    age = _age(m, attempt)
    if standing is Standing.OPEN and resend and age <= RESEND_WITHIN:
        await charge.charge(m, attempt, first=False)
    elif age > UNDECIDED_AFTER:
        moved = await settle.transact(
            m, lambda tx: store.update_status(tx, attempt, states.REVIEW, failure_code="UNDECIDED")
        )
        if moved:
            settle.raise_alarm("payment_undecided", attempt)
            settle.count(states.REVIEW)


async def _expire(m: Machines, tx: Tx, attempt: Attempt) -> bool:
    """End an order nobody paid for. A PENDING attempt holds nothing and nothing was asked of Toss."""
    order = await orders.read_order(tx, attempt.order_id)
    if order.expires_at > m.clock.now():
        return await store.update_next_check(tx, attempt, order.expires_at)
    if not await store.update_status(tx, attempt, states.EXPIRED):
        return False
    await orders.close_unpaid(tx, order, order_states.EXPIRED)
    settle.count(states.EXPIRED)
    return True


def _age(m: Machines, attempt: Attempt) -> timedelta:
    return m.clock.now() - attempt.confirming_at if attempt.confirming_at else timedelta(0)


def _is_overdue(payment: TossPayment, now: datetime) -> bool:
    account = payment.account
    if account is None:
        return False
    return account.expired or (account.due_at is not None and account.due_at + DEPOSIT_GRACE < now)
