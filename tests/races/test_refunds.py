"""Fifty operators at the same payment: never more goes back than was paid, and the goods once."""

import re
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from quart import Response
from sqlalchemy import func, select

from app.models import refunds, stock_movements
from tests.buyer import Buyer, attempts, left, stand_of, states, webhook
from tests.goods import mug
from tests.races.crowd import UNAVAILABLE, at_once, races, settled
from tests.shop import Shop, Visitor
from tests.toss_stand import Stand
from tests.village import hana, run

PAID = 15_000


@pytest_asyncio.fixture(loop_scope="session")
async def stand(shop: Shop) -> AsyncIterator[Stand]:
    async with stand_of(shop) as stand:
        yield stand


async def paid(shop: Shop, stand: Stand) -> tuple[int, str, Any]:
    """A mug that is paid for: the product, the order and the attempt."""
    cup, buyer = await mug(shop.m), Buyer(shop, shop.visitor(), stand)
    order_no = await buyer.order((cup, 1))
    await buyer.pay(order_no)
    [attempt] = await attempts(shop, order_no)
    assert attempt.payment_status == "PAID"
    return cup, order_no, attempt


async def desk_of(shop: Shop) -> Visitor:
    return await run(shop, await hana(shop.m))


async def returned(shop: Shop, attempt: Any) -> list[tuple[str, int]]:
    """What was asked to go back, and what came of it."""
    query = select(refunds.c.status, refunds.c.amount).where(
        refunds.c.web_payment_id == attempt.web_payment_id
    )
    async with shop.m.db.read() as tx:
        return [(row.status, row.amount) for row in await tx.execute(query)]


@races("admin.refund_payment")
async def test_one_form_is_one_refund(shop: Shop, stand: Stand) -> None:
    cup, order_no, attempt = await paid(shop, stand)
    desk = await desk_of(shop)
    here = f"/admin/payments/{attempt.web_payment_id}"
    page = await (await desk.get(here)).get_data(as_text=True)
    found = re.search(r'name="nonce" value="([0-9a-f]{32})"', page)
    assert found, page
    nonce, token = found[1], await desk.token()

    async def press(_: int) -> Response:
        return await desk.post(
            f"{here}/refunds", csrf=token, nonce=nonce, amount=str(PAID), reason="단순 변심"
        )

    answers = await at_once(press)
    assert set(answers) <= {303, UNAVAILABLE}

    async def is_canceled() -> bool:
        return await states(shop, order_no) == ("CANCELED", ["CANCELED"])

    await settled(shop, is_canceled)
    assert await returned(shop, attempt) == [("DONE", PAID)]
    assert (await stand.ledger())["kept"][attempt.payment_no] == 0
    assert await left(shop, [cup]) == [100]
    query = select(func.count()).where(
        stock_movements.c.web_payment_id == attempt.web_payment_id, stock_movements.c.reason == "release"
    )
    async with shop.m.db.read() as tx:
        assert (await tx.execute(query)).scalar_one() == 1


@races("admin.refund_payment")
async def test_fifty_parts_are_never_more_than_the_whole(shop: Shop, stand: Stand) -> None:
    _, _, attempt = await paid(shop, stand)
    desk = await desk_of(shop)
    token = await desk.token()

    async def press(_: int) -> Response:
        return await desk.post(
            f"/admin/payments/{attempt.web_payment_id}/refunds",
            csrf=token,
            nonce=secrets.token_hex(16),
            amount="1000",
            reason="단순 변심",
        )

    assert set(await at_once(press)) <= {303, 409, 422, UNAVAILABLE}
    done = await returned(shop, attempt)
    assert sum(amount for status, amount in done if status != "REFUSED") <= PAID

    async def is_as_toss_says() -> bool:
        back = sum(amount for status, amount in await returned(shop, attempt) if status == "DONE")
        return bool((await stand.ledger())["kept"][attempt.payment_no] == PAID - back)

    await settled(shop, is_as_toss_says)


@races("admin.check_payment")
async def test_a_payment_in_review_leaves_it_once(shop: Shop, stand: Stand) -> None:
    cup, order_no, attempt = await paid(shop, stand)
    assert (await stand.cancel(attempt.payment_key)).status_code == 200  # behind our back
    await webhook(shop, stand, attempt.payment_key)

    async def is_in_review() -> bool:
        return (await states(shop, order_no))[1] == ["REVIEW"]

    await settled(shop, is_in_review)
    desk = await desk_of(shop)
    token = await desk.token()

    async def press(_: int) -> Response:
        return await desk.post(f"/admin/payments/{attempt.web_payment_id}/check", csrf=token)

    assert set(await at_once(press)) <= {303, UNAVAILABLE}
    assert (await states(shop, order_no))[1] == ["CANCELED"]
    assert await left(shop, [cup]) == [100]
