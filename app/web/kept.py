"""Pages of strangers: whoever has no name and nothing in the cart is shown the same page as everybody else.

It is drawn and packed once, for as long as what it shows is equal. What is each browser's own, the token of a
form and the key that makes it count once, stands in places left unpacked in the stream: an answer is a copy
with these bytes filled in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any, cast

from quart import g, request

from app.core import ids, languages, packing
from app.infra import cache
from app.machines import Machines
from app.web import compression, csrf, current, places
from app.web.limits import Limit
from app.web.render import draw

MOST_PAGES = 200  # kept of about 8 kB each
OFFER = "madang.offer"

# What stands in the places is as long as what is filled in, of bytes that no text has, so that nothing refers
# to them, and all different and far apart, so that they are shorter as they are than packed.
_NO_TEXT = [*range(0xF5, 0x100), 0xC0, 0xC1, 0x7F, *range(1, 9), *range(0x0E, 0x20)]


def _mix(no_text: Sequence[int], within: Iterable[int]) -> bytes:
    """Return bytes of which at most two that a text may have follow each other."""
    pairs = chain.from_iterable(zip_longest(no_text, within))
    return bytes(byte for byte in pairs if byte is not None)


PLACES = {
    places.TOKEN.encode(): _mix(_NO_TEXT[::2], range(0x80, 0x98)),
    places.KEY.encode(): _mix(_NO_TEXT[1:32:2], range(0x80, 0xC0, 4)),
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page with its places, and what it shows."""

    what: Mapping[str, Any]
    is_window: bool
    places: tuple[bytes, ...]
    body: bytes
    coding: str  # PLACED; "" where a place would not stay as it is


@dataclass(frozen=True, slots=True)
class Offer:
    """A page that was sent as it is kept, to whom it may be: what `handout.py` needs to know of it."""

    page: Page
    until: float  # by time.monotonic(): then something it shows is to be looked up again
    limit: Limit  # that whoever asks for it is counted by


class Pages:
    """The pages that were asked for last."""

    def __init__(self, _m: Machines) -> None:
        self._pages: dict[tuple[str, str, str], Page] = {}

    def find(self, template: str, what: Mapping[str, Any]) -> Page:
        """Return the page as it is now, drawn if it is not known or shows something else by now."""
        key = (template, languages.spoken(), request.full_path)
        page = self._pages.pop(key, None)
        if page is None or page.what != what:
            page = _draw(template, what)
        self._pages[key] = page
        if len(self._pages) > MOST_PAGES:
            self._pages.pop(next(iter(self._pages)))
        return page


async def find_page(template: str, what: Mapping[str, Any]) -> tuple[bytes, str] | None:
    """Return the page for a stranger as this caller wants it, and its coding; None for anybody else."""
    if g.get("shopper") is not None or g.get("operator") is not None:
        return None
    g.cart_count = await current.count_cart()
    if g.cart_count != 0:
        return None
    page = current.machines().keep(Pages).find(template, what)
    g.is_window = page.is_window
    body = fill_page(page, csrf.form_token)
    if not page.coding:
        return await compression.pack(body)
    if compression.choose() == page.coding:
        offer = Offer(page, cache.fresh_until(), g.counted_by)
        cast("dict[str, Any]", request.scope)[OFFER] = offer
        return body, page.coding
    return await compression.pack(packing.unpack(body))


def fill_page(page: Page, make_token: Callable[[], str]) -> bytes:
    """Return a page, packed as it is kept, with a form token and a key of its own."""
    values = dict(zip(PLACES, (make_token, ids.idempotency_key), strict=True))
    return _fill(page.body, {PLACES[place]: values[place]().encode() for place in page.places})


def _fill(page: bytes, filled: Mapping[bytes, bytes]) -> bytes:
    for place, value in filled.items():
        page = page.replace(place, value)
    return page


def _draw(template: str, what: Mapping[str, Any]) -> Page:
    with places.left():
        text = draw(template, **what).encode()
    there = tuple(place for place in PLACES if place in text)
    plain = _fill(text, PLACES)
    packed = packing.pack_placed(plain, [PLACES[place] for place in there])
    body, coding = (plain, "") if packed is None else (packed, packing.PLACED)
    return Page(dict(what), g.get("is_window", False), there, body, coding)
