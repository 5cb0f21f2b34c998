"""The measure: a Quart app that says hello, served as the shop is (python -m bench.hello BIND)."""

import asyncio
import sys

import uvloop
from hypercorn.asyncio import serve
from quart import Quart

from app.server import configure
from app.settings import Settings

app = Quart(__name__)


@app.get("/")
async def hello() -> str:
    """Say it."""
    return "hello"


def main(bind: str) -> None:
    """Serve until killed."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(app, configure(Settings(bind=bind))))


if __name__ == "__main__":
    main(sys.argv[1])
