"""A request ends with its answer, or when the phone hangs up; and nobody else's end is mistaken for that."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart, request

from app.web import connection
from app.web.shape import BoundedRequest


class Waiting:
    """A page that is never done, and what became of it."""

    def __init__(self) -> None:
        self.begun, self.cut = asyncio.Event(), False

    async def wait(self) -> str:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cut = True
            raise
        return ""


class Call:
    """One request from a phone that can hang up."""

    def __init__(self, app: Quart, path: str, version: str = "1.1") -> None:
        self.app, self.sent = app, list[Any]()
        self.came: asyncio.Queue[Any] = asyncio.Queue()
        self.came.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self.scope: Any = {
            "type": "http",
            "http_version": version,
            "method": "GET",
            "scheme": "http",
            "path": path,
            "query_string": b"",
            "headers": [(b"X-Who", b"one"), (b"x-who", b"two")],
            "client": ("127.0.0.1", 1),
        }

    async def run(self) -> None:
        async def send(message: Any) -> None:
            self.sent.append(message)

        await self.app(self.scope, self.came.get, send)

    def hang_up(self) -> None:
        self.came.put_nowait({"type": "http.disconnect"})

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


@pytest.fixture
def app(waiting: Waiting) -> Quart:
    app = Quart(__name__)
    app.request_class = BoundedRequest
    connection.register(app)
    app.get("/long")(waiting.wait)

    @app.get("/whole")
    async def whole() -> str:
        return f"{request.headers['X-WHO']} {request.headers.getlist('x-who')} {request.host}"

    @app.get("/stream")
    async def stream() -> AsyncIterator[bytes]:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one "
            yield b"two"

        return pieces()

    return app


async def test_a_whole_answer_is_sent_in_one_piece(app: Quart) -> None:
    call = Call(app, "/whole")
    await call.run()
    assert [message["type"] for message in call.sent] == ["http.response.start", "http.response.body"]
    assert call.body == b"one ['one', 'two'] "
    assert call.sent[-1]["more_body"] is False


async def test_a_request_of_http_1_0_need_not_name_a_host(app: Quart) -> None:
    call = Call(app, "/whole", "1.0")
    await call.run()
    assert call.sent[0]["status"] == 200


async def test_a_stream_is_sent_as_it_comes(app: Quart) -> None:
    call = Call(app, "/stream")
    await call.run()
    assert call.body == b"one two"
    assert call.sent[-1]["more_body"] is False


async def test_who_hangs_up_ends_the_request_and_nothing_else(app: Quart, waiting: Waiting) -> None:
    call = Call(app, "/long")
    running = asyncio.create_task(call.run())
    await waiting.begun.wait()
    call.hang_up()
    await running
    assert waiting.cut
    assert call.sent == []
    assert not running.cancelled()


async def test_a_server_that_stops_is_no_phone_that_hangs_up(app: Quart, waiting: Waiting) -> None:
    call = Call(app, "/long")
    running = asyncio.create_task(call.run())
    await waiting.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert waiting.cut
