"""Work that outlives the request that asked for it."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from app.infra.log import name_error

T = TypeVar("T")
END_PAUSE = 1.0

log = logging.getLogger(__name__)


class Background:
    """Tasks that are kept until they end: a cancelled request does not cancel them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Start ``work`` and keep it. A failure is logged: nobody need await it."""
        task = self.keep(work, name)
        task.add_done_callback(log_failure)
        return task

    def keep(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Start ``work`` and keep it, for a caller who awaits it and sees to its failures."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, seconds: float) -> None:
        """Wait for what is still running, at most ``seconds``; then cancel the rest."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                log.warning("cancelled at shutdown: %s", task.get_name())
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def log_failure(task: "asyncio.Task[Any]") -> None:
    """Log how a task failed, if it did."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("background work failed: %s: %s", task.get_name(), name_error(error))


async def end_all(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: aiormq swallows a cancellation that meets it opening a channel."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=END_PAUSE)
