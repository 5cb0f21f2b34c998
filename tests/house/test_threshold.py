"""What the framework would stumble over is refused by a page of ours, with every header."""

import asyncio
from typing import Any

import pytest
from quart import Quart

from app.main import create_app
from app.settings import Settings

HOSTS = {"x" * 300: 400, "a..b": 400, ".": 400, "é": 400, "a b": 400, "[": 400, "a,b": 400, "a/b": 400,
         "a:b": 400, "": 200, "shop.example": 200, "shop.example.": 200, "shop:8000": 200, "[::1]:8000": 200}  # fmt: skip
PATHS = {"?": 400, "": 400, "cart": 400, "*": 400, "http://shop/livez": 200, "ftp://shop/livez": 400,
         "http://[/livez": 200, "https://evil.example/livez": 200, "/livez": 200}  # fmt: skip


@pytest.fixture(scope="module")
def app() -> Quart:
    return create_app(Settings(secret_key="k", password_pepper="p", redis_url="redis://127.0.0.1:1"))


async def ask(app: Quart, path: str, host: str) -> tuple[int, dict[bytes, bytes], bytes]:
    """Ask as a server does that lets everything through: the test client would not send it."""
    sent: list[dict[str, Any]] = []
    scope: dict[str, Any] = {
        "type": "http", "asgi": {}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "server": None,
        "client": ("127.0.0.1", 1), "headers": [(b"host", host.encode("latin-1"))], "extensions": {},
    }  # fmt: skip
    is_sent, never = asyncio.Event(), asyncio.Event()

    async def receive() -> dict[str, Any]:
        if is_sent.is_set():
            await never.wait()
        is_sent.set()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)  # type: ignore[arg-type]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


@pytest.mark.parametrize("host", HOSTS)
async def test_a_host_that_is_none_is_refused_by_a_page(app: Quart, host: str) -> None:
    status, headers, body = await ask(app, "/livez", host)
    assert status == HOSTS[host]
    assert b"content-security-policy" in headers
    assert ("요청을 읽을 수 없습니다" in body.decode()) == (status == 400)


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_that_is_none_is_refused_by_a_page(app: Quart, path: str) -> None:
    status, headers, body = await ask(app, path, "shop")
    assert status == PATHS[path]
    assert b"content-security-policy" in headers
    assert ("요청을 읽을 수 없습니다" in body.decode()) == (status == 400)


async def test_doubled_slashes_lead_nowhere(app: Quart) -> None:
    """They were redirected to the host that the request named, whoever that is."""
    for path in ("//evil.example/", "/products//1", "/orders//lookup"):
        status, headers, _ = await ask(app, path, "evil.example")
        assert status == 404
        assert b"location" not in headers


async def test_a_file_that_is_not_there_is_not_remembered(app: Quart) -> None:
    for path in ("/static/x/css/shop.css", "/pictures/nothing.svg"):
        status, headers, _ = await ask(app, path, "shop")
        assert (status, headers[b"cache-control"]) == (404, b"no-store")
