"""Asks Toss about everything that is still undecided, and ends what nobody paid for in time."""

import asyncio
import dataclasses
import logging
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from app.core.errors import UnavailableError
from app.infra.db import Tx
from app.infra.log import name_error
from app.machines import Machines
from app.orders import service as orders
from app.orders import states as order_states
from app.payments import charge, settle, states, store
from app.payments.attempt import Attempt, Standing, judge
from app.payments.payment import TossPayment
from app.payments.refunds import service as refunds
from app.payments.refunds import store as refund_store
from app.payments.toss import TossError, TossRefused

PARALLEL = 20
MOST = 500  # of each kind, looked at in one go
LOOK_SECONDS, ROUND_SECONDS = 1.0, 20.0
# An undecided payment is decided within a minute of Toss answering again, however long it was away.
SHORTEST, LONGEST = 5.0, 15.0
RESEND_WITHIN = timedelta(minutes=9)  # Toss takes a confirmation for ten
UNDECIDED_AFTER = timedelta(minutes=30)
DEPOSIT_GRACE = timedelta(minutes=10)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """One thing to see to. ``asks``: of Toss, so that it waits until Toss answers."""

    name: str
    work: Callable[[], Coroutine[Any, Any, None]]
    asks: bool = True


async def reconcile_due(m: Machines) -> int:
    """See to everything that is due; return how much. Any number of processes may do this.

    A slow answer holds up nobody else: whenever one check ends, another begins. While Toss is away
    only probes are sent, and what is due stays due.
    """
    began, listed, taken = time.monotonic(), 0.0, set[str]()
    waiting: list[Due] = []
    running: set[asyncio.Task[None]] = set()
    try:
        while True:
            now = time.monotonic()
            if now - began > ROUND_SECONDS:
                waiting = []  # the next round begins soon, and who stops the worker waits for this one
            elif now - listed > LOOK_SECONDS:
                waiting = [due for due in await _list_due(m) if due.name not in taken]
                listed = now
            for due in _startable(m, waiting, PARALLEL - len(running)):
                waiting.remove(due)
                taken.add(due.name)
                running.add(asyncio.create_task(due.work(), name=due.name))
            if not running:
                return len(taken)
            ended, running = await asyncio.wait(
                running, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for task in ended:
                _note(task)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _list_due(m: Machines) -> list[Due]:
    async with m.db.reserve.read() as tx:
        unpaid = await store.select_due(tx, MOST, pending=True)
        undecided = await store.select_due(tx, MOST, pending=False)
        requested = await refund_store.select_due(tx, MOST)
    return [
        *(Due(_name(attempt), partial(_end_unpaid, m, attempt), asks=False) for attempt in unpaid),
        *(Due(_name(attempt), partial(_check, m, attempt)) for attempt in undecided),
        *(Due(f"refund {refund.refund_id}", partial(refunds.check, m, refund)) for refund in requested),
    ]


def _name(attempt: Attempt) -> str:
    return f"web_payment {attempt.web_payment_id}"


def _startable(m: Machines, waiting: Sequence[Due], places: int) -> list[Due]:
    """Return what to begin with now: while the breaker is not closed, one at most of what asks Toss."""
    if m.toss.breaker.is_closed:
        return list(waiting[: max(0, places)])
    silent = [due for due in waiting if not due.asks]
    probes = [due for due in waiting if due.asks][: int(m.toss.breaker.lets_through)]
    return [*silent, *probes][: max(0, places)]


def _note(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (problem := task.exception()) is not None:
        log.error("check of %s failed: %s", task.get_name(), name_error(problem))


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


async def _end_unpaid(m: Machines, attempt: Attempt) -> None:
    await settle.transact(m, lambda tx: _expire(m, tx, attempt))


async def _check(m: Machines, attempt: Attempt) -> None:
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
