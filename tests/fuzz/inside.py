"""Requests to an app in this process, as the server hands them on: also what a test client would not send."""

import asyncio
import time
from typing import Any
from urllib.parse import unquote

from quart import Quart

from tests.fuzz.judge import Answer
from tests.fuzz.spoil import Request

CALLER = ("127.0.0.1", 1)


async def ask(app: Quart, request: Request) -> Answer:
    """Send a request and return its answer."""
    sent: list[dict[str, Any]] = []
    path, _, query = request.target.partition("?")
    scope: dict[str, Any] = {
        "type": "http", "asgi": {}, "http_version": "1.1", "method": request.method.upper(), "scheme": "http",
        "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in request.headers],
        "server": None, "client": CALLER, "extensions": {},
    }  # fmt: skip
    is_sent, never = asyncio.Event(), asyncio.Event()

    async def receive() -> dict[str, Any]:
        if is_sent.is_set():
            await never.wait()
        is_sent.set()
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    started = time.monotonic()
    # A task of its own, as every server gives it: what a request says to itself is not heard by the next.
    await asyncio.create_task(app(scope, receive, send))  # type: ignore[arg-type]
    headers = [(name.decode().lower(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], headers, body, time.monotonic() - started)
