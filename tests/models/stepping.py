"""Lets the real code go on one call at a time: an `Actor` waits before each of its calls to a machine.

Database, Redis and broker of a shop's machines are wrapped; the wrapper asks the actor in whose
context it is called. Everybody else, such as the test itself, passes without waiting.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

PATIENCE = 20.0

_actor: ContextVar["Actor | None"] = ContextVar("actor", default=None)


class Actor:
    """A piece of the real code at work, stopped before its next call."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self.next_call = ""  # '' once it has ended
        self._go = asyncio.Event()
        self._stopped = asyncio.Event()
        self.task = asyncio.create_task(self._run(work))

    async def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        _actor.set(self)
        try:
            return await work
        finally:
            self.next_call = ""
            self._stopped.set()

    async def wait(self, call: str) -> None:
        """Stop before a call until the test lets it happen."""
        self.next_call = call
        self._go.clear()
        self._stopped.set()
        await self._go.wait()

    async def stopped(self) -> "Actor":
        """Wait until the work stands before its next call, or has ended."""
        async with asyncio.timeout(PATIENCE):
            await self._stopped.wait()
        return self

    async def go_on(self, before: Collection[str]) -> None:
        """Let it make its next call, and on until it stands before one of these ('' is the end)."""
        while True:
            assert self.next_call, "it has ended"
            self._stopped.clear()
            self._go.set()
            await self.stopped()
            if self.next_call in before:
                return
            assert self.next_call, f"ended, and never stood before {sorted(before)}"

    async def kill(self) -> None:
        """End it where it stands."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class Stepped:
    """A machine whose calls wait for their turn. ``faults`` replaces the call of that name, once."""

    def __init__(self, machine: Any, name: Callable[[str, Any], str]) -> None:
        self._machine = machine
        self._name = name
        self.faults: dict[str, Callable[[Coroutine[Any, Any, Any]], Coroutine[Any, Any, Any]]] = {}

    def __getattr__(self, attribute: str) -> Any:
        if attribute == "reserve":
            return self  # money's own connections: the same database, the same turns
        real = getattr(self._machine, attribute)
        if attribute in {"read", "write"}:
            return lambda: self._transaction(attribute, real)
        if not asyncio.iscoroutinefunction(real):
            return real

        async def call(*args: Any, **named: Any) -> Any:
            name = self._name(attribute, args)
            await turn(name)
            fault = self.faults.pop(name, None)
            work = real(*args, **named)
            return await (fault(work) if fault else work)

        return call

    @asynccontextmanager
    async def _transaction(self, attribute: str, real: Callable[[], Any]) -> AsyncIterator[Any]:
        await turn(attribute)
        async with real() as tx:
            yield tx


async def turn(call: str) -> None:
    """Wait for the turn of a call, if an actor makes it."""
    actor = _actor.get()
    if actor is not None:
        await actor.wait(call)
