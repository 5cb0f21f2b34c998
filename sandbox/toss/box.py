"""The sandbox's parts in one bundle, and the tasks that outlive a caller."""

import asyncio
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sandbox.toss.clock import Clock
from sandbox.toss.config import Config
from sandbox.toss.faults import Faults
from sandbox.toss.idempotency import Idempotency
from sandbox.toss.ledger import Ledger
from sandbox.toss.webhooks import Webhooks

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Box:
    """Everything one running sandbox is made of."""

    config: Config
    clock: Clock
    ledger: Ledger
    faults: Faults
    idempotency: Idempotency
    webhooks: Webhooks
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def detached(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Start work that goes on when the caller hangs up, as it does at the real Toss."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._finished)
        return asyncio.shield(task)

    async def close(self) -> None:
        """Stop everything still at work."""
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.webhooks.close()

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may be gone: seen here, so that nothing warns


def open_box(config: Config) -> Box:
    """Put a new, empty sandbox together."""
    clock, faults = Clock(), Faults()
    webhooks = Webhooks(config, clock, faults, config.webhook_url)
    ledger = Ledger(clock, webhooks.announce)
    return Box(config, clock, ledger, faults, Idempotency(clock), webhooks)
