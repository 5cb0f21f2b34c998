"""Who and what the present request is about."""

from typing import cast

from quart import current_app, g, request

from app.cart import service as carts
from app.core import ids
from app.core.errors import UnavailableError
from app.machines import Machines

SESSION_COOKIE = "sid"
GUEST_COOKIE = "gid"


def machines() -> Machines:
    """Return the machines this app was built with."""
    return cast("Machines", current_app.extensions["machines"])


def cookie_name(name: str) -> str:
    """Return a cookie's full name."""
    return machines().settings.cookie_name(name)


def cookie(name: str) -> str:
    """Return the request's cookie of that name, or ''."""
    sent, full_name = request.cookies, cookie_name(name)
    return sent[full_name] if full_name in sent else ""  # noqa: SIM401 - get() makes an error of what is missing


def guest_token() -> str:
    """Return this browser's guest token, making one (sent with the answer) when it has none."""
    if "guest_token" not in g:
        sent = cookie(GUEST_COOKIE)
        g.sends_guest = not ids.is_token(sent)
        g.guest_token = ids.token() if g.sends_guest else sent
    return cast("str", g.guest_token)


def prolong_guest() -> None:
    """Let a guest's cookie live as long as the cart, whose thirty days begin anew with every edit."""
    if g.get("shopper") is None:
        guest_token()
        g.sends_guest = True


def has_guest_token() -> bool:
    """Whether this browser came with a guest token of its own."""
    return ids.is_token(cookie(GUEST_COOKIE))


def guest_owner(token: str) -> str:
    """Return the cart owner that a guest token stands for; the token itself is stored nowhere."""
    return f"g:{ids.fingerprint(token)[:40]}"


def owner() -> str:
    """Return whose cart and orders this request may touch: ``u:<user_id>`` or ``g:<guest>``."""
    shopper = g.get("shopper")
    return f"u:{shopper.user_id}" if shopper is not None else guest_owner(guest_token())


def has_cart() -> bool:
    """Whether this browser can have a cart at all: a first visit cannot."""
    return g.get("shopper") is not None or has_guest_token()


def binding() -> str:
    """Return the secret of this browser that its form tokens are bound to."""
    here = g.get
    operators: str | None = here("operator_token")
    if operators is not None:
        return operators
    return here("session_token", "") if here("shopper") is not None else guest_token()


async def count_cart() -> int | None:
    """Return how many goods are in the cart, for the header; None when Redis cannot say."""
    if not has_cart():
        return 0
    try:
        return await carts.count(machines(), owner())
    except UnavailableError:
        return None
