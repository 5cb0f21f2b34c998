"""Fifty times the same refund, and fifty refunds of one payment: what was paid goes back once."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from quart import Response

from app.core.ids import idempotency_key
from tests.buyer import Buyer, attempts, left, stand_of, states
from tests.goods import mug
from tests.races.crowd import UNAVAILABLE, at_once, races
from tests.shop import Shop, Visitor
from tests.village import enter, hana

REFUSED = 422


@pytest_asyncio.fixture(loop_scope="session")
async def buyer(shop: Shop) -> AsyncIterator[Buyer]:
    """A stranger with a card, and a shop that has no bad memories of Toss."""
    shop.m.toss.breaker.answered()
    async with stand_of(shop) as stand:
        yield Buyer(shop, shop.visitor(), stand)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(shop: Shop) -> Visitor:
    """The browser of somebody who runs the shop."""
    return await enter(shop, await hana(shop.m))


async def paid(buyer: Buyer, product_id: int) -> tuple[str, Any]:
    order_no = await buyer.order((product_id, 1))
    await buyer.pay(order_no)
    return order_no, (await attempts(buyer.shop, order_no))[0]


async def kept(buyer: Buyer, attempt: Any) -> int:
    return int((await buyer.stand.ledger())["kept"][attempt.payment_no])


@races("admin.refund_payment")
async def test_one_form_is_one_refund(shop: Shop, buyer: Buyer, desk: Visitor) -> None:
    order_no, attempt = await paid(buyer, await mug(shop.m))
    url = f"/admin/payments/{attempt.web_payment_id}"
    page = await (await desk.get(url)).get_data(as_text=True)
    [nonce] = re.findall(r'name="nonce" value="(\w+)"', page)
    token = await desk.token()

    async def press(_: int) -> Response:
        return await desk.post(f"{url}/refunds", csrf=token, nonce=nonce, amount=4_000, reason="단순 변심")

    assert set(await at_once(press)) <= {303, UNAVAILABLE}
    assert await kept(buyer, attempt) == 11_000
    assert await states(shop, order_no) == ("PARTIAL_CANCELED", ["PARTIAL_CANCELED"])


@races("admin.refund_payment", "admin.check_payment")
async def test_many_operators_return_no_more_than_was_paid(shop: Shop, buyer: Buyer, desk: Visitor) -> None:
    cup = await mug(shop.m)
    order_no, attempt = await paid(buyer, cup)
    url, token = f"/admin/payments/{attempt.web_payment_id}", await desk.token()

    async def press(number: int) -> Response:
        if number % 2:
            return await desk.post(f"{url}/check", csrf=token)
        form: dict[str, Any] = {"nonce": idempotency_key(), "amount": 5_000, "reason": "단순 변심"}
        return await desk.post(f"{url}/refunds", csrf=token, **form)

    assert set(await at_once(press)) <= {303, REFUSED, UNAVAILABLE}
    while await kept(buyer, attempt):  # those that a full pool turned away
        await press(0)
    assert await kept(buyer, attempt) == 0
    await press(1)
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    assert await left(shop, [cup]) == [100]
