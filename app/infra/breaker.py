"""A circuit breaker: after several failures in a row nothing more is sent for a while, then one probe."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

Kinds = tuple[type[Exception], ...]


class OpenError(Exception):
    """The machine was not asked: it did not answer those before."""


class Breaker:
    """Counts what a machine leaves unanswered. Closed: all may ask; open: nobody; half open: one."""

    def __init__(
        self,
        name: str,
        *,
        failures: int,
        open_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
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

    @contextmanager
    def asking(self, *, silences: Kinds, answers: Kinds) -> Iterator[None]:
        """Stand around one call. Raises OpenError instead of letting it be made.

        ``silences`` are the failures that mean nobody is there, ``answers`` those that somebody sent. Any
        other failure, a broken connection or a caller who left, says nothing about the next call.
        """
        if not self.enter():
            raise OpenError(f"{self._name} does not answer")
        try:
            yield
        except answers:
            self.answered()
            raise
        except silences:
            self.failed()
            raise
        except BaseException:
            self.left()
            raise
        else:
            self.answered()

    def enter(self) -> bool:
        """Ask to send a call; True obliges to say how it ended: `answered`, `failed` or `left`."""
        if not self.lets_through:
            return False
        self._probing = not self.is_closed
        return True

    def answered(self) -> None:
        """The machine spoke sense, whatever it said."""
        if not self.is_closed:
            log.warning("%s answers again", self._name)
        self._failures, self._retry_at, self._probing = 0, None, False

    def failed(self) -> None:
        """No answer, or one that nobody can read."""
        self._failures += 1
        if self.is_closed and self._failures >= self._limit:
            log.warning("%s: %d times no answer: only probes from now on", self._name, self._failures)
        # Whoever was still waiting when it opened says nothing new, and does not prolong it.
        if self._probing or (self.is_closed and self._failures >= self._limit):
            self._retry_at = self._clock() + self._open_seconds
        self._probing = False

    def left(self) -> None:
        """The caller went away before the answer: nothing was learnt, and the next may probe."""
        self._probing = False
