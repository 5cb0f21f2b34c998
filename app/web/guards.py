"""Every door of the shop says who may come in and how often; what is not said is a failing test."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial, wraps
from typing import Any, TypeVar, cast, overload
from urllib.parse import quote

from quart import Quart, Response, ResponseReturnValue, current_app, g, request
from werkzeug.exceptions import RequestTimeout

from app.core.errors import TooManyError
from app.web import csrf, htmx, limits, operators
from app.web.limits import Limit
from app.web.uninterrupted import uninterrupted

View = Callable[..., Awaitable[ResponseReturnValue]]
V = TypeVar("V", bound=View)

REFUSED = 400
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in and how often, and what is checked on the way."""

    stance: str  # anyone, member, operator, entrant, outside (another system; no cookies, no form token)
    csrf: bool = True
    own_limit: Limit | None = None

    def early_limit(self, method: str) -> Limit:
        """What is counted before anything else: a limit of its own, or that of all pages or all forms."""
        if self.own_limit is not None and not self.own_limit.shared:
            return self.own_limit
        return limits.WRITES if method in UNSAFE else limits.READS

    @property
    def shared_limit(self) -> Limit | None:
        """What is counted besides, in Redis."""
        return self.own_limit if self.own_limit is not None and self.own_limit.shared else None


class _Stance:
    """A decorator for views: plain, or with a limit of the door's own."""

    def __init__(self, caption: str, door: Door) -> None:
        self.__doc__ = caption
        self._door = door

    @overload
    def __call__(self, view: V) -> V: ...
    @overload
    def __call__(self, *, limit: Limit) -> Callable[[V], V]: ...
    def __call__(self, view: V | None = None, *, limit: Limit | None = None) -> V | Callable[[V], V]:
        """Decorate a view, or return what will."""
        door = replace(self._door, own_limit=limit)
        return partial(_guard, door) if view is None else _guard(door, view)


anyone = _Stance("Let everyone in, members and guests.", Door("anyone"))
member = _Stance("Let logged-in shoppers in; others are sent to log in and come back.", Door("member"))
# Before a change the second factor is asked for again when the last is some time ago.
operator = _Stance(
    "Let those in who run the shop; to everybody else the address does not exist.", Door("operator")
)
entrant = _Stance(
    "Let operators in who have given their password, with or without the second factor.", Door("entrant")
)
outside = _Stance(
    "Let another system in: no cookie is read and no form token asked for; the view checks by itself.",
    Door("outside", csrf=False),
)


def register(app: Quart) -> None:
    """Count each request before anybody asks a machine who sent it."""
    app.before_request(_count)


async def _count() -> Response | None:
    """Count a request where it was sent to. Raises TooManyError; another system is told in a word."""
    door = door_of(request.endpoint or "") or Door("anyone")
    try:
        limits.spend_early(door.early_limit(request.method))
    except TooManyError as error:
        if door.stance != "outside":
            raise
        return Response("", error.status, {"Retry-After": str(error.retry_after)})
    return None


def door_of(endpoint: str) -> Door | None:
    """Return the door of an endpoint, or None when nobody said who may come in."""
    return cast("Door | None", getattr(current_app.view_functions.get(endpoint), "door", None))


def _guard(door: Door, view: V) -> V:
    @wraps(view)
    async def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if request.method in UNSAFE:
            # All of it, before it counts as one of few: a body that trickles in must not hold a place.
            await _read_body()
        limit = door.shared_limit
        if limit is None:
            return await enter(*args, **kwargs)
        async with limits.among_few(limit):
            answer = await enter(*args, **kwargs)
        if limit.forgives and isinstance(answer, Response) and answer.status_code < REFUSED:
            await limits.forgive(limit)
        return answer

    async def enter(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        unsafe = request.method in UNSAFE
        if unsafe and door.csrf:
            await csrf.check()
        turned_away = await _turn_away(door.stance)
        if turned_away is not None:
            return turned_away
        if door.shared_limit is not None:
            await limits.spend(door.shared_limit)
        if unsafe:
            return await uninterrupted(_ensure(view(*args, **kwargs)))
        return await view(*args, **kwargs)

    guarded.door = door  # type: ignore[attr-defined]
    return cast("V", guarded)


async def _read_body() -> None:
    """Wait for the whole body. Raises RequestTimeout."""
    # The framework's own time-out is a task of its own each time somebody reads the form.
    patience, request.body_timeout = request.body_timeout, None
    try:
        async with asyncio.timeout(patience):
            await request.get_data()
    except TimeoutError as error:
        request.body_timeout = patience
        raise RequestTimeout from error


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
