"""Stops asking a machine that does not answer; one question at a time finds out when it does again."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


class OpenError(Exception):
    """The machine was not asked: it did not answer those before."""


class Breaker:
    """Opens after ``limit`` silences in a row, for ``rest_seconds`` at a time.

    ``silences`` are the failures that mean nobody is there, ``answers`` those that somebody sent. Any
    other failure, a broken connection or a caller who left, says nothing about the next question.
    """

    def __init__(
        self,
        name: str,
        *,
        silences: tuple[type[Exception], ...],
        answers: tuple[type[Exception], ...],
        limit: int = 3,
        rest_seconds: float = 1.0,
    ) -> None:
        self._name = name
        self._silences = silences
        self._answers = answers
        self._limit = limit
        self._rest_seconds = rest_seconds
        self._silent = 0
        self._rests_until: float | None = None  # None: closed
        self._probing = False

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Stand around a question. Raises OpenError instead of asking."""
        probe = self._rests_until is not None
        if probe:
            self._take_turn()
        try:
            yield
        except self._answers:
            self._close()
            raise
        except self._silences:
            self._count(probe=probe)
            raise
        else:
            self._close()
        finally:
            if probe:
                self._probing = False

    def _take_turn(self) -> None:
        if self._probing or time.monotonic() < (self._rests_until or 0.0):
            raise OpenError(f"{self._name} does not answer")
        self._probing = True

    def _count(self, *, probe: bool) -> None:
        self._silent += 1
        if self._rests_until is None and self._silent >= self._limit:
            log.warning("%s: %d times no answer: asked once a second from now on", self._name, self._silent)
        # Whoever was still waiting when it opened says nothing new, and does not prolong it.
        if probe or (self._rests_until is None and self._silent >= self._limit):
            self._rests_until = time.monotonic() + self._rest_seconds

    def _close(self) -> None:
        if self._rests_until is not None:
            log.warning("%s answers again", self._name)
        self._silent, self._rests_until = 0, None
