"""A browser in the hands of a shopper: cookies, form tokens, and answers that may be lost on the way."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from tests.chaos.tally import Tally
from tests.chaos.wire import Answer, CutError, Wire

PIECES = {"HX-Request": "true", "HX-Request-Type": "partial"}
NO_HEADERS: dict[str, str] = {}
PATIENCE = 25.0  # longer than anything is paused: who gave up would not know what is done behind the back
USUAL = frozenset({200, 303})
AWAY = 503

LINE = re.compile(r'id="cart-quantity-(\d+)" type="number" name="quantity" value="(\d+)"')
COUNT = re.compile(r"<span data-count>(\d+)</span>")


class LostError(Exception):
    """No answer that could be used: cut off, politely refused, or not what a page of ours is sent."""


class Browser:
    """Without scripts, or with htmx when told so."""

    def __init__(self, wire: Wire, tally: Tally) -> None:
        self.wire = wire
        self.tally = tally
        self._token = ""

    async def get(self, url: str, *, expect: Collection[int] = USUAL) -> Answer:
        """Open a page. Raises LostError."""
        return await self._ask("GET", url, expect)

    async def post(
        self, url: str, form: Mapping[str, Any], *, expect: Collection[int] = USUAL, pieces: bool = False
    ) -> Answer:
        """Send a form. Raises LostError."""
        if not self._token:
            page = (await self.get("/orders/lookup")).text
            found = re.search(r'name="csrf" value="([^"]+)"', page)
            assert found, page
            self._token = found[1]
        body = {"csrf": self._token, **form}
        return await self._ask("POST", url, expect, body, PIECES if pieces else NO_HEADERS)

    def forget_token(self) -> None:
        """Read a new form token from the next page: they are bound to the session."""
        self._token = ""

    async def _ask(
        self,
        method: str,
        url: str,
        expect: Collection[int],
        form: Mapping[str, object] | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Answer:
        try:
            answer = await self.wire.ask(method, url, form, headers)
        except CutError as error:
            self.tally.add("cut")
            raise LostError(str(error)) from error
        if answer.status == AWAY:
            self.tally.add("away")
            if url.startswith("/payments/"):  # the page says "we go on asking", and is read as such
                return answer
        elif answer.status in expect and "Traceback" not in answer.text:
            return answer
        else:
            said = f"{method} {url} {answer.status}: {' '.join(answer.text.split())[-600:]}"
            self.tally.mishap("unexpected answers", said)
        raise LostError(str(answer.status))


def lines_of(answer: Answer) -> dict[int, int]:
    """The lines an answer shows: product → quantity."""
    return {int(product_id): int(quantity) for product_id, quantity in LINE.findall(answer.text)}


def shows_cart(answer: Answer) -> bool:
    """Whether an answer carries the whole cart, and not one line of it."""
    return 'id="cart-lines"' in answer.text


def count_of(answer: Answer) -> int | None:
    """The number on the cart's badge, if the answer has the badge and Redis could say."""
    if 'id="cart-badge"' not in answer.text:
        return None
    found = COUNT.search(answer.text)
    return int(found[1]) if found else 0
