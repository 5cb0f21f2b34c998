"""Every door of the shop says who may come in; what is not said is a failing test."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import quote

from quart import ResponseReturnValue, current_app, g, request

from app.core.errors import TooLargeError
from app.web import csrf, htmx, operators
from app.web.uninterrupted import uninterrupted

View = Callable[..., Awaitable[ResponseReturnValue]]
V = TypeVar("V", bound=View)

FORM_BYTES = 64 * 1024
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in, and what is checked on the way."""

    stance: str  # anyone, member, operator, entrant, outside (another system; no cookies, no form token)
    csrf: bool = True


def anyone(view: V) -> V:
    """Let everyone in, members and guests."""
    return _door(view, Door("anyone"))


def member(view: V) -> V:
    """Let logged-in shoppers in; others are sent to log in and come back."""
    return _door(view, Door("member"))


def operator(view: V) -> V:
    """Let those in who run the shop; to everybody else the address does not exist.

    Before a change the second factor is asked for again when the last is some time ago.
    """
    return _door(view, Door("operator"))


def entrant(view: V) -> V:
    """Let operators in who have given their password, with or without the second factor."""
    return _door(view, Door("entrant"))


def outside(view: V) -> V:
    """Let another system in: no cookie is read and no form token asked for; the view checks by itself."""
    return _door(view, Door("outside", csrf=False))


def door_of(endpoint: str) -> Door | None:
    """Return the door of an endpoint, or None when nobody said who may come in."""
    return cast("Door | None", getattr(current_app.view_functions.get(endpoint), "door", None))


def _door(view: V, door: Door) -> V:
    @wraps(view)
    async def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        unsafe = request.method in UNSAFE
        if unsafe:
            _check_size()
        if unsafe and door.csrf:
            await csrf.check()
        turned_away = await _turn_away(door.stance)
        if turned_away is not None:
            return turned_away
        if unsafe:
            return await uninterrupted(_ensure(view(*args, **kwargs)))
        return await view(*args, **kwargs)

    guarded.door = door  # type: ignore[attr-defined]
    return cast("V", guarded)


def _check_size() -> None:
    """Refuse a body larger than any form of ours, also where the view would not read it."""
    if (request.content_length or 0) > FORM_BYTES:
        raise TooLargeError(f"{request.content_length} bytes")


async def _ensure(answer: Awaitable[ResponseReturnValue]) -> ResponseReturnValue:
    return await answer


async def _turn_away(stance: str) -> ResponseReturnValue | None:
    """Return the answer for who may not come in. Raises NotFoundError."""
    if stance in operators.STANCES:
        return await operators.turn_away(stance)
    if stance == "member" and g.get("shopper") is None:
        back = request.full_path.rstrip("?") if request.method == "GET" else "/account"
        return htmx.redirect(f"/login?next={quote(back, safe='/')}")
    return None
