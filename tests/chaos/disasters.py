"""What befalls the machines: a plan drawn from a seed, and the hands that carry it out, one at a time."""

import asyncio
import itertools
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from app.cart.hot import HotCarts
from app.core.clock import epoch_us
from app.core.errors import UnavailableError
from app.machines import Machines
from tests.chaos.tally import Tally
from tests.processes import RunningShop
from tests.shop import eventually
from tests.stack import Machine, Stack

SECONDS_TO_RECOVER = 90.0
BREATH = (0.4, 1.6)  # seconds of peace after each
FLUSHED_SECONDS = 2.0  # how long all marks must have been young before Redis may lose its disk
MARK_US = 1_000_000
AFTER_A_WIPE = 3.0

# kind, victim, weight, seconds (from, to)
TABLE = (
    ("kill", "one web", 12, (0, 0)),
    ("kill", "every web", 7, (0, 0)),
    ("kill", "worker", 12, (0, 0)),
    ("kill", "launcher", 4, (0, 0)),
    ("kill", "redis", 12, (0, 0)),
    ("kill", "amqp", 7, (0, 0)),
    ("kill", "database", 10, (0, 0)),
    ("pause", "one web", 4, (1, 5)),
    ("pause", "worker", 4, (1, 6)),
    ("pause", "redis", 4, (0.3, 3)),
    ("pause", "amqp", 4, (1, 6)),
    ("pause", "database", 4, (0.5, 5)),
    ("pause", "toss", 2, (1, 5)),
    ("outage", "redis", 3, (5, 15)),
    ("outage", "amqp", 3, (5, 15)),
    ("outage", "database", 3, (5, 15)),
    ("wipe", "redis", 8, (0, 0)),
)
WEB_WORKERS = 2
MACHINES = {"redis", "amqp", "database", "toss"}


@dataclass(frozen=True, slots=True)
class Disaster:
    """One thing that goes wrong."""

    kind: str
    victim: str
    seconds: float

    @property
    def name(self) -> str:
        """What the report calls it."""
        return f"{self.kind} {self.victim}"


def plan(seed: int, stack: Stack) -> Iterator[Disaster]:
    """Draw disasters for ever; the same seed, the same ones."""
    rng = random.Random(seed)
    rows = [row for row in TABLE if stack.database or row[1] != "database"]
    # The first round has each of them once, so that a short run misses nothing that is likely.
    first = rng.sample(rows, len(rows))
    for row in itertools.chain(first, iter(lambda: rng.choices(rows, [row[2] for row in rows])[0], None)):
        yield Disaster(row[0], row[1], rng.uniform(*row[3]))


class Hands:
    """Carries a plan out."""

    def __init__(self, shop: RunningShop, m: Machines, tally: Tally, seed: int) -> None:
        self.shop, self.m, self.tally = shop, m, tally
        self.stack = shop.stack
        self.rng = random.Random(f"hands {seed}")

    async def work(self, disasters: Iterator[Disaster], seconds: float) -> None:
        """Let one after the other happen, until the time is over."""
        deadline = time.monotonic() + seconds
        for disaster in disasters:
            if time.monotonic() + disaster.seconds > deadline:
                return
            if disaster.kind == "wipe" and not await self._is_flushed():
                self.tally.add("wipes put off")
                continue
            print(f"{time.strftime('%H:%M:%S')}  {disaster.name} {disaster.seconds:.1f}", flush=True)
            await self._strike(disaster)
            await self._recover(disaster)
            self.tally.add(f"fault: {disaster.name}")
            await asyncio.sleep(self.rng.uniform(*BREATH))

    async def _strike(self, disaster: Disaster) -> None:
        if disaster.victim in MACHINES:
            await self._strike_machine(disaster)
        elif disaster.victim == "launcher":
            await self.shop.restart()
        else:
            pids = self.shop.pids(disaster.victim.removeprefix("one ").removeprefix("every "))
            chosen = pids if disaster.victim.startswith("every") else [self.rng.choice(pids)]
            await _signal(chosen, disaster)

    async def _strike_machine(self, disaster: Disaster) -> None:
        machine: Machine = getattr(self.stack, disaster.victim)
        if disaster.kind == "pause":
            machine.pause()
            await asyncio.sleep(disaster.seconds)
            machine.resume()
            return
        if disaster.kind == "wipe":
            self.tally.wipes += 1
            machine.wipe()
        else:
            machine.kill()
        await asyncio.sleep(disaster.seconds)
        machine.start()

    async def _recover(self, disaster: Disaster) -> None:
        """Wait until the shop says that it is well."""
        async with httpx.AsyncClient(base_url=self.shop.url, timeout=5, trust_env=False) as http:

            async def is_well() -> bool:
                return self._is_complete() and await _is_ready(http)

            await eventually(is_well, SECONDS_TO_RECOVER)
        if disaster.kind == "wipe":  # what was confirmed by Redis alone is on its way: no web dies now
            await asyncio.sleep(AFTER_A_WIPE)

    def _is_complete(self) -> bool:
        """Whether the launcher has brought everybody back."""
        return (len(self.shop.pids("web")), len(self.shop.pids("worker"))) == (WEB_WORKERS, 1)

    async def _is_flushed(self) -> bool:
        """Whether edits reach the database at once: else a wipe would be a second fault on top of another."""
        quiet_since = time.monotonic()
        deadline = quiet_since + 20
        while time.monotonic() < deadline:
            before = epoch_us(self.m.clock.now()) - MARK_US
            try:
                if await self.m.keep(HotCarts).dirty_owners(before, 1):
                    quiet_since = time.monotonic()
            except UnavailableError:
                quiet_since = time.monotonic()
            if time.monotonic() - quiet_since > FLUSHED_SECONDS:
                return True
            await asyncio.sleep(0.1)
        return False


async def _signal(pids: list[int], disaster: Disaster) -> None:
    if disaster.kind == "kill":
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(disaster.seconds)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False
