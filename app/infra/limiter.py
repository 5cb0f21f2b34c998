"""How often something may be done: budgets that fill up again, in this process or in Redis for all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core import ids
from app.core.clock import Clock, epoch_us
from app.core.errors import RedisUnavailableError, TooManyError
from app.core.languages import _, ngettext
from app.infra import keys
from app.infra.redis import Redis, load_script

REMEMBERED_HERE = 20_000  # budgets; the one not used for longest is forgotten, which is to say full again
MS = 1000
MINUTE, LONG_SECONDS = 60, 120
SKEW_MS = 1000  # as in spend.lua
SPEND, GIVE_BACK = 1, -1


@dataclass(frozen=True, slots=True)
class Rate:
    """So many times in so many seconds: all at once if need be, and evenly from then on."""

    times: int
    seconds: int

    def times_more(self, factor: int) -> "Rate":
        """Return the rate of a crowd."""
        return Rate(self.times * factor, self.seconds)

    @property
    def cost_ms(self) -> int:
        """After how long one more may follow."""
        return max(self.seconds * MS // self.times, 1)

    @property
    def holds_ms(self) -> int:
        """How long an empty budget takes to be full."""
        return self.cost_ms * self.times


@dataclass(frozen=True, slots=True)
class Budget:
    """What somebody may do at one rate; Redis has only a digest of ``whose``: an address, an order number."""

    name: str
    whose: str
    rate: Rate


class Limiter:
    """Spends budgets. All of those that are asked for together, or none."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._script = load_script(Path(__file__).parent / "lua" / "spend.lua")
        self._full_at: dict[tuple[str, str], int] = {}  # oldest use first

    def spend_here(self, *budgets: Budget) -> None:
        """Spend what this process counts by itself, without asking anybody. Raises TooManyError."""
        _refuse(self._change_here(budgets, SPEND), budgets)

    async def spend(self, *budgets: Budget) -> None:
        """Spend what all processes count together, in one round trip; without Redis each counts alone.

        Raises TooManyError.
        """
        _refuse(await self._change(budgets, SPEND), budgets)

    async def give_back(self, *budgets: Budget) -> None:
        """Take back what was spent on something that turned out well."""
        await self._change(budgets, GIVE_BACK)

    async def _change(self, budgets: Sequence[Budget], sign: int) -> int:
        names = [keys.limit(budget.name, ids.fingerprint(budget.whose)) for budget in budgets]
        costs = [part for budget in budgets for part in (sign * budget.rate.cost_ms, budget.rate.holds_ms)]
        try:
            return int(await self._redis.run(self._script, names, (self._now(), *costs)))
        except RedisUnavailableError:
            return self._change_here(budgets, sign)

    def _change_here(self, budgets: Sequence[Budget], sign: int) -> int:
        """Do as spend.lua does; return the milliseconds to wait, 0 when all was spent."""
        now, wait, full = self._now(), 0, {}
        for budget in budgets:
            mark, holds = (budget.name, budget.whose), budget.rate.holds_ms
            at = self._full_at.get(mark, 0)
            if at > now + holds + SKEW_MS:
                at = 0
            at = min(max(at, now), now + holds) + sign * budget.rate.cost_ms
            full[mark] = at
            wait = max(wait, at - holds - now)
        if wait > 0:
            return wait
        for mark, at in full.items():
            self._full_at.pop(mark, None)
            self._full_at[mark] = at
        while len(self._full_at) > REMEMBERED_HERE:
            self._full_at.pop(next(iter(self._full_at)))
        return 0

    def _now(self) -> int:
        return epoch_us(self._clock.now()) // MS


def _refuse(wait_ms: int, budgets: Sequence[Budget]) -> None:
    if wait_ms > 0:
        seconds = math.ceil(wait_ms / MS)
        minutes = math.ceil(seconds / MINUTE)
        wait = (
            ngettext("%(num)s초", "%(num)s초", seconds)
            if seconds < LONG_SECONDS
            else ngettext("%(num)s분", "%(num)s분", minutes)
        )
        say = _(
            "짧은 시간에 요청이 너무 많아 처리하지 않았습니다. %(wait)s 후에 다시 시도해 주십시오.",
            wait=wait,
        )
        raise TooManyError(f"limit {budgets[0].name}", say=say, retry_after=seconds)
