"""What a request may look like before anybody reads it: its address, its headers, its body, its fields."""

from collections.abc import Collection, Mapping
from functools import cached_property
from itertools import chain
from typing import Any, cast

from quart import Quart, Request, Response, g, request
from quart.formparser import FormDataParser
from quart.wrappers.request import Body
from werkzeug.datastructures import Headers, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from app.core.errors import ShopError
from app.core.languages import marked

FORM_BYTES = 64 * 1024
MOST_FIELDS = 100
URL_BYTES = 8 * 1024
HEADER_BYTES = 16 * 1024
MOST_HEADERS = 100
URL_ENCODED = ("application/x-www-form-urlencoded", "application/x-url-encoded")
BODY_SECONDS = 30  # a form over a bad mobile network takes long; one that never ends is cut


class AmbiguousError(ShopError):
    """Two readers could disagree where this request ends: a proxy in front would let the rest pass unseen."""

    status = 400
    title = marked("요청을 읽을 수 없습니다")
    default_say = marked("브라우저가 보낸 요청을 읽을 수 없습니다. 처음 화면에서 다시 시작해 주십시오.")


class AddressTooLongError(ShopError):
    """The address is longer than any of ours."""

    status = 414
    title = marked("주소가 너무 깁니다")
    default_say = marked("주소가 너무 길어 열 수 없습니다. 검색어나 주소를 줄여 다시 시도해 주십시오.")


class HeadersTooLargeError(ShopError):
    """More headers than a browser sends; most often it is too many cookies."""

    status = 431
    title = marked("보낸 내용이 너무 큽니다")
    default_say = marked(
        "브라우저에 쌓인 쿠키가 너무 큽니다. 이 사이트의 쿠키를 지운 뒤 다시 시도해 주십시오."
    )


class BoundedBody(Body):
    """A body that ends with an error once it was too large in all, also when it is read piece by piece."""

    def __init__(self, expected_content_length: int | None, max_content_length: int | None) -> None:
        super().__init__(expected_content_length, max_content_length)
        self._came = 0

    def append(self, data: bytes) -> None:
        """Take a piece. What comes after too much is dropped."""
        self._came += len(data)
        if self._max_content_length is not None and self._came > self._max_content_length:
            self._must_raise = self._must_raise or RequestEntityTooLarge()
            self.set_complete()
        super().append(data)


class BoundedParser(FormDataParser):
    """Reads forms of a bearable number of fields."""

    async def parse(
        self, body: Body, mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> tuple[MultiDict[str, Any], MultiDict[str, Any]]:
        """Read a form. Raises RequestEntityTooLarge."""
        if mimetype in URL_ENCODED and (await body).count(b"&") >= MOST_FIELDS:
            raise RequestEntityTooLarge
        return await super().parse(body, mimetype, content_length, options)


class SentHeaders(Headers):
    """The headers of a request, which nobody changes: found by name at once, the first of several."""

    def __init__(self, sent: list[tuple[str, str]]) -> None:
        super().__init__()
        self._list = sent
        self._first = {name.lower(): text for name, text in reversed(self._list)}
        self.size = sum(map(len, chain.from_iterable(self._list)))

    def get(self, key: str, default: Any = None, type: Any = None) -> Any:  # type: ignore[override]  # noqa: A002
        """Return a header, or ``default``."""
        if type is not None:
            return super().get(key, default, type)
        return self._first.get(key.lower(), default)

    def __contains__(self, key: object) -> bool:
        """Whether there is such a header."""
        return isinstance(key, str) and key.lower() in self._first


class BoundedRequest(Request):
    """A request that nobody can make us read for ever."""

    body_class = BoundedBody
    form_data_parser_class = BoundedParser

    headers: SentHeaders

    @cached_property
    def blueprints(self) -> list[str]:
        """The room that answers, which the framework asks for several times."""
        return super().blueprints


def register(app: Quart) -> None:
    """Refuse what no browser sends."""
    app.request_class = BoundedRequest
    app.config["MAX_CONTENT_LENGTH"] = FORM_BYTES
    app.config["MAX_FORM_PARTS"] = MOST_FIELDS
    app.config["BODY_TIMEOUT"] = BODY_SECONDS
    app.before_request(check)
    app.after_request(hang_up)


async def check() -> None:
    """Look at a request from outside. Raises AmbiguousError, AddressTooLongError or HeadersTooLargeError."""
    headers, version = cast("SentHeaders", request.headers), request.http_version
    path, query = request.path, request.query_string
    # h11 reads such a body as chunked, which is right, and somebody in front may have counted its length.
    if "Transfer-Encoding" in headers and ("Content-Length" in headers or version == "1.0"):
        g.hangs_up = True
        raise AmbiguousError("both a length and a transfer encoding")
    # Nobody in front speaks it to us, and a tunnel through them (Upgrade: h2c) could claim any address.
    if is_tunnel(version, request.scheme):
        raise AmbiguousError("HTTP/2 without TLS")
    if len(path) + len(query) > URL_BYTES:
        raise AddressTooLongError(f"{len(path)} + {len(query)} bytes")
    if len(headers) > MOST_HEADERS or headers.size > HEADER_BYTES:
        raise HeadersTooLargeError(f"{len(headers)} headers")


def is_tunnel(version: str, scheme: str) -> bool:
    """Whether it is HTTP/2 without TLS."""
    return version.startswith("2") and scheme == "http"


def is_small(sent: Collection[tuple[bytes, bytes]]) -> bool:
    """Whether headers are no more than a browser sends.

    h11's own limit ends with a packet: whole headers of four times the size come through it.
    """
    return len(sent) <= MOST_HEADERS and sum(map(len, chain.from_iterable(sent))) <= HEADER_BYTES


def text_of(sent: Mapping[bytes, bytes], name: bytes) -> str:
    """Return a header as it came, by its name in small letters; '' when it did not."""
    return sent.get(name, b"").decode("latin-1")


async def hang_up(response: Response) -> Response:
    """End the connection with an answer after which nobody knows where the next request begins."""
    if g.get("hangs_up"):
        response.headers["Connection"] = "close"
    return response
