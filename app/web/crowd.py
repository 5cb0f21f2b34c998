"""Works on few of a crowd at a time, so that the pages of everybody else come in between.

Thousands may come back from Toss in the same second. Each of their pages costs as much as any other; were all
of them begun at once, whoever only looks at a product would stand behind every one of them.
"""

import asyncio
from collections.abc import Awaitable
from contextvars import ContextVar
from typing import Any, TypeVar

from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope
from quart import Quart

T = TypeVar("T")

PREFIX = "/payments/toss/return/"
AT_WORK = 2


class _Pass:
    """The place of one of them among those who are worked on."""

    def __init__(self, gate: asyncio.Semaphore) -> None:
        self._gate = gate
        self._is_in = self._is_over = False

    async def enter(self) -> None:
        if self._is_over:  # whoever asked has hung up, and the work goes on without them
            return
        await self._gate.acquire()
        self._is_in = True
        if self._is_over:
            self.leave()

    def leave(self) -> None:
        if self._is_in:
            self._is_in = False
            self._gate.release()

    def end(self) -> None:
        self._is_over = True
        self.leave()


_pass: ContextVar[_Pass | None] = ContextVar("pass", default=None)


class Crowd:
    """The shop, with a door for those who come back from Toss, through which a few go at a time."""

    def __init__(self, shop: ASGIFramework) -> None:
        self._shop = shop
        self._gate = asyncio.Semaphore(AT_WORK)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Let everybody else past; these in their turn."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._shop(scope, receive, send)
            return
        mine = _Pass(self._gate)
        _pass.set(mine)

        async def send_outside(message: Any) -> None:
            mine.end()  # however slowly a phone takes its page
            await send(message)

        try:
            await mine.enter()
            await self._shop(scope, receive, send_outside)
        finally:
            mine.end()


def register(app: Quart) -> None:
    """Set the door before everything else of the shop."""
    app.asgi_app = Crowd(app.asgi_app)  # type: ignore[method-assign]


async def outside(work: Awaitable[T]) -> T:
    """Wait for something, and meanwhile leave the place to another."""
    mine = _pass.get()
    if mine is None:
        return await work
    mine.leave()
    try:
        return await work
    finally:
        await mine.enter()
