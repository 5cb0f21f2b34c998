"""Every error answer is a designed page, or for htmx the notice that every page has room for."""

import logging
import secrets
from typing import cast
from urllib.parse import quote, urlsplit

from quart import Quart, Response, g, request
from werkzeug.exceptions import HTTPException

from app.core.errors import (
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RedisUnavailableError,
    ShopError,
    TooLargeError,
    TooManyError,
)
from app.core.languages import _, marked
from app.infra.log import trace
from app.web import csrf, htmx
from app.web.notice import Notice

log = logging.getLogger(__name__)

WAYS_ON = [(marked("처음으로"), "/"), (marked("장바구니"), "/cart")]
OPERATORS_WAYS = [(marked("결제 확인"), "/admin/payments")]


class MethodError(ShopError):
    """The address exists, the method does not."""

    status = 405
    title = marked("이렇게는 열 수 없는 주소입니다")
    default_say = marked("처음 화면에서 다시 시작해 주십시오.")


class SlowBodyError(ShopError):
    """The form did not arrive in time."""

    status = 408
    title = marked("내용이 다 도착하지 않았습니다")
    default_say = marked(
        "보내는 데 너무 오래 걸려 처리하지 않았습니다. 연결을 확인한 뒤 다시 시도해 주십시오."
    )


NAMED: dict[int, type[ShopError]] = {
    403: ForbiddenError,
    404: NotFoundError,
    405: MethodError,
    408: SlowBodyError,
    413: TooLargeError,
}


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
    g.asked_in_vain = True
    if isinstance(error, RedisUnavailableError | TooManyError):
        # It has just kept this shopper waiting, or the answer must cost little: it is not asked again.
        g.cart_count = None
    if htmx.wants_pieces():
        if isinstance(error, csrf.SessionEndedError):
            return htmx.redirect(_login())
        response = await htmx.draw_pieces([htmx.Piece("web/notice")], status=error.status, notice=_say(error))
    else:
        response = await htmx.respond(
            "errors/error.html",
            status=error.status,
            title=_(error.title),
            sentence=error.say,
            support_code=trace.get(),
            typed=await _typed(error),
            actions=_ways_on(error),
        )
    if isinstance(error, TooManyError):
        response.headers["Retry-After"] = str(error.retry_after)
    if error.status == 503:  # noqa: PLR2004 - the status's own number
        response.headers["Retry-After"] = "5"
    return response


def _say(error: ShopError) -> Notice:
    """Say it where the shopper is: with a button to try again, or a way to a page that is not stale."""
    if isinstance(error, ForbiddenError):
        return Notice("error", error.say, (_("페이지 새로 열기"), _page_of_form()))
    return Notice("error", error.say, again=_may_pass(error))


def _ways_on(error: ShopError) -> list[tuple[str, str]]:
    """Return where to go from here: to the same page, where that may help, and then elsewhere."""
    ways = [(_(label), url) for label, url in (OPERATORS_WAYS if g.get("operator") else WAYS_ON)]
    if isinstance(error, csrf.SessionEndedError):
        return [(_("다시 로그인하기"), _login()), *ways]
    if request.method != "GET" or not _may_pass(error):
        return ways
    here = "/" + quote(request.path.lstrip("/"))  # one slash: two would be another site
    asked = request.query_string.decode("ascii", "ignore")
    return [(_("다시 열기"), f"{here}?{asked}" if asked else here), *ways]


def _login() -> str:
    return f"/login?next={quote(_page_of_form(), safe='/')}"


def _page_of_form() -> str:
    """Return the path of the page that the form was on, as far as the browser says."""
    page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    path = f"/{page.path.lstrip('/')}"
    return f"{path}?{page.query}" if page.query else path


def _may_pass(error: ShopError) -> bool:
    """Whether the same form may be taken later: we were busy or in trouble, or it came too slowly."""
    return error.status >= 500 or isinstance(error, TooManyError | SlowBodyError)  # noqa: PLR2004 - as below


async def _typed(error: ShopError) -> list[tuple[str, str]]:
    """Return what was typed, to be sent again as it is: if it may be taken later, all but secrets."""
    if _may_pass(error) and g.get("form_is_ours"):
        form = (await request.form).items(multi=True)
        return [(name, text) for name, text in form if name != csrf.FIELD and "password" not in name.lower()]
    return cast("list[tuple[str, str]]", g.get("typed", []))


def _name(error: HTTPException) -> ShopError:
    status = error.code or 500
    named = NAMED.get(status)
    if named is not None:
        return named(str(error))
    return InvalidError(str(error)) if status < 500 else ShopError(str(error))  # noqa: PLR2004 - as above
