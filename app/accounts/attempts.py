"""Guessing gets slow: from the tenth failure on, an account makes every caller wait, longer each time."""

import math
from dataclasses import dataclass
from pathlib import Path

from app.core.clock import epoch_us
from app.core.errors import RedisUnavailableError, TooManyError
from app.core.ids import fingerprint
from app.core.languages import _
from app.infra import keys
from app.infra.redis import load_script
from app.machines import Machines

FREE = 10
LONGEST_SECONDS = 60  # a delay, not a lock: the account's owner gets in between the guesses
REMEMBERED_HERE = 10_000
MS = 1000  # in microseconds
SECOND = 1000  # in milliseconds


@dataclass(slots=True)
class Count:
    """The attempts on one account, as this process remembers them while Redis is away; milliseconds."""

    number: int
    open_at: int
    until: int


class Attempts:
    """Counts attempts by log-in id, whether or not there is such an account."""

    def __init__(self, m: Machines) -> None:
        self._m = m
        self._script = load_script(Path(__file__).parent / "lua" / "attempt.lua")
        self._here: dict[str, Count] = {}

    async def admit(self, signup_id: str) -> None:
        """Count an attempt before its password is looked at. Raises TooManyError when it must wait."""
        now = epoch_us(self._m.clock.now()) // MS
        mark = fingerprint(signup_id)
        args = (now, FREE, SECOND, LONGEST_SECONDS * SECOND, keys.ATTEMPT_SECONDS)
        try:
            wait_ms = int(await self._m.redis.run(self._script, [keys.login_attempts(mark)], args))
        except RedisUnavailableError:
            wait_ms = self._count_here(mark, now)
        if wait_ms > 0:
            wait = math.ceil(wait_ms / SECOND)
            say = _("로그인 시도가 여러 번 실패했습니다. %(wait)s초 후 다시 시도해 주십시오.", wait=wait)
            raise TooManyError("log-in attempts", say=say, retry_after=wait)

    async def forgive(self, signup_id: str) -> None:
        """Start over after a success."""
        mark = fingerprint(signup_id)
        self._here.pop(mark, None)
        try:
            await self._m.redis.command("DEL", keys.login_attempts(mark))
        except RedisUnavailableError:
            return  # the count lapses by itself

    def _count_here(self, mark: str, now: int) -> int:
        count = self._here.pop(mark, None)
        if count is None or count.until <= now:
            count = Count(0, 0, 0)
        self._here[mark] = count
        while len(self._here) > REMEMBERED_HERE:
            self._here.pop(next(iter(self._here)))
        if 0 < count.open_at - now <= LONGEST_SECONDS * SECOND:
            return count.open_at - now
        count.number += 1
        if count.number >= FREE:
            count.open_at = now + SECOND * min(2 ** min(count.number - FREE, 30), LONGEST_SECONDS)
        count.until = now + keys.ATTEMPT_SECONDS * SECOND
        return 0
