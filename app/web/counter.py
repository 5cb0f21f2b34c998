"""Serves at the counter: what htmx asks for most is done where the request comes in, and answered in pieces.

Building the framework's request, its contexts and its response costs as much as editing a cart. An errand is
a function that a room's routes use too. Here stand only the checks on the way to it, the same and in the same
order: counted, session, form token. Whatever is not exactly as our own pages send it is let into the shop,
which says what is wrong with it; and so is what fails, with its error, so that no errand is run twice.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl

from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable
from quart import Quart, request
from werkzeug.datastructures import MultiDict
from werkzeug.http import parse_cookie

from app.accounts import sessions
from app.core import ids, languages, policy
from app.infra.log import trace
from app.machines import Machines
from app.web import compression, csrf, current, htmx, language, limits, places, session, shape
from app.web.forms import Fields
from app.web.render import Templates

MOST_BYTES = 1024
MOST_FIELDS = 8
FAILED = "madang.failed"
FORMS = {b"application/x-www-form-urlencoded", b"application/x-www-form-urlencoded;charset=utf-8"}
# What htmx sends on our pages, and what must not be there: another end of the body, another place of a token.
SENT = {b"hx-request": b"true", b"hx-request-type": b"partial", b"sec-fetch-site": b"same-origin"}
NOT_SENT = {b"transfer-encoding", b"x-csrf-token", b"hx-history-restore-request"}

Run = Callable[[Machines, str, Fields, int], Awaitable[htmx.Pieces]]


@dataclass(frozen=True, slots=True)
class Errand:
    """What can be done at the counter: where it is asked for (a number in it is handed on), and how."""

    path: re.Pattern[str]
    run: Run


@dataclass(frozen=True, slots=True)
class _Asked:
    run: Run
    number: int
    sent: Mapping[bytes, bytes]
    cookies: MultiDict[str, str]


@dataclass(frozen=True, slots=True)
class _Who:
    """Whose cart it is, what their form tokens are bound to, and a guest's token, which is sent again."""

    owner: str
    binding: str
    guest: str = ""


class Counter:
    """The shop, with a counter in front."""

    def __init__(self, app: Quart, m: Machines, errands: tuple[Errand, ...]) -> None:
        self._app = app
        self._shop: ASGIFramework = app.asgi_app
        self._m = m
        self._errands = errands
        always = {**policy.ALWAYS, "Content-Security-Policy": policy.BARE, "Cache-Control": "no-store"}
        always |= {"Content-Type": htmx.HTML, "Vary": htmx.VARY}
        always |= policy.HSTS if m.settings.is_https else {}
        self._always = [(name.lower().encode(), value.encode()) for name, value in always.items()]

    async def __call__(self, scope: Any, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Do what is asked for here, or let it in."""
        asked = self._find(scope)
        if asked is None or not limits.counts_at_door(self._app, scope, limits.WRITES):
            await self._shop(scope, receive, send)
            return
        came = _Came(receive)
        trace.set(secrets.token_hex(4))
        languages.speak(_spoken(self._m, asked))
        known: Any = {**scope, limits.COUNTED: True}
        try:
            served = await self._serve(asked, came)
        except Exception as error:  # noqa: BLE001 - whatever it is, the shop has a page for it
            served, known[FAILED] = None, error
        if served is None:
            await self._shop(known, came.receive, send)
        else:
            await self._send(*served, asked, send)

    async def _serve(self, asked: _Asked, came: "_Came") -> tuple[bytes, _Who] | None:
        """Do it, and return the answer, and to whom; None for whom the shop has to look at."""
        sent = await came.read_form()
        who = await self._identify(asked) if sent is not None else None
        if sent is None or who is None:
            return None
        digest = csrf.digest(self._m.settings, who.binding)
        if not csrf.fits(sent.get(csrf.FIELD, ""), digest):
            return None
        return self._draw(await asked.run(self._m, who.owner, Fields(sent), asked.number), digest), who

    def _find(self, scope: Any) -> _Asked | None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
            return None
        for errand in self._errands:
            if found := errand.path.fullmatch(scope["path"]):
                break
        else:
            return None
        headers = list(scope["headers"])
        sent = {name.lower(): value for name, value in headers}
        is_form = sent.get(b"content-type", b"").lower().replace(b" ", b"") in FORMS
        as_ours = is_form and SENT.items() <= sent.items() and NOT_SENT.isdisjoint(sent)
        is_plain = len(sent) == len(headers) and shape.is_small(headers)  # each header once
        if not as_ours or not is_plain or shape.is_tunnel(scope["http_version"], scope["scheme"]):
            return None
        cookies = parse_cookie(shape.text_of(sent, b"cookie"))
        return _Asked(errand.run, int((found.groups() or ("0",))[0]), sent, cookies)

    async def _identify(self, asked: _Asked) -> _Who | None:
        """Return who asks; None for a stranger, and for whose session has ended."""
        cookies, name = asked.cookies, self._m.settings.cookie_name
        token = cookies.get(name(current.SESSION_COOKIE), "")
        if ids.is_token(token):
            shopper = await sessions.find_shopper(self._m, token)
            return _Who(f"u:{shopper.user_id}", token) if shopper else None
        guest = cookies.get(name(current.GUEST_COOKIE), "")
        return _Who(current.guest_owner(guest), guest, guest) if ids.is_token(guest) else None

    def _draw(self, pieces: htmx.Pieces, digest: bytes) -> bytes:
        templates: Templates = self._app.extensions["templates"]
        with places.left():
            drawn = htmx.join_pieces(pieces, templates.draw, templates.globals["kept"])
        return places.fill(drawn, lambda: csrf.mask(digest), ids.idempotency_key).encode()

    async def _send(self, answer: bytes, who: _Who, asked: _Asked, send: ASGISendCallable) -> None:
        answer, coding = await compression.pack_for(answer, shape.text_of(asked.sent, b"accept-encoding"))
        headers = [
            *self._always,
            (b"content-language", languages.spoken().encode()),
            (b"content-length", str(len(answer)).encode()),
        ]
        if coding:
            headers.append((b"content-encoding", coding.encode()))
        if who.guest:
            cookie = session.make_cookie(
                self._m.settings, current.GUEST_COOKIE, who.guest, session.GUEST_SECONDS
            )
            headers.append((b"set-cookie", cookie.encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer, "more_body": False})


class _Came:
    """What has come of a request, which the shop can read once more."""

    def __init__(self, receive: ASGIReceiveCallable) -> None:
        self._receive = receive
        self._kept: list[Any] = []

    async def read_form(self) -> MultiDict[str, str] | None:
        """Return the form; None when it is long, or does not end, or is none."""
        body = b""
        try:
            async with asyncio.timeout(shape.BODY_SECONDS):
                while len(body) <= MOST_BYTES:
                    message: Any = await self._receive()
                    self._kept.append(message)
                    if message["type"] != "http.request":
                        return None
                    body += message.get("body", b"")
                    if not message.get("more_body", False):
                        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
                        return MultiDict(pairs)
        except (TimeoutError, ValueError):
            return None
        return None

    async def receive(self) -> Any:
        """Return the next message, those that were read here first."""
        return self._kept.pop(0) if self._kept else await self._receive()


def register(app: Quart, m: Machines, errands: tuple[Errand, ...]) -> None:
    """Set the counter before the shop; what fails there is answered by the shop's error pages."""
    app.asgi_app = Counter(app, m, errands)  # type: ignore[method-assign]
    app.before_request(_refuse)


async def _refuse() -> None:
    """Raise what failed at the counter."""
    error = cast("dict[str, Any]", request.scope).get(FAILED)
    if error is not None:
        raise error


def _spoken(m: Machines, asked: _Asked) -> str:
    chosen = asked.cookies.get(m.settings.cookie_name(language.COOKIE), "")
    return language.choose_of(chosen, shape.text_of(asked.sent, b"accept-language"))
