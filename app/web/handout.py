"""Hands out pages at the door: to a stranger who brings nothing, what the last one was answered a moment ago.

Who comes without cookies is nobody yet, and most of what their answer costs is to find that out. A page that
is the same for all of them (`kept.py`) needs a guest's cookie, a form token and a key, and is handed out with
these for as long as nothing it shows is due to be looked up again. They are counted as everybody is.
"""

import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable
from quart import Quart

from app.core import ids, packing
from app.infra.log import trace
from app.machines import Machines
from app.web import compression, csrf, current, kept, language, limits, session, shape

# What only somebody brings who is known here, sends a form, or wants a part of the page.
OWN = {b"cookie", b"hx-request", b"content-length", b"transfer-encoding"}
MOST_SHEETS = kept.MOST_PAGES
OK = 200

Name = tuple[str, str, bytes]  # language, path, query
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """An answer that was drawn for a stranger, without what was theirs."""

    offer: kept.Offer
    start: Message
    greets: bool  # with a guest's cookie


class Sheets:
    """The answers that are handed out, the one drawn longest ago first."""

    def __init__(self, _m: Machines) -> None:
        self._sheets: dict[Name, Sheet] = {}

    def find(self, name: Name) -> Sheet | None:
        """Return what may be handed out now."""
        sheet = self._sheets.get(name)
        return sheet if sheet is not None and time.monotonic() < sheet.offer.until else None

    def keep(self, name: Name, sheet: Sheet) -> None:
        """Hand this out from now on."""
        self._sheets.pop(name, None)
        self._sheets[name] = sheet
        if len(self._sheets) > MOST_SHEETS:
            self._sheets.pop(next(iter(self._sheets)))


class Handout:
    """The shop, with somebody at its door who hands out pages."""

    def __init__(self, app: Quart, m: Machines) -> None:
        self._app = app
        self._shop: ASGIFramework = app.asgi_app
        self._m = m

    async def __call__(self, scope: Any, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer a stranger, or let them in."""
        name = _name(scope)
        if name is None:
            await self._shop(scope, receive, send)
            return
        sheet = self._m.keep(Sheets).find(name)
        if sheet is None or not limits.counts_at_door(self._app, scope, sheet.offer.limit):
            await self._watch(name, scope, receive, send)
            return
        trace.set(secrets.token_hex(4))
        guest = ids.token()
        body = kept.fill_page(sheet.offer.page, lambda: csrf.mask(csrf.digest(self._m.settings, guest)))
        start = sheet.start
        if sheet.greets:
            cookie = session.make_cookie(self._m.settings, current.GUEST_COOKIE, guest, session.GUEST_SECONDS)
            start = {**start, "headers": [*start["headers"], (b"set-cookie", cookie.encode())]}
        await send(start)  # type: ignore[arg-type]
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _watch(
        self, name: Name, scope: Any, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Let them in, and keep what they are answered if it is the same for everybody."""
        starts: list[Any] = []

        async def watch(message: Any) -> None:
            if message["type"] == "http.response.start":
                starts.append(message)
            await send(message)

        await self._shop(scope, receive, watch)
        offer: kept.Offer | None = scope.get(kept.OFFER)
        if offer is None or not starts or starts[0]["status"] != OK or not math.isfinite(offer.until):
            return
        headers = [header for header in starts[0]["headers"] if header[0].lower() != b"set-cookie"]
        greets = len(headers) < len(starts[0]["headers"])
        self._m.keep(Sheets).keep(name, Sheet(offer, {**starts[0], "headers": headers}, greets))


def register(app: Quart, m: Machines) -> None:
    """Stand at the door, behind whoever sees to it that a request can be read."""
    app.asgi_app = Handout(app, m)  # type: ignore[method-assign]


def _name(scope: Mapping[str, Any]) -> Name | None:
    """Return what a stranger asks for who takes it as it is kept; None for anybody else."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    if not shape.is_small(scope["headers"]) or shape.is_tunnel(scope["http_version"], scope["scheme"]):
        return None
    sent = {name.lower(): value for name, value in reversed(list(scope["headers"]))}  # the first of several
    if not OWN.isdisjoint(sent):
        return None
    if compression.weigh(shape.text_of(sent, b"accept-encoding")) != packing.PLACED:
        return None
    spoken = language.match(shape.text_of(sent, b"accept-language"))
    return spoken, scope["path"], scope["query_string"]
