"""How a request reaches the shop and its answer leaves: the framework's own way, without its detours.

That builds a request's headers pair by pair, only to have them copied, works on it in a task of its own, and
sends the answer in three parts from another. Most of our answers are whole when they leave.
"""

import asyncio
from contextlib import suppress
from typing import Any, cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart import Quart, Request
from quart.asgi import ASGIHTTPConnection
from quart.typing import ResponseTypes
from quart.wrappers.response import DataBody

from app.web.shape import SentHeaders

ANSWER_SECONDS = 60  # after which whoever does not take an answer has gone


class Connection(ASGIHTTPConnection):
    """One request and its answer."""

    _has_hung_up = False

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer; who hangs up before is answered no further."""
        request = self._create_request_from_scope(send)
        here = cast("asyncio.Task[None]", asyncio.current_task())
        listening = asyncio.create_task(self._listen(request, receive, here))
        try:
            await self.handle_request(request, send)
        except asyncio.CancelledError:
            if not self._has_hung_up or here.uncancel():  # it was not the phone, or not the phone alone
                raise
        finally:
            listening.cancel()

    async def _listen(
        self, request: Request, receive: ASGIReceiveCallable, answering: "asyncio.Task[None]"
    ) -> None:
        await self.handle_messages(request, receive)
        self._has_hung_up = True
        answering.cancel()

    def _create_request_from_scope(self, _send: ASGISendCallable) -> Request:
        scope, config = self.scope, self.app.config
        headers = [("Remote-Addr", str((scope.get("client") or ["<local>"])[0]))]
        headers += [(name.decode("latin1"), value.decode("latin1")) for name, value in scope["headers"]]
        if scope["http_version"] < "1.1":  # it need not name a host; the first that is named counts
            headers.append(("Host", ""))
        return self.app.request_class(
            scope["method"],
            scope["scheme"],
            scope["path"],
            scope["query_string"],
            SentHeaders(headers),
            scope.get("root_path", ""),
            scope["http_version"],
            max_content_length=config["MAX_CONTENT_LENGTH"],
            body_timeout=config["BODY_TIMEOUT"],
            send_push_promise=_never_push,
            scope=scope,
        )

    async def _send_response(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        body = response.response
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                if not isinstance(body, DataBody):
                    await super()._send_response(send, response)
                    return
                headers = [(name.lower().encode(), value.encode()) for name, value in response.headers]
                start = {"type": "http.response.start", "status": response.status_code, "headers": headers}
                await send(start)  # type: ignore[arg-type]
                whole = body.data[body.begin : body.end]
                await send({"type": "http.response.body", "body": whole, "more_body": False})


async def _never_push(*_: Any) -> None:
    """Push nothing: browsers no longer take it."""


def register(app: Quart) -> None:
    """Take requests and send answers this way."""
    app.asgi_http_class = Connection
    app.config["RESPONSE_TIMEOUT"] = None  # ours; the framework's is a task for each answer
