"""The line of those who came back from Toss: first come, first served, however many come at once.

Reading who they are and claiming their goods is done by a few, many at a time, so that one product that
everybody wants uses up neither the database's connections nor its row. A place is kept, and served, whether
or not anybody still looks at its page; it ends with the process, which by then has charged nobody for it.
"""

import asyncio
import contextvars
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from app.core.errors import CommitUnknownError, UnavailableError
from app.infra.line import Line, Spot
from app.machines import Machines
from app.orders import service as orders
from app.orders import states as order_states
from app.orders.order import Order
from app.payments import charge, settle, states, store
from app.payments.arrival import Arrival, Place, Result
from app.payments.attempt import Attempt
from app.payments.payment import TossPayment
from app.payments.turns.claim import Claim, claim
from app.payments.turns.store import KeyTakenError
from app.payments.turns.till import GATHER_SECONDS, Till

READ_AT_ONCE = 64
CLAIM_AT_ONCE = 32
# Product lines served at once. With whoever reads they leave half of the reserved connections to settling.
WIDTH = 2

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Ticket:
    """Somebody's place. ``called`` once its turn has come; ``answer`` is None for an unknown number."""

    arrival: Arrival
    payment_no: str
    answer: asyncio.Future[Result | None]
    called: asyncio.Event = field(default_factory=asyncio.Event)
    claim: Claim | None = None
    spot: Spot["Ticket"] | None = None
    # What is done for it is logged as its own request's work.
    context: contextvars.Context = field(default_factory=contextvars.copy_context)

    def decide(self, outcome: Result | Exception | None) -> None:
        """Answer whoever waits for it, and whoever asks later."""
        self.called.set()
        if isinstance(outcome, Exception):
            self.answer.set_exception(outcome)
            self.answer.exception()  # seen, should nobody wait any more
        else:
            self.answer.set_result(outcome)


class Turns:
    """Everybody's places in this process."""

    def __init__(self, m: Machines) -> None:
        self._m = m
        self._tickets: dict[tuple[str, Arrival], Ticket] = {}
        self._unread = Line(m.background, self._read, width=1, batch=READ_AT_ONCE, gather=GATHER_SECONDS)
        self._line = Line(m.background, self._claim, width=WIDTH, batch=CLAIM_AT_ONCE, gather=GATHER_SECONDS)
        self._till = Till(m)

    def take(self, payment_no: str, arrival: Arrival) -> tuple[Ticket, bool]:
        """Return the place of this arrival, and whether it is a new one: a reload finds the old one."""
        known = self._tickets.get((payment_no, arrival))
        if known is not None:
            return known, False
        ticket = Ticket(arrival, payment_no, asyncio.get_running_loop().create_future())
        self._tickets[payment_no, arrival] = ticket
        ticket.answer.add_done_callback(lambda _: self._tickets.pop((payment_no, arrival)))
        self._unread.join(None, ticket)
        return ticket, True

    def place_of(self, ticket: Ticket) -> Place:
        """Return where somebody stands."""
        return Place(ticket.payment_no, None if ticket.spot is None else ticket.spot.before)

    async def _read(self, tickets: list[Ticket]) -> None:
        """Answer those who have nothing to claim; send the others to their goods."""
        with _answering(tickets):
            attempts, of_orders = await self._select(tickets)
            self._sort(tickets, attempts, of_orders)

    def _sort(self, tickets: list[Ticket], attempts: dict[str, Attempt], of_orders: dict[int, Order]) -> None:
        for ticket in tickets:
            attempt = attempts.get(ticket.payment_no)
            if attempt is None:
                ticket.decide(None)
                continue
            result = Result(attempt, of_orders[attempt.order_id])
            if attempt.status != states.PENDING:
                ticket.decide(result.seen_by(ticket.arrival))
            elif not ticket.arrival.fits(attempt):
                ticket.decide(Result(attempt, result.order, tampered=True))
            else:
                ticket.claim = Claim(attempt, result.order, ticket.arrival.payment_key)
                ticket.spot = self._line.join(ticket.claim.goods, ticket)

    async def _select(self, tickets: list[Ticket]) -> tuple[dict[str, Attempt], dict[int, Order]]:
        async with self._m.db.reserve.read() as tx:
            attempts = await store.select_by_numbers(tx, [ticket.payment_no for ticket in tickets])
            ids = [attempt.order_id for attempt in attempts.values()]
            return attempts, await orders.read_orders(tx, ids) if ids else {}

    async def _claim(self, tickets: list[Ticket]) -> None:
        for ticket in tickets:
            ticket.called.set()
        with _answering(tickets):
            outcomes = await claim(self._m, [ticket.claim for ticket in tickets if ticket.claim is not None])
            unclaimed = []
            for ticket, outcome in zip(tickets, outcomes, strict=True):
                if isinstance(outcome, Attempt) and outcome.status == states.FAILED:
                    ticket.decide(Result(outcome, _claim_of(ticket).order).seen_by(ticket.arrival))
                elif isinstance(outcome, Attempt):
                    work = self._confirm(ticket, outcome)
                    ticket.context.run(self._m.background.spawn, work, f"confirm {outcome.web_payment_id}")
                elif isinstance(outcome, KeyTakenError):
                    ticket.decide(_refused(ticket))
                elif outcome is None:
                    unclaimed.append(ticket)
                else:
                    ticket.decide(outcome)
            await self._tell(unclaimed)

    async def _confirm(self, ticket: Ticket, claimed: Attempt) -> None:
        """Ask Toss for the money of a claimed attempt; slow or not, those behind are served meanwhile."""
        order, is_paid = _claim_of(ticket).order, False

        async def settling(m: Machines, attempt: Attempt, payment: TossPayment) -> bool:
            nonlocal is_paid
            is_paid = await self._till.settle(attempt, order, payment)
            return is_paid or await settle.settle(m, attempt, payment)

        with _answering([ticket]):
            await confirm(self._m, claimed, settling)
            if is_paid:
                paid = replace(claimed, status=states.PAID), replace(order, status=order_states.PAID)
                ticket.decide(Result(*paid).seen_by(ticket.arrival))
            else:
                await self._tell([ticket])

    async def _tell(self, tickets: list[Ticket]) -> None:
        """Read where attempts stand, and answer."""
        if not tickets:
            return
        with _answering(tickets):
            try:
                attempts, of_orders = await self._select(tickets)
            except UnavailableError as error:
                raise CommitUnknownError("decided, but not read back") from error
            for ticket in tickets:
                attempt = attempts[ticket.payment_no]
                ticket.decide(Result(attempt, of_orders[attempt.order_id]).seen_by(ticket.arrival))


async def confirm(m: Machines, attempt: Attempt, settling: charge.Settling = settle.settle) -> None:
    """Ask Toss for the money of an attempt that is ours to confirm."""
    try:
        await charge.charge(m, attempt, first=True, settling=settling)
    except UnavailableError as error:  # the claim is committed: the reconciliation finishes it
        log.warning("web_payment %d is settled later: %s", attempt.web_payment_id, error)


@contextmanager
def _answering(tickets: list[Ticket]) -> Iterator[None]:
    """Whatever goes wrong, nobody waits for ever; a machine that is away is no mistake of ours."""
    try:
        yield
    except Exception as error:
        for ticket in tickets:
            if not ticket.answer.done():
                ticket.decide(error)
        if not isinstance(error, UnavailableError):
            raise


def _refused(ticket: Ticket) -> Result:
    return Result(_claim_of(ticket).attempt, _claim_of(ticket).order, tampered=True)


def _claim_of(ticket: Ticket) -> Claim:
    assert ticket.claim  # noqa: S101 - only what was claimed is confirmed, refused or too late
    return ticket.claim
