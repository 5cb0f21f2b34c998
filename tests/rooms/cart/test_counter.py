"""At the counter htmx is answered as the shop would answer, and nobody is served whom it would refuse."""

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from quart import Response
from quart.wrappers import Request

from app.accounts import sessions
from app.cart import service as carts
from app.core.errors import RedisUnavailableError
from app.infra.limiter import Rate
from app.web import limits
from tests.goods import last_teapot, mug
from tests.shop import FORM, HTMX, Shop, Visitor
from tests.village import enter, minji

TOKEN = re.compile(r'value="[\w=-]{44}"')
KEY = re.compile(r'value="[0-9a-f]{32}"')
THE_LONG_WAY = {"Sec-Fetch-Site": ""}  # an old browser says nothing of where it asks from


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were asked for within the shop."""
    asked: list[str] = []
    make = Request.__init__

    def note(self: Any, *args: Any, **more: Any) -> None:
        asked.append(args[2])
        make(self, *args, **more)

    monkeypatch.setattr(Request, "__init__", note)
    return asked


async def send(visitor: Visitor, url: str, form: dict[str, Any], **headers: str) -> Response:
    sent = {name: value for name, value in {**HTMX, **FORM, **headers}.items() if value}
    return await visitor.client.post(url, data=urlencode(form), headers=sent, scope_base=visitor.scope)


async def who_has(shop: Shop, kind: str, product: int) -> tuple[Visitor, str]:
    """Somebody with two of a thing in the cart, and their token."""
    visitor = await enter(shop, await minji(shop.m)) if kind == "member" else shop.visitor()
    assert (await visitor.post("/cart/lines", product_id=product, quantity=2, key="")).status_code == 303
    return visitor, await visitor.token()


EDITS: dict[str, Callable[[int], tuple[str, dict[str, Any]]]] = {
    "set": lambda product: (f"/cart/lines/{product}", {"quantity": 3}),
    "set to none": lambda product: (f"/cart/lines/{product}", {"quantity": 0}),
    "too many": lambda product: (f"/cart/lines/{product}", {"quantity": 99}),
    "add": lambda product: (
        "/cart/lines",
        {"product_id": product, "quantity": 1, "key": "0" * 32},
    ),
    "remove": lambda product: (f"/cart/lines/{product}/removal", {}),
    "nothing to bring back": lambda _: ("/cart/undo", {}),
    "no such product": lambda _: ("/cart/lines", {"product_id": 10**8, "quantity": 1, "key": ""}),
    "no number": lambda product: (f"/cart/lines/{product}", {"quantity": "둘"}),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize(("kind", "language"), [("guest", "ko"), ("member", "en")])
async def test_the_counter_answers_as_the_shop_does(
    shop: Shop, inside: list[str], kind: str, language: str, edit: str
) -> None:
    product = await mug(shop.m, quantity=50)
    url, form = EDITS[edit](product)
    answers = []
    for way in ({}, THE_LONG_WAY):
        visitor, token = await who_has(shop, kind, product)
        inside.clear()
        headers = {"Accept-Language": language, "Accept-Encoding": "gzip", **way}
        answers.append(await send(visitor, url, {"csrf": token, **form}, **headers))
        assert inside == ([url] if way or answers[-1].status_code != 200 else [])
    short, long = answers
    assert short.status_code == long.status_code
    texts = [TOKEN.sub("", KEY.sub("", await read(answer))) for answer in answers]
    assert texts[0] == texts[1]
    there = [
        {name.lower(): value for name, value in answer.headers.items() if name.lower() not in DIFFERS}
        for answer in answers
    ]
    assert there[0] == there[1]
    assert ("Set-Cookie" in short.headers) == ("Set-Cookie" in long.headers)


# Another token packs another length; another guest has another cookie.
DIFFERS = {"content-length", "set-cookie"}


async def read(answer: Response) -> str:
    body = await answer.get_data(as_text=False)
    return (gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body).decode()


NOT_AS_WE_SEND: dict[str, Callable[[dict[str, Any]], tuple[dict[str, Any], dict[str, str]]]] = {
    "another's token": lambda form: ({**form, "csrf": "A" * 43 + "="}, {}),
    "no token": lambda form: ({"quantity": form["quantity"]}, {}),
    "from elsewhere": lambda form: (form, {"Sec-Fetch-Site": "cross-site"}),
    "no htmx": lambda form: (form, {"HX-Request": "false"}),
    "a long form": lambda form: ({**form, "more": "x" * 2000}, {}),
    "many fields": lambda form: ({**form, **{f"f{number}": 1 for number in range(9)}}, {}),
    "not a form": lambda form: (form, {"Content-Type": "text/plain"}),
    "a token elsewhere": lambda form: (form, {"X-CSRF-Token": "A" * 43 + "="}),
}


@pytest.mark.parametrize("case", NOT_AS_WE_SEND)
async def test_what_our_pages_do_not_send_is_looked_at_by_the_shop(
    shop: Shop, inside: list[str], case: str
) -> None:
    product = await mug(shop.m, quantity=50)
    visitor, token = await who_has(shop, "guest", product)
    form, headers = NOT_AS_WE_SEND[case]({"csrf": token, "quantity": 3})
    inside.clear()
    answer = await send(visitor, f"/cart/lines/{product}", form, **headers)
    assert inside == [f"/cart/lines/{product}"]
    refused = {"another's token", "no token", "from elsewhere", "not a form", "a token elsewhere"}
    assert (answer.status_code == 403) == (case in refused)


async def test_whose_session_has_ended_is_sent_to_log_in(shop: Shop) -> None:
    product = await mug(shop.m, quantity=50)
    visitor, token = await who_has(shop, "member", product)
    jar: Any = visitor.client.cookie_jar
    [session] = [one.value for one in jar if one.name.endswith("sid")]
    await sessions.close_session(shop.m, session)
    answer = await send(visitor, f"/cart/lines/{product}", {"csrf": token, "quantity": 3})
    assert answer.headers["HX-Redirect"].startswith("/login")


async def test_who_edits_too_often_is_told_so_and_each_edit_counts_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = await mug(shop.m, quantity=50)
    visitor, token = await who_has(shop, "guest", product)
    visitor.scope = {"client": ("11.22.33.45", 1)}
    monkeypatch.setattr(limits, "WRITES", replace(limits.WRITES, rate=Rate(4, 60)))
    tokens = [token, "A" * 43 + "=", token, token, token, token]
    answers = [await send(visitor, f"/cart/lines/{product}", {"csrf": one, "quantity": 3}) for one in tokens]
    assert [answer.status_code for answer in answers] == [200, 403, 200, 200, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0


async def test_an_edit_that_fails_is_made_once_and_the_shop_says_so(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = await mug(shop.m, quantity=50)
    visitor, token = await who_has(shop, "guest", product)
    tries: list[Any] = []

    async def fail(*args: Any, **_: Any) -> Any:
        tries.append(args)
        raise RedisUnavailableError("away")

    monkeypatch.setattr(carts, "set_quantity", fail)
    answer = await send(visitor, f"/cart/lines/{product}", {"csrf": token, "quantity": 3})
    assert answer.status_code == 503
    assert 'id="web-notice"' in await answer.get_data(as_text=True)
    assert len(tries) == 1


async def test_one_is_served_in_ones_own_cart_only(shop: Shop) -> None:
    product = await last_teapot(shop.m, quantity=50)
    first, token = await who_has(shop, "guest", product)
    second, _ = await who_has(shop, "guest", product)
    answer = await send(second, f"/cart/lines/{product}", {"csrf": token, "quantity": 3})
    assert answer.status_code == 403
    await send(first, f"/cart/lines/{product}", {"csrf": token, "quantity": 5})
    for visitor, quantity in ((first, 5), (second, 2)):
        assert f'name="quantity" value="{quantity}" min' in await (await visitor.get("/cart")).get_data(
            as_text=True
        )
