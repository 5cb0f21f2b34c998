"""Every error answer is a designed page, or for htmx the notice that every page has room for."""

import logging
import secrets

from quart import Quart, Response, g
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app.core.errors import (
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RedisUnavailableError,
    ShopError,
    TooLargeError,
    TooManyError,
)
from app.infra.log import trace
from app.web import htmx
from app.web.notice import Notice

log = logging.getLogger(__name__)

NAMED: dict[int, type[ShopError]] = {403: ForbiddenError, 404: NotFoundError, 413: TooLargeError}


class MethodError(ShopError):
    """The address exists, the method does not."""

    status = 405
    title = "이렇게는 열 수 없는 주소입니다"
    default_say = "처음 화면에서 다시 시작해 주십시오."


def register(app: Quart) -> None:
    """Answer every failure by name."""

    async def on_shop_error(error: ShopError) -> Response:
        if error.status >= 500:  # noqa: PLR2004 - HTTP's own line between their fault and ours
            log.error("%s: %s", type(error).__name__, error)
        return await answer(error)

    async def on_http_error(error: HTTPException) -> Response:
        return await answer(_name(error))

    async def on_unknown(error: Exception) -> Response:
        log.error("unexpected: %s", type(error).__name__, exc_info=error)
        return await answer(ShopError(type(error).__name__))

    app.before_request(_begin_trace)
    app.register_error_handler(ShopError, on_shop_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(Exception, on_unknown)


async def _begin_trace() -> None:
    """Name the request, in the log and to the shopper, by a number short enough to read over the phone."""
    trace.set(secrets.token_hex(4))


async def answer(error: ShopError) -> Response:
    """Draw the failure, with the number under which the log has this request."""
    log.info("answered %d: %s", error.status, error)
    if isinstance(error, RedisUnavailableError):
        g.cart_count = None  # it has just kept this shopper waiting: the page does without asking it again
    if htmx.wants_pieces():
        response = await htmx.draw_pieces(
            [htmx.Piece("web/notice")], status=error.status, notice=Notice("error", error.say)
        )
    else:
        response = await htmx.respond(
            "errors/error.html",
            status=error.status,
            title=error.title,
            sentence=error.say,
            support_code=trace.get(),
            typed=g.get("typed", []),
            actions=[("처음으로", "/"), ("장바구니", "/cart")],
        )
    if isinstance(error, TooManyError):
        response.headers["Retry-After"] = str(error.retry_after)
    if error.status == 503:  # noqa: PLR2004 - the status's own number
        response.headers["Retry-After"] = "5"
    return response


def _name(error: HTTPException) -> ShopError:
    if isinstance(error, RequestEntityTooLarge):
        return TooLargeError()
    status = error.code or 500
    if status == 405:  # noqa: PLR2004 - the status's own number
        return MethodError()
    named = NAMED.get(status)
    if named is not None:
        return named(str(error))
    return InvalidError(str(error)) if status < 500 else ShopError(str(error))  # noqa: PLR2004 - as above
