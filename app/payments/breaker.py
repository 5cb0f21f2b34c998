"""A circuit breaker: after several failures in a row nothing more is sent for a while, then one probe."""

import time
from collections.abc import Callable

FAILURES = 5
OPEN_SECONDS = 3.0


class Breaker:
    """Counts what a machine leaves unanswered. Closed: all may ask; open: nobody; half open: one."""

    def __init__(
        self,
        failures: int = FAILURES,
        open_seconds: float = OPEN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._open_seconds = open_seconds
        self._clock = clock
        self._failures = 0
        self._retry_at: float | None = None  # None: closed
        self._probing = False

    @property
    def is_closed(self) -> bool:
        """Whether everybody may ask."""
        return self._retry_at is None

    @property
    def lets_through(self) -> bool:
        """Whether a call made now would be sent."""
        return self._retry_at is None or (not self._probing and self._clock() >= self._retry_at)

    def enter(self) -> bool:
        """Ask to send a call; True obliges to say how it ended: `answered`, `failed` or `left`."""
        if not self.lets_through:
            return False
        self._probing = not self.is_closed
        return True

    def answered(self) -> None:
        """The machine spoke sense, whatever it said."""
        self._failures, self._retry_at, self._probing = 0, None, False

    def failed(self) -> None:
        """No answer, or one that nobody can read."""
        self._failures += 1
        if self._probing or (self.is_closed and self._failures >= self._limit):
            self._retry_at = self._clock() + self._open_seconds
        self._probing = False

    def left(self) -> None:
        """The caller went away before the answer: nothing was learnt, and the next may probe."""
        self._probing = False
