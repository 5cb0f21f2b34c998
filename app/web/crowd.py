"""Works on few of a crowd at a time, so that the pages of everybody else come in between.

Thousands may come back from Toss in the same second. Each of their pages costs as much as any other; were all
of them begun at once, whoever only looks at a product would stand behind every one of them. And if so many
wait already that the next would look at an empty page for long, their place in the line is taken, and they
are told so at once by a page that is drawn once for everybody, and comes back by itself when it is its turn.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope
from quart import Quart, request
from werkzeug.http import parse_cookie

from app.settings import Settings
from app.web import compression, language, shape

T = TypeVar("T")
Message = dict[str, Any]
TakePlace = Callable[[Any], bool]  # the scope of somebody who comes back; False: the shop must look at it

PREFIX = "/payments/toss/return/"
AT_WORK = 2
MOST_WAITING = 100  # about half a second of work
# They look again after so many seconds, each so much later than the one before: what a page takes.
FIRST_AGAIN, EACH_AGAIN, LAST_AGAIN = 3.0, 0.004, 60.0
FOR_ALL = "madang.for_all"


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

    def __init__(self, shop: ASGIFramework, take_place: TakePlace, language_cookie: str) -> None:
        self._shop = shop
        self._language_cookie = language_cookie
        self._gate = asyncio.Semaphore(AT_WORK)
        self._take_place = take_place
        self._waiting = 0
        self._next_at = 0.0
        self._pages: dict[tuple[str, str], asyncio.Task[list[Message]]] = {}

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Let everybody else past; these in their turn."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._shop(scope, receive, send)
            return
        if self._waiting >= MOST_WAITING and self._take_place(scope):
            await self._tell(scope, send)
            return
        mine = _Pass(self._gate)
        _pass.set(mine)

        async def send_outside(message: Any) -> None:
            mine.end()  # however slowly a phone takes its page
            await send(message)

        try:
            self._waiting += 1
            try:
                await mine.enter()
            finally:
                self._waiting -= 1
            await self._shop(scope, receive, send_outside)
        finally:
            mine.end()

    async def _tell(self, scope: Any, send: ASGISendCallable) -> None:
        """Answer with the page that is the same for everybody, and with a time to come again."""
        sent = {name.lower(): value for name, value in scope["headers"]}
        wanted = parse_cookie(shape.text_of(sent, b"cookie")).get(self._language_cookie, "")
        spoken = language.choose_of(wanted, shape.text_of(sent, b"accept-language"))
        key = (spoken, compression.weigh(shape.text_of(sent, b"accept-encoding")))
        if key not in self._pages:
            self._pages[key] = asyncio.create_task(self._draw(scope, *key))
        try:
            start, *body = await asyncio.shield(self._pages[key])
        except Exception:
            self._pages.pop(key, None)
            raise
        again = (b"refresh", str(self._appoint()).encode())
        await send({**start, "headers": [*start["headers"], again]})  # type: ignore[arg-type]
        for piece in body:
            await send(piece)  # type: ignore[arg-type]

    def _appoint(self) -> int:
        """Return in how many seconds there will be time for one more."""
        now = asyncio.get_running_loop().time()
        self._next_at = min(max(now + FIRST_AGAIN, self._next_at) + EACH_AGAIN, now + LAST_AGAIN)
        return math.ceil(self._next_at - now)

    async def _draw(self, scope: Any, spoken: str, coding: str) -> list[Message]:
        """Let the shop answer a stranger from nowhere, without any cookie."""
        told: list[Message] = []
        kept = [(name, value) for name, value in scope["headers"] if name.lower() == b"host"]
        kept.append((b"accept-language", spoken.encode()))
        kept.append((b"accept-encoding", coding.encode() or b"identity"))
        asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Message:
            for message in asked:
                return message
            await asyncio.Event().wait()  # nobody hangs up
            raise AssertionError

        async def take(message: Message) -> None:
            told.append(message)

        stranger = {**scope, "client": None, "headers": kept, FOR_ALL: True}
        await self._shop(stranger, receive, take)  # type: ignore[arg-type]
        return told


def register(app: Quart, settings: Settings, take_place: TakePlace) -> None:
    """Set the door before everything else of the shop."""
    crowd = Crowd(app.asgi_app, take_place, settings.cookie_name(language.COOKIE))
    app.asgi_app = crowd  # type: ignore[method-assign]


def is_for_all() -> bool:
    """Whether this answer is drawn for everybody who has a place in the line."""
    return FOR_ALL in request.scope


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
