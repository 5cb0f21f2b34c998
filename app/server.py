"""One web process: Hypercorn on the supervisor's socket, or on its own."""

import asyncio
import gc
import logging
import os
import signal
from typing import Any

import uvloop
from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope

from app.core import policy
from app.infra.log import trace
from app.main import create_app
from app.settings import BACKLOG, LISTEN_FD, Settings
from app.web.shape import HEADER_BYTES

QUIET_SECONDS = 30  # between two requests; also ends a connection whose headers never come
# No answer takes us longer: whoever neither sends nor takes anything for so long has gone.
READ_SECONDS = 120
LINGER_SECONDS = 1.0  # a slow phone's way from its greeting to its question
# More often than while starting: what a minute's statements leave behind in circles was 2 MB.
COLLECT_AFTER = (5_000, 10, 10)
REFUSAL = [(name.lower().encode(), value.encode()) for name, value in policy.ALWAYS.items()]
REFUSAL.append((b"content-security-policy", policy.BARE.encode()))


class ServerConfig(Config):
    """Hypercorn's settings, and the headers of what it refuses by itself: the shop never sees that."""

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        """Return what is added to an answer. The shop gives each of its own a trace."""
        added = super().response_headers(protocol)
        return added if trace.get() else [*added, *REFUSAL]


class _Loop(uvloop.Loop):
    """Knows its listening sockets, so that the door can be shut before those inside are asked to leave."""

    def __init__(self) -> None:
        super().__init__()
        self.doors: list[asyncio.AbstractServer] = []

    async def create_server(self, *args: Any, **kwargs: Any) -> Any:
        """Listen, however that is asked for."""
        door = await super().create_server(*args, **kwargs)
        self.doors.append(door)
        return door


def run_web(settings: Settings) -> None:
    """Serve the shop until SIGTERM, then finish what is under way."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(_serve(settings, runner.get_loop()))


async def _serve(settings: Settings, loop: Any) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)

    async def told_to_stop() -> None:
        # Hypercorn hangs up on every connection without a request the moment it is told: whoever has just
        # come in would get no answer. So nobody new is let in first, and those inside may still ask.
        await stopping.wait()
        for door in loop.doors:
            door.close()
        await asyncio.sleep(LINGER_SECONDS)

    shop = _only_http(create_app(settings))
    gc.collect()
    gc.freeze()  # the program itself is never garbage
    gc.set_threshold(*COLLECT_AFTER)
    await serve(shop, configure(settings), shutdown_trigger=told_to_stop)


def configure(settings: Settings) -> Config:
    """Return how Hypercorn is to serve: on whose socket, and for how long it waits for whom."""
    config = ServerConfig()
    descriptor = os.environ.get(LISTEN_FD)
    config.bind = [f"fd://{descriptor}" if descriptor else settings.bind]
    config.backlog = BACKLOG
    config.include_server_header = False
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.graceful_timeout = settings.drain_seconds
    config.shutdown_timeout = settings.drain_seconds
    config.keep_alive_timeout = QUIET_SECONDS
    config.read_timeout = READ_SECONDS
    config.h11_max_incomplete_size = HEADER_BYTES
    config.h2_max_header_list_size = HEADER_BYTES
    return config


def _only_http(shop: ASGIFramework) -> ASGIFramework:
    """Refuse WebSockets with 403: there is none here, and Quart would call every try an error of ours."""

    async def answer(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": None})
        else:
            await shop(scope, receive, send)

    return answer
