"""Who is logged in: the session cookie, and the cookies of guests."""

from quart import Quart, Response, g, request
from werkzeug.http import dump_cookie

from app.accounts import sessions
from app.core import ids
from app.infra import keys
from app.settings import Settings
from app.web import current, guards, operators

GUEST_SECONDS = keys.CART_SECONDS


def register(app: Quart) -> None:
    """Look the shopper up before each request, and set a new guest's cookie after it."""
    app.before_request(load_shopper)
    app.after_request(keep_guest)


async def load_shopper() -> None:
    """Set ``g.shopper`` from the session cookie. Raises UnavailableError when nobody can be asked."""
    g.shopper = None
    endpoint = request.endpoint or ""
    door = guards.door_of(endpoint)
    if endpoint.startswith(("static.", "ops.")) or (door is not None and door.stance == "outside"):
        return
    await operators.load()
    if g.operator is not None:
        return
    token = current.cookie(current.SESSION_COOKIE)
    if ids.is_token(token):
        g.shopper = await sessions.find_shopper(current.machines(), token)
        g.session_token = token


async def keep_guest(response: Response) -> Response:
    """Send a guest token made or prolonged during this request."""
    if g.get("sends_guest"):
        set_cookie(response, current.GUEST_COOKIE, current.guest_token(), GUEST_SECONDS)
    return response


def let_in(response: Response, token: str, *, keep_guest: bool = False) -> None:
    """Send a new session's cookie, and take the guest's: what was the guest's is the member's now.

    ``keep_guest`` when the guest's cart could not be merged: the next log-in does it.
    """
    set_cookie(response, current.SESSION_COOKIE, token, keys.SESSION_MOST_SECONDS)
    if not keep_guest:
        _drop(response, current.GUEST_COOKIE)
    g.sends_guest = False


def let_out(response: Response) -> None:
    """Take the session's cookie away."""
    _drop(response, current.SESSION_COOKIE)


def set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie that only this browser's pages get back: a secret is signed by the caller."""
    response.headers.add("Set-Cookie", make_cookie(current.machines().settings, name, value, seconds))


def make_cookie(settings: Settings, name: str, value: str, seconds: int) -> str:
    """Return the header that sets such a cookie."""
    return dump_cookie(
        settings.cookie_name(name),
        value,
        max_age=seconds,
        sync_expires=False,  # every browser of today knows Max-Age
        path="/",
        secure=settings.is_https,
        httponly=True,
        # Lax, not Strict: the way back from the Toss window is a cross-site navigation.
        samesite="Lax",
    )


def _drop(response: Response, name: str) -> None:
    secure = current.machines().settings.is_https
    response.delete_cookie(current.cookie_name(name), path="/", secure=secure, httponly=True, samesite="Lax")
