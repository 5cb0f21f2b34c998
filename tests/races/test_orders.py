"""Fifty times the same order, its payment, its end: one snapshot of the cart, ordered and charged once."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from quart import Response
from sqlalchemy import select

from app.models import order_lines, orders, products, stock_movements, web_payments, webhook_events
from app.orders import service as order_service
from app.payments import service as payments
from app.web.limits import LOOK_UP
from tests.buyer import ADDRESS, Buyer, assert_books, attempts, left, order_row, stand_of, states, webhook
from tests.goods import mug
from tests.races.crowd import CROWD, UNAVAILABLE, at_once, races, settled
from tests.shop import Shop

TRIES = 20
TOO_MANY = 429


@pytest_asyncio.fixture(loop_scope="session")
async def buyer(shop: Shop) -> AsyncIterator[Buyer]:
    """A stranger with a card."""
    async with stand_of(shop) as stand:
        yield Buyer(shop, shop.visitor(), stand)


async def orders_of(shop: Shop, owner: str) -> list[Any]:
    """Everything this owner ever ordered."""
    async with shop.m.db.read() as tx:
        return list(await tx.execute(select(orders).where(orders.c.owner == owner)))


async def ordered(shop: Shop, order_id: int) -> dict[int, int]:
    """What an order is made of."""
    query = select(order_lines.c.product_id, order_lines.c.quantity).where(order_lines.c.order_id == order_id)
    async with shop.m.db.read() as tx:
        return {row.product_id: row.quantity for row in await tx.execute(query)}


async def in_cart(buyer: Buyer) -> set[int]:
    """What the cart page shows."""
    page = await (await buyer.visitor.get("/cart")).get_data(as_text=True)
    return {int(part.split('"')[0]) for part in page.split('id="cart-line-')[1:]}


async def decided(shop: Shop, order_no: str) -> None:
    """Wait until no payment of the order is on its way."""

    async def nothing_is_open() -> bool:
        return "CONFIRMING" not in (await states(shop, order_no))[1]

    await settled(shop, nothing_is_open)


@races("checkout.place_order")
async def test_one_cart_is_one_order(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    await buyer.put(cup, 2)
    seen, token = await buyer.seen_total(), await buyer.visitor.token()

    async def press(_: int) -> Response:
        return await buyer.visitor.post("/checkout", csrf=token, **ADDRESS, confirmed="1", seen_total=seen)

    assert set(await at_once(press)) <= {303, UNAVAILABLE}
    order_no = await buyer.check_out()  # the same cart once more
    owner = (await order_row(shop, order_no)).owner
    assert [row.order_no for row in await orders_of(shop, owner)] == [order_no]
    assert await states(shop, order_no) == ("PENDING", ["PENDING"])
    await assert_books(shop, buyer.stand, order_no)


@races("checkout.place_order", "cart.add_line")
async def test_each_order_is_the_cart_at_one_instant(shop: Shop, buyer: Buyer) -> None:
    """Goods are put in one after the other while fifty check out: no order may skip one."""
    goods = [await mug(shop.m) for _ in range(TRIES)]
    await buyer.put(goods[0])
    token = await buyer.visitor.token()
    totals = [12_000 * count + (3_000 if 12_000 * count < 50_000 else 0) for count in range(1, TRIES + 1)]

    async def fill() -> None:
        for cup in goods[1:]:
            await buyer.put(cup)

    async def press(number: int) -> Response:
        return await buyer.visitor.post(
            "/checkout", csrf=token, **ADDRESS, confirmed="1", seen_total=totals[number % TRIES]
        )

    _, answers = await asyncio.gather(fill(), at_once(press))
    assert set(answers) <= {303, 409, UNAVAILABLE}
    last = await buyer.check_out()
    placed = await orders_of(shop, (await order_row(shop, last)).owner)
    assert [row.status for row in placed if row.open_slot] == ["PENDING"]
    for row in placed:
        lines = await ordered(shop, row.order_id)
        assert lines == dict.fromkeys(goods[: len(lines)], 1)
        assert row.items_price == 12_000 * len(lines)
        tried = [attempt.payment_status for attempt in await attempts(shop, row.order_no)]
        assert tried == (["PENDING"] if row.order_no == last else ["CANCELED"])
    assert await ordered(shop, placed[-1].order_id) == dict.fromkeys(goods, 1)


@races("payments.confirm_return", "cart.add_line", "cart.set_quantity", "checkout.place_order")
async def test_what_is_put_in_while_paying_is_kept_and_what_is_paid_is_gone(shop: Shop, buyer: Buyer) -> None:
    """Never both in the order and in the cart, never in neither."""
    paid, later = await mug(shop.m), [await mug(shop.m) for _ in range(10)]
    order_no = await buyer.order((paid, 1))
    url, token = await buyer.authenticate(order_no), await buyer.visitor.token()

    async def act(number: int) -> Response:
        form: dict[str, Any]
        match number % 5:
            case 0:
                form = {"product_id": later[number // 5], "quantity": 1, "key": secrets.token_hex(16)}
                return await buyer.visitor.post("/cart/lines", csrf=token, **form)
            case 1:
                form = {**ADDRESS, "confirmed": "1", "seen_total": 15_000}
                return await buyer.visitor.post("/checkout", csrf=token, **form)
            case _:
                return await buyer.come_back(url)

    assert set(await at_once(act)) <= {200, 303, 409, UNAVAILABLE}
    await decided(shop, order_no)
    [row, *others] = await orders_of(shop, (await order_row(shop, order_no)).owner)
    if row.status == "SUPERSEDED":  # a cart with one more came first: nothing was charged, all is kept
        assert await in_cart(buyer) == {paid, *later}
    else:
        assert row.status == "PAID"
        assert await ordered(shop, row.order_id) == {paid: 1}
        assert await in_cart(buyer) == set(later)
        for other in others:
            assert paid not in await ordered(shop, other.order_id)
    await assert_books(shop, buyer.stand, order_no)


@races("checkout.place_order", "payments.confirm_return")
@pytest.mark.parametrize("stack", ["real"], indirect=True)  # SQLite lets nobody in between
@pytest.mark.parametrize("question", ["read_paid_stamp", "read_open"])
async def test_a_checkout_overtaken_by_its_own_payment_orders_nothing(
    shop: Shop, buyer: Buyer, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    """The payment is committed between two questions of the checkout in the other tab."""
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    asked, paid = asyncio.Event(), asyncio.Event()
    ask = getattr(order_service, question)

    async def ask_and_be_overtaken(*args: Any) -> Any:
        answer = await ask(*args)
        asked.set()
        await paid.wait()
        return answer

    monkeypatch.setattr(order_service, question, ask_and_be_overtaken)
    form = {**ADDRESS, "confirmed": "1", "seen_total": 15_000}
    checking_out = asyncio.create_task(buyer.visitor.post("/checkout", **form))
    await asked.wait()
    await buyer.come_back(url)
    paid.set()
    await checking_out
    owner = (await order_row(shop, order_no)).owner
    assert [(row.order_no, row.status) for row in await orders_of(shop, owner)] == [(order_no, "PAID")]


@races("payments.confirm_return")
async def test_fifty_returns_from_fifty_windows_are_one_charge(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m, quantity=1)
    order_no = await buyer.order((cup, 1))
    windows = [await buyer.authenticate(order_no) for _ in range(5)]
    answers = await at_once(lambda number: buyer.come_back(windows[number % 5]))
    assert set(answers) <= {200, 303, 422, UNAVAILABLE}
    await decided(shop, order_no)
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    assert await left(shop, [cup]) == [0]
    await assert_books(shop, buyer.stand, order_no)


@races("orders.cancel_order")
async def test_an_order_is_canceled_once(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    token = await buyer.visitor.token()

    async def cancel(_: int) -> Response:
        return await buyer.visitor.post(f"/orders/{order_no}/cancellation", csrf=token)

    assert set(await at_once(cancel)) <= {303, UNAVAILABLE}
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    assert await left(shop, [cup]) == [100]
    assert await in_cart(buyer) == {cup}
    await assert_books(shop, buyer.stand, order_no)


@races("orders.cancel_order", "payments.confirm_return")
async def test_an_order_is_either_canceled_or_paid(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    url, token = await buyer.authenticate(order_no), await buyer.visitor.token()

    async def cancel_or_pay(number: int) -> Response:
        if number % 2:
            return await buyer.visitor.post(f"/orders/{order_no}/cancellation", csrf=token)
        return await buyer.come_back(url)

    assert set(await at_once(cancel_or_pay)) <= {200, 303, 409, UNAVAILABLE}
    await decided(shop, order_no)
    end = await states(shop, order_no)
    assert end in (("PAID", ["PAID"]), ("CANCELED", ["CANCELED"]))
    assert await in_cart(buyer) == (set() if end[0] == "PAID" else {cup})
    await assert_books(shop, buyer.stand, order_no)


@races("orders.cancel_order", "payments.receive_webhook")
async def test_a_deposit_is_either_taken_or_the_account_is_gone(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    await buyer.pay(order_no, "VIRTUAL_ACCOUNT")
    [attempt] = await attempts(shop, order_no)
    token = await buyer.visitor.token()

    async def cancel_or_hear(number: int) -> Response:
        if number == CROWD // 2:  # into an account that may be gone by now
            await buyer.stand.http.post(f"/sandbox/payments/{attempt.payment_key}/deposit")
        if number % 2:
            return await buyer.visitor.post(f"/orders/{order_no}/cancellation", csrf=token)
        return await webhook(shop, buyer.stand, attempt.payment_key, number=number)

    assert set(await at_once(cancel_or_hear)) <= {200, 303, 409, UNAVAILABLE}

    async def is_ended() -> bool:
        await payments.reconcile_due(shop.m)
        return (await states(shop, order_no))[0] in {"PAID", "CANCELED"}

    await settled(shop, is_ended)
    end = await states(shop, order_no)
    assert end in (("PAID", ["PAID"]), ("CANCELED", ["CANCELED"]))
    assert await left(shop, [cup]) == [99 if end[0] == "PAID" else 100]
    await assert_books(shop, buyer.stand, order_no)


@races("payments.receive_webhook")
async def test_one_webhook_is_kept_once_and_fifty_are_one_payment(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    await buyer.pay(order_no, "VIRTUAL_ACCOUNT")
    [attempt] = await attempts(shop, order_no)
    await buyer.stand.act(attempt.payment_key, "deposit")
    body = {"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": attempt.payment_no, "status": "DONE"}}

    async def hear(number: int) -> Response:
        said = body if number % 2 else {**body, "number": number}
        return await shop.app.test_client().post("/payments/toss/webhook", json=said)

    answers = await at_once(hear)
    assert set(answers) <= {200, UNAVAILABLE}
    kept = select(webhook_events.c.handled_at).where(webhook_events.c.payment_no == attempt.payment_no)

    async def all_are_handled() -> bool:
        async with shop.m.db.read() as tx:
            rows = (await tx.execute(kept)).all()
        assert len(rows) <= CROWD // 2 + 1
        return all(row.handled_at for row in rows)

    await settled(shop, all_are_handled)
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    async with shop.m.db.read() as tx:
        moved = (
            await tx.execute(select(stock_movements.c.reason).where(stock_movements.c.product_id == cup))
        ).all()
    assert [row.reason for row in moved] == ["initial", "reserve"]
    await assert_books(shop, buyer.stand, order_no)


@races("orders.look_up")
async def test_looking_up_an_order_changes_nothing(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    stranger = shop.visitor()
    token = await stranger.token()

    async def rows() -> list[Any]:
        row = await order_row(shop, order_no)
        async with shop.m.db.read() as tx:
            shelf = (await tx.execute(select(products).where(products.c.product_id == cup))).one()
            tried = (
                await tx.execute(select(web_payments).where(web_payments.c.order_id == row.order_id))
            ).one()
        return [row, shelf, tried]

    before = await rows()

    async def ask(number: int) -> Response:
        phone = "01012345678" if number % 2 else "01099999999"
        return await stranger.post("/orders/lookup", csrf=token, order_no=order_no, phone=phone)

    answers = await at_once(ask)
    assert set(answers) <= {303, 422, TOO_MANY, UNAVAILABLE}
    assert answers.count(303) > 0
    assert LOOK_UP.field_rate
    assert answers.count(422) <= LOOK_UP.field_rate.times
    assert await rows() == before
