"""The way back from Toss: check, hold the goods, confirm. Safe to reload; needs the database only."""

import asyncio
import logging

from app.core.errors import CommitUnknownError, NotFoundError, UnavailableError
from app.core.languages import _
from app.infra import metrics
from app.machines import Machines
from app.orders import service as orders
from app.payments import states, store
from app.payments.arrival import Arrival, Place, Result
from app.payments.turns.service import Ticket, Turns

# For so long somebody looks at an empty page before being shown their place in the line, ...
TURN_SECONDS = 4.0
# ... and, once their turn has come, before being told that Toss is still being asked.
WAIT_SECONDS = 8.0
# A page that asks again has something to show meanwhile: it waits for a part of that.
AGAIN = 0.25

log = logging.getLogger(__name__)


async def confirm_return(m: Machines, payment_no: str, arrival: Arrival | None) -> Result | Place:
    """Confirm a PENDING attempt in its turn; return where it stands, or where its shopper does in the line.

    Raises NotFoundError. CommitUnknownError means that the attempt may be on its way: say so.
    """
    if arrival is None:
        result = await find_result(m, payment_no)
        return _refuse(result) if result.attempt.status == states.PENDING else result
    turns = m.keep(Turns)
    ticket, is_new = turns.take(payment_no, arrival)
    share = 1.0 if is_new else AGAIN
    if not await _is_called(ticket, TURN_SECONDS * share):
        return turns.place_of(ticket)
    try:
        async with asyncio.timeout(WAIT_SECONDS * share):
            # Shielded: others may wait for the same place, here or after a reload.
            found = await asyncio.shield(ticket.answer)
    except TimeoutError:
        log.warning("payment %s is confirmed without us waiting", payment_no[:8])
        return await _look(m, payment_no, arrival)
    if found is None:
        raise _unknown_number()
    return _refuse(found) if found.tampered else found


def take_place(m: Machines, payment_no: str, arrival: Arrival) -> None:
    """Let somebody stand in line: they are served in their turn, whether or not they look again."""
    m.keep(Turns).take(payment_no, arrival)


async def find_result(m: Machines, payment_no: str) -> Result:
    """Return where an attempt stands. Raises NotFoundError."""
    async with m.db.reserve.read() as tx:
        attempt = await store.select_by_no(tx, payment_no)
        if attempt is None:
            raise _unknown_number()
        return Result(attempt, await orders.read_order(tx, attempt.order_id))


async def _is_called(ticket: Ticket, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await ticket.called.wait()
    except TimeoutError:
        return ticket.called.is_set()
    return True


async def _look(m: Machines, payment_no: str, arrival: Arrival) -> Result:
    """Return where an attempt stands whose turn has come and is not over."""
    try:
        result = await find_result(m, payment_no)
    except UnavailableError as error:
        raise CommitUnknownError("confirmed, but not read back") from error
    if result.attempt.status == states.PENDING:
        # A database without space takes the claim, and commits it when it has space again.
        raise CommitUnknownError("claimed, but not committed yet")
    return result.seen_by(arrival)


def _refuse(result: Result) -> Result:
    """Nothing was asked of Toss, so nothing is charged; the attempt can still be used."""
    metrics.alarms.labels("tampered_return").inc()
    log.warning("security: return does not fit web_payment %d", result.attempt.web_payment_id)
    return Result(result.attempt, result.order, tampered=True)


def _unknown_number() -> NotFoundError:
    return NotFoundError("attempt", say=_("결제를 찾을 수 없습니다."))
