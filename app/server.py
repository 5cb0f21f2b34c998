"""One web process: Hypercorn on the supervisor's socket, or on its own."""

import asyncio
import logging
import os
import signal

import uvloop
from hypercorn.asyncio import serve
from hypercorn.config import Config

from app.main import create_app
from app.settings import Settings
from app.supervisor import LISTEN_FD
from app.web.shape import HEADER_BYTES

QUIET_SECONDS = 30  # between two requests; also ends a connection whose headers never come
# No answer takes us longer: whoever neither sends nor takes anything for so long has gone.
READ_SECONDS = 120


def run_web(settings: Settings) -> None:
    """Serve the shop until SIGTERM, then finish what is under way."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await serve(create_app(settings), configure(settings), shutdown_trigger=stopping.wait)


def configure(settings: Settings) -> Config:
    """Return how Hypercorn is to serve: on whose socket, and for how long it waits for whom."""
    config = Config()
    descriptor = os.environ.get(LISTEN_FD)
    config.bind = [f"fd://{descriptor}" if descriptor else settings.bind]
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
