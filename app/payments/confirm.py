"""The way back from Toss: check, hold the goods, confirm. Safe to reload; needs the database only."""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from app.core import ids
from app.core.errors import CommitUnknownError, DatabaseUnavailableError, NotFoundError, UnavailableError
from app.core.languages import _
from app.infra import metrics
from app.infra.db import Tx
from app.machines import Machines
from app.orders import service as orders
from app.orders.order import Order
from app.payments import charge, settle, states, store
from app.payments.attempt import OUT_OF_STOCK, Attempt
from app.stock import service as stock

WAIT_SECONDS = 8.0
FIRST_CHECK = timedelta(seconds=10)
# A payment that was confirmed, or may have been.
GOING_ON = {states.CONFIRMING, states.WAITING_FOR_DEPOSIT, states.PAID}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the browser brought back from Toss. None of it is believed; it is compared."""

    payment_key: str
    payment_no: str
    amount: int


@dataclass(frozen=True, slots=True)
class Result:
    """Where an attempt stands after the return.

    ``tampered`` when what was brought back does not fit it; ``elsewhere`` when it was another payment of the
    same attempt that was confirmed, and this one never will be.
    """

    attempt: Attempt
    order: Order
    tampered: bool = False
    elsewhere: bool = False


class _OutOfStockError(Exception):
    """Too little of something. Rolls the transaction back."""


async def confirm_return(m: Machines, payment_no: str, arrival: Arrival | None) -> Result:
    """Confirm a PENDING attempt, waiting for Toss for a few seconds; else return where it stands.

    Raises NotFoundError. CommitUnknownError means that the attempt may be on its way: say so.
    """
    result = await find_result(m, payment_no)
    if result.attempt.status != states.PENDING:
        return _compare(result, arrival)
    if arrival is None or not _fits(result.attempt, arrival):
        return _refuse(result)
    work = m.background.spawn(_confirm(m, result, arrival), f"confirm {result.attempt.web_payment_id}")
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            # Shielded: neither our patience nor the phone's ends what was begun with somebody's money.
            await asyncio.shield(work)
    except TimeoutError:
        log.warning("web_payment %d is confirmed without us waiting", result.attempt.web_payment_id)
    except store.KeyTakenError:
        return _refuse(result)
    try:
        result = await find_result(m, payment_no)
    except UnavailableError as error:
        raise CommitUnknownError("confirmed, but not read back") from error
    if result.attempt.status == states.PENDING and not work.done():
        # A database without space takes the claim, and commits it when it has space again.
        raise CommitUnknownError("claimed, but not committed yet")
    return _compare(result, arrival)


async def find_result(m: Machines, payment_no: str) -> Result:
    """Return where an attempt stands. Raises NotFoundError."""
    async with m.db.reserve.read() as tx:
        attempt = await store.select_by_no(tx, payment_no)
        if attempt is None:
            raise NotFoundError("attempt", say=_("결제를 찾을 수 없습니다."))
        return Result(attempt, await orders.read_order(tx, attempt.order_id))


def _fits(attempt: Attempt, arrival: Arrival) -> bool:
    return arrival.payment_no == attempt.payment_no and arrival.amount == attempt.total_price


def _compare(result: Result, arrival: Arrival | None) -> Result:
    """Note when two devices paid at once, and it was the other's payment that was confirmed."""
    attempt = result.attempt
    other = arrival is not None and attempt.payment_key not in {None, arrival.payment_key}
    mine = arrival is not None and _fits(attempt, arrival)
    return replace(result, elsewhere=other and mine and attempt.status in GOING_ON)


def _refuse(result: Result) -> Result:
    """Nothing was asked of Toss, so nothing is charged; the attempt can still be used."""
    metrics.alarms.labels("tampered_return").inc()
    log.warning("security: return does not fit web_payment %d", result.attempt.web_payment_id)
    return Result(result.attempt, result.order, tampered=True)


async def _confirm(m: Machines, result: Result, arrival: Arrival) -> None:
    attempt = await _claim(m, result, arrival.payment_key)
    if attempt is None:
        return
    try:
        await charge.charge(m, attempt, first=True)
    except UnavailableError as error:  # the claim is committed: the reconciliation finishes it
        log.warning("web_payment %d is settled later: %s", attempt.web_payment_id, error)


async def _claim(m: Machines, result: Result, payment_key: str) -> Attempt | None:
    """Hold the goods and make the attempt ours to confirm; None if it is another's, or too little is left."""
    key = ids.idempotency_key()
    attempt, order = result.attempt, result.order

    async def hold(tx: Tx) -> bool:
        next_check_at = m.clock.now() + FIRST_CHECK
        if not await store.update_to_confirming(tx, attempt, payment_key, key, next_check_at):
            return False
        if await stock.reserve(tx, attempt.web_payment_id, order.wanted):
            raise _OutOfStockError
        return True

    try:
        await settle.transact(m, hold)
    except _OutOfStockError:
        await settle.transact(m, lambda tx: settle.fail_with(m, tx, attempt, OUT_OF_STOCK))
        return None
    return await _read_claim(m, attempt, key)


async def _read_claim(m: Machines, attempt: Attempt, key: str) -> Attempt | None:
    """Read the claim back: the key on it says whether it is ours, also when the COMMIT was not answered."""
    try:
        async with m.db.reserve.read() as tx:
            claimed = await store.select_attempt(tx, attempt.web_payment_id)
    except DatabaseUnavailableError as error:
        raise CommitUnknownError("claim") from error
    if claimed.idempotency_key != key:
        return None
    settle.count(states.CONFIRMING)
    return claimed
