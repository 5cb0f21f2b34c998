"""The one way to answer: whole pages for browsers, pieces for htmx, redirects for both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from quart import Response, g, request

from app.core import languages
from app.web import compression, kept
from app.web.render import draw, draw_kept, draw_page

HTML = "text/html; charset=utf-8"
# What the same address is answered by; no cache may give one browser's answer to another.
VARY = "HX-Request, HX-Request-Type, Cookie, Accept-Language, Accept-Encoding"


@dataclass(frozen=True, slots=True)
class Piece:
    """One partial of an answer. Its root element's id is ``<room>-<noun>[-key]``.

    ``of``: what it is drawn of, where that is all it needs. Then it is drawn once for everybody.
    """

    partial: str  # "cart/lines"
    key: str | int | None = None
    of: Mapping[str, Any] | None = None

    @property
    def root_id(self) -> str:
        """The id of the element this piece replaces."""
        plain = self.partial.replace("/", "-")
        return plain if self.key is None else f"{plain}-{self.key}"


@dataclass(frozen=True, slots=True)
class Pieces:
    """The partials of an answer, and what those are drawn of that are not drawn once for everybody."""

    pieces: Sequence[Piece]
    what: Mapping[str, Any]


def wants_pieces() -> bool:
    """Whether the caller is htmx asking for a part of a page (not for a whole page from history)."""
    sent = request.headers.get
    return (
        sent("HX-Request") == "true"
        and sent("HX-History-Restore-Request") != "true"
        and sent("HX-Request-Type", "partial") == "partial"
    )


async def respond(
    page: str, pieces: list[Piece] | None = None, *, status: int = 200, **what: Any
) -> Response:
    """Answer with the pieces when htmx asks and there are some, else with the whole page."""
    if pieces and wants_pieces():
        return await draw_pieces(pieces, status=status, **what)
    return await _html(await draw_page(page, status=status, **what), status)


async def respond_to_all(page: str, **what: Any) -> Response:
    """Answer with a whole page that shows ``what`` to strangers and members alike; strangers' is kept."""
    found = await kept.find_page(page, what)
    return _answer(*found, HTTPStatus.OK) if found else await respond(page, **what)


async def draw_pieces(pieces: Sequence[Piece], *, status: int = 200, **what: Any) -> Response:
    """Answer with partials only; each replaces the element with its root id, by morphing."""
    g.sends_pieces = True
    return await _html(join_pieces(Pieces(pieces, what), draw, draw_kept), status)


def join_pieces(answer: Pieces, draw_: Callable[..., str], draw_once: Callable[..., str]) -> str:
    """Draw partials, each with the element it replaces."""
    return "".join(
        f'<hx-partial hx-target="#{piece.root_id}" hx-swap="outerMorph">'
        f"{_draw(piece, answer.what, draw_, draw_once)}</hx-partial>"
        for piece in answer.pieces
    )


def _draw(
    piece: Piece, what: Mapping[str, Any], draw_: Callable[..., str], draw_once: Callable[..., str]
) -> str:
    template = f"partials/{piece.partial}.html"
    return draw_(template, **what) if piece.of is None else draw_once(template, **piece.of)


def redirect(url: str) -> Response:
    """Send the browser to a page of ours: 303, or for htmx an order to go there itself.

    A 303 would be followed inside fetch, and the whole page swapped into a small element.
    """
    if wants_pieces():
        return Response("", 204, {"HX-Redirect": url, **_labels()})
    return Response("", 303, {"Location": url, **_labels()})


async def _html(text: str, status: int) -> Response:
    return _answer(*await compression.pack(text.encode()), status)


def _answer(body: bytes, coding: str, status: int) -> Response:
    headers = _labels()
    if coding:
        headers["Content-Encoding"] = coding
    return Response(body, status, headers, content_type=HTML)


def _labels() -> dict[str, str]:
    """Return what is said of every answer made for somebody."""
    return {"Content-Language": languages.spoken(), "Vary": VARY}
