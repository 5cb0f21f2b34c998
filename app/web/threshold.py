"""The threshold: what the framework itself would stumble over is refused by a page of ours all the same."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from quart import Quart, request

from app.core.errors import ShopError
from app.core.languages import marked

MOST_OF_A_HOST = 255
HOST = re.compile(
    rb"(?:[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?|\[[0-9A-Fa-f:.]{2,45}\])?(?::[0-9]{1,5})?"
)
ABSOLUTE = re.compile(r"https?://[^/]*(/.*)?", re.DOTALL)  # as proxies are asked; HTTP has us take it
UNREADABLE = "madang.unreadable"

Scope = dict[str, Any]
Channel = Callable[..., Awaitable[Any]]


class UnreadableError(ShopError):
    """The request names no host, or no path, that can be one."""

    status = 400
    title = marked("요청을 읽을 수 없습니다")
    default_say = marked("주소를 확인한 뒤 다시 시도해 주십시오. 변경된 내용은 없습니다.")


def register(app: Quart) -> None:
    """Put the threshold before the app; after the error pages are there, before anybody is looked up."""
    inner = app.asgi_app

    async def threshold(scope: Scope, receive: Channel, send: Channel) -> None:
        if scope["type"] == "http":
            absolute = ABSOLUTE.fullmatch(scope["path"])
            scope = {**scope, "path": absolute[1] or "/"} if absolute else scope
            scope = scope if _is_readable(scope) else _make_readable(scope)
        await inner(scope, receive, send)  # type: ignore[arg-type]

    app.asgi_app = threshold  # type: ignore[method-assign, assignment]
    app.before_request(_refuse)


def _is_readable(scope: Scope) -> bool:
    hosts = [value for name, value in scope["headers"] if name.lower() == b"host"]
    return scope["path"].startswith("/") and all(_is_host(host) for host in hosts)


def _is_host(name: bytes) -> bool:
    return len(name) <= MOST_OF_A_HOST and HOST.fullmatch(name) is not None


def _make_readable(scope: Scope) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
    return {**scope, "path": "/", "headers": [(b"host", b""), *headers], UNREADABLE: True}


async def _refuse() -> None:
    if request.scope.get(UNREADABLE):
        raise UnreadableError
