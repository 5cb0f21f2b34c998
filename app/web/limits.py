"""How often each door may be used: one row for each limit, and what its figures are for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from quart import Quart, g, request

from app.core.errors import TooManyError
from app.infra.gate import Gate
from app.infra.limiter import Budget, Limiter, Rate
from app.machines import Machines
from app.web import current
from app.web.caller import Caller, caller, find_caller

# A network (/24, /48) may do more than an address, and less than all its addresses together.
NETWORK = 4
# An address that stands for many is this machine, or a proxy nobody told us of: then it is every shopper's.
CROWD = 50
MOST_OF_A_VALUE = 100
COUNTED = "madang.counted"  # by counts_at_door


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """How often a door may be used.

    ``rate`` is one address's. Korean phones share addresses by the thousand, and so do offices: it is wide,
    and what must be narrow is narrow for each account or order (``field``: a field of the form, its value
    written in any case; ``field_rate``: how often one value may be sent, wherever from).

    Most are counted by each web process for itself, before anything else of a request is looked at: that
    costs microseconds, and no machine is asked. ``shared`` ones are counted in Redis for all processes, when
    the form is known to be ours; without Redis each process counts alone. ``forgives``: what was answered
    with success does not count. ``at_once``: how many a process works on; beyond, nothing is read or asked.
    """

    name: str
    rate: Rate
    shared: bool = False
    forgives: bool = False
    at_once: int = 0
    field: str = ""
    field_rate: Rate | None = None


# What a door has that says nothing else: shared by all pages, and by all forms.
READS = Limit("reads", Rate(1800, 60))
WRITES = Limit("writes", Rate(600, 60))

FILES = Limit("files", Rate(6000, 60))  # a first page brings thirty of them
SEARCH = Limit("search", Rate(240, 60))  # without an index it reads the catalogue
SUGGESTIONS = Limit("suggestions", Rate(600, 60))  # asked while somebody types
AVAILABILITY = Limit("availability", Rate(120, 60))  # asked while somebody types; says which ids there are
# Toss calls from few addresses, and again, seven times, what we did not take: only a flood is refused, and
# one of forged calls has a budget of its own, because it comes from elsewhere.
WEBHOOK = Limit("webhook", Rate(3000, 60))
REPORTS = Limit("reports", Rate(120, 60))  # of one broken page a browser sends a handful
# Both hash a password, which is a quarter of a second: accounts/passwords.py has the queue, this is its door.
# How often one account may be tried is in accounts/attempts.py.
LOG_IN = Limit("log-in", Rate(100, 900), shared=True, forgives=True, at_once=24)
SIGN_UP = Limit("sign-up", Rate(60, 3600), shared=True, at_once=24)
# Whoever writes somebody else's address into the form has mail sent to them: few, wherever from.
RESET = Limit("reset", Rate(60, 3600), shared=True, field="email", field_rate=Rate(5, 3600))
NEW_PASSWORD = Limit("new-password", Rate(60, 3600), shared=True, at_once=24)
LOOK_UP = Limit(
    "look-up", Rate(60, 900), shared=True, forgives=True, field="order_no", field_rate=Rate(10, 900)
)
HANDOVER = Limit("handover", Rate(120, 60))  # a link of 256 bits, which a phone opens a few times
CHECKOUT = Limit("checkout", Rate(240, 600), shared=True)  # two a purchase: the review, and the order


def spend_early(limit: Limit) -> None:
    """Count a request before anything else of it is looked at. Raises TooManyError."""
    g.counted_by = limit
    if COUNTED in request.scope:
        return
    _limiter().spend_here(*_of_address(limit, caller()))


def counts_at_door(app: Quart, scope: Any, limit: Limit) -> bool:
    """Count a page whose request the shop does not see; False: too often, which the shop tells them."""
    m: Machines = app.extensions["machines"]
    whose = find_caller(app, scope)
    try:
        m.keep(_make_limiter).spend_here(*_of_address(limit, whose))
    except TooManyError:
        return False
    return True


@asynccontextmanager
async def among_few(limit: Limit) -> AsyncIterator[None]:
    """Be one of those that this process works on at a time. Raises TooManyError."""
    if not limit.at_once:
        yield
        return
    async with current.machines().keep(_Gates).of(limit).enter():
        yield


async def spend(limit: Limit) -> None:
    """Count a request whose form is ours. Raises TooManyError."""
    await _limiter().spend(*_of_address(limit, caller()), *await _of_field(limit))


async def forgive(limit: Limit) -> None:
    """Take back what a request was counted for."""
    await _limiter().give_back(*_of_address(limit, caller()), *await _of_field(limit))


class _Gates:
    """The gates of the doors where only a few may be at work at a time; nobody waits in front of them."""

    def __init__(self, _m: Machines) -> None:
        self._gates: dict[str, Gate] = {}

    def of(self, limit: Limit) -> Gate:
        """Return the one gate of a limit."""
        return self._gates.setdefault(limit.name, Gate(limit.at_once, 0))


def _limiter() -> Limiter:
    return current.machines().keep(_make_limiter)


def _make_limiter(m: Machines) -> Limiter:
    return Limiter(m.redis, m.clock)


def _of_address(limit: Limit, whose: Caller) -> tuple[Budget, Budget]:
    host_rate, network_rate = _rates(limit, whose.stands_for_many)
    return Budget(limit.name, whose.host, host_rate), Budget(limit.name, whose.network, network_rate)


@cache
def _rates(limit: Limit, stands_for_many: bool) -> tuple[Rate, Rate]:  # noqa: FBT001 - cached by it
    crowd = CROWD if stands_for_many else 1
    return limit.rate.times_more(crowd), limit.rate.times_more(crowd * NETWORK)


async def _of_field(limit: Limit) -> tuple[Budget, ...]:
    if limit.field_rate is None:
        return ()
    value = (await request.form).get(limit.field, "").strip().upper()[:MOST_OF_A_VALUE]
    if not value:  # a form that was sent empty is not about anything
        return ()
    return (Budget(limit.name, f"{limit.field} {value}", limit.field_rate),)
