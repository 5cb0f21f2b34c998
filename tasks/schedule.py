"""Recurring work, as one table."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.accounts import service as accounts
from app.accounts import sessions
from app.audit import service as audit
from app.cart import service as cart
from app.core.errors import UnavailableError
from app.machines import Machines
from app.operators import sessions as operator_sessions
from app.payments import service as payments
from app.search import service as search
from tasks.dead_letters import count_dead_letters
from tasks.relay import relay

DAY = 86_400.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recurring:
    """One piece of work, and the seconds between the end of one run and the start of the next."""

    name: str
    every: float
    work: Callable[[Machines], Awaitable[object]]


SCHEDULE: Sequence[Recurring] = (
    Recurring("send letters from the outbox", 0.5, relay),
    Recurring("write carts no message has written", 1.0, cart.sweep),
    Recurring("follow the catalogue into the search index", 0.3, search.follow),
    Recurring("ask Toss about undecided payments, expire unpaid orders", 2.0, payments.reconcile_due),
    Recurring("compare yesterday with Toss, once, after 00:30 in Korea", 600.0, payments.compare_yesterday),
    Recurring("look for messages that wait for a person", 15.0, count_dead_letters),
    Recurring("compare the payment page with its inventory", 3600.0, payments.check_page),
    Recurring("forget cart lines removed 30 days ago", DAY, cart.purge_tombstones),
    Recurring("forget sessions that ended", DAY, sessions.purge_expired),
    Recurring("forget mailed links that ended", DAY, accounts.purge_links),
    Recurring("forget who bought, five years after, guests and closed accounts", DAY, payments.forget_buyers),
    Recurring("give back the ids of accounts closed five years ago", DAY, accounts.release_ids),
    Recurring("forget operators' sessions that ended", DAY, operator_sessions.purge_ended),
    Recurring("forget accesses noted more than two years ago", DAY, audit.purge_accesses),
)


async def keep_schedule(m: Machines, stopping: asyncio.Event) -> None:
    """Do everything in the table until told to stop."""
    async with asyncio.TaskGroup() as group:
        for recurring in SCHEDULE:
            group.create_task(_repeat(m, recurring, stopping), name=recurring.name)


async def _repeat(m: Machines, recurring: Recurring, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            await recurring.work(m)
        except UnavailableError as error:
            log.warning("%s: %s", recurring.name, error)
        except Exception:
            log.exception("%s", recurring.name)
        try:
            async with asyncio.timeout(recurring.every):
                await stopping.wait()
        except TimeoutError:
            continue
