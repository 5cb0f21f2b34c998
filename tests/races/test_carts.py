"""Fifty edits of one cart at once: each counts once, none is lost, and both stores agree in the end."""

import asyncio
import secrets
from typing import Any

import pytest
from quart import Response

from app.cart import service as carts
from app.cart import store
from app.core.ids import idempotency_key
from app.web import current
from tests.goods import mug
from tests.races.crowd import CROWD, UNAVAILABLE, at_once, races, settled
from tests.shop import Shop, Visitor

ACCEPTED = {303, 409, UNAVAILABLE}


@pytest.fixture
def guest(shop: Shop) -> Visitor:
    """A stranger with an empty cart."""
    return shop.visitor()


def owner_of(visitor: Visitor) -> str:
    """Whose cart the visitor's cookie leads to."""
    jar = visitor.client.cookie_jar or ()
    return current.guest_owner(next(cookie.value or "" for cookie in jar if cookie.name == "gid"))


async def in_cart(shop: Shop, visitor: Visitor) -> dict[int, int]:
    """What Redis says is in the cart, once the database says so too."""
    owner = owner_of(visitor)
    hot = {line.product_id: line.quantity for line in (await carts.snapshot(shop.m, owner)).live}

    async def agree() -> bool:
        async with shop.m.db.read() as tx:
            kept = await store.select_cart(tx, owner)
        return {line.product_id: line.quantity for line in kept.live} == hot

    await settled(shop, agree)
    return hot


async def fill(guest: Visitor, product_id: int, quantity: int) -> str:
    """Put goods in; return a form token that goes with the cookie."""
    token = await guest.token()
    form: dict[str, Any] = {"product_id": product_id, "quantity": quantity, "key": idempotency_key()}
    assert (await guest.post("/cart/lines", csrf=token, **form)).status_code == 303
    return token


@races("cart.add_line")
async def test_one_press_counts_once_however_often_it_arrives(shop: Shop, guest: Visitor) -> None:
    cup, key = await mug(shop.m), secrets.token_hex(16)
    token = await guest.token()

    async def press(_: int) -> Response:
        return await guest.post("/cart/lines", csrf=token, product_id=cup, quantity=2, key=key)

    assert set(await at_once(press)) <= ACCEPTED
    assert await in_cart(shop, guest) == {cup: 2}


@races("cart.add_line")
async def test_fifty_presses_count_fifty_times(shop: Shop, guest: Visitor) -> None:
    cup = await mug(shop.m)
    token = await guest.token()

    async def press(_: int) -> Response:
        return await guest.post(
            "/cart/lines", csrf=token, product_id=cup, quantity=1, key=secrets.token_hex(16)
        )

    answers = await at_once(press)
    assert answers.count(303) > 0
    # What was answered with 503 may have been done: that answer was lost, not the edit.
    quantity = (await in_cart(shop, guest))[cup]
    assert answers.count(303) <= quantity <= CROWD


@races("cart.add_line", "cart.set_quantity")
async def test_no_crowd_gets_more_into_a_cart_than_there_is(shop: Shop, guest: Visitor) -> None:
    cup = await mug(shop.m, quantity=10)
    token = await fill(guest, cup, 1)

    async def press(number: int) -> Response:
        if number % 2:
            return await guest.post(f"/cart/lines/{cup}", csrf=token, quantity=99)
        return await guest.post(
            "/cart/lines", csrf=token, product_id=cup, quantity=9, key=secrets.token_hex(16)
        )

    assert set(await at_once(press)) <= ACCEPTED
    assert await in_cart(shop, guest) == {cup: 10}


@races("cart.set_quantity")
async def test_of_fifty_quantities_one_holds_and_the_cart_is_whole(shop: Shop, guest: Visitor) -> None:
    cup, pot = await mug(shop.m), await mug(shop.m)
    token = await fill(guest, cup, 99)
    await fill(guest, pot, 7)

    async def choose(number: int) -> Response:
        return await guest.post(f"/cart/lines/{cup}", csrf=token, quantity=number + 1)

    assert set(await at_once(choose)) <= ACCEPTED
    cart = await in_cart(shop, guest)
    assert 1 <= cart.pop(cup) <= CROWD
    assert cart == {pot: 7}


@races("cart.remove_line", "cart.undo")
async def test_a_line_is_removed_once_and_brought_back_once(shop: Shop, guest: Visitor) -> None:
    cup, pot = await mug(shop.m), await mug(shop.m)
    token = await fill(guest, cup, 3)
    await fill(guest, pot, 2)

    async def remove(_: int) -> Response:
        return await guest.post(f"/cart/lines/{cup}/removal", csrf=token)

    async def bring_back(_: int) -> Response:
        return await guest.post("/cart/undo", csrf=token)

    assert set(await at_once(remove)) <= ACCEPTED
    assert await in_cart(shop, guest) == {pot: 2}
    answers = await at_once(bring_back)
    assert answers.count(303) <= 1 + answers.count(UNAVAILABLE)  # the others are told that nothing is left
    assert await in_cart(shop, guest) == {cup: 3, pot: 2}


@races("cart.add_line", "cart.set_quantity", "cart.remove_line", "cart.undo")
async def test_everything_at_once_leaves_one_cart_in_both_stores(shop: Shop, guest: Visitor) -> None:
    goods = [await mug(shop.m) for _ in range(5)]
    token = await guest.token()
    for cup in goods:
        await fill(guest, cup, 5)

    async def edit(number: int) -> Response:
        cup = goods[number % 5]
        match number // 5 % 4:
            case 0:
                form: dict[str, Any] = {"product_id": cup, "quantity": 1, "key": secrets.token_hex(16)}
                return await guest.post("/cart/lines", csrf=token, **form)
            case 1:
                return await guest.post(f"/cart/lines/{cup}", csrf=token, quantity=number % 9 + 1)
            case 2:
                return await guest.post(f"/cart/lines/{cup}/removal", csrf=token)
            case _:
                return await guest.post("/cart/undo", csrf=token)

    assert set(await at_once(edit)) <= ACCEPTED
    cart = await in_cart(shop, guest)
    assert set(cart) <= set(goods)
    assert all(1 <= quantity <= 99 for quantity in cart.values())
    views = await asyncio.gather(*(guest.get("/cart") for _ in range(5)))
    assert {view.status_code for view in views} == {200}
