"""Saved addresses: kept, corrected, chosen, forgotten; offered at the checkout; nobody else's."""

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from app.accounts import service as accounts
from app.accounts.service import Address
from app.models import addresses
from tests.buyer import ADDRESS, Buyer, order_row, stand_of
from tests.goods import mug
from tests.shop import Shop, Visitor
from tests.village import Person, enter, jun, minji, save_address

HOME = "/account/addresses"
TYPED = {name: value for name, value in ADDRESS.items() if name != "delivery_note"}


async def text(answer: Any) -> str:
    return str(await answer.get_data(as_text=True))


async def saved(shop: Shop, person: Person) -> list[Address]:
    async with shop.m.db.read() as tx:
        return await accounts.read_addresses(tx, person.user_id)


async def member(shop: Shop) -> tuple[Person, Visitor]:
    person = await minji(shop.m)
    return person, await enter(shop, person)


async def test_an_address_is_kept_corrected_chosen_and_forgotten(shop: Shop) -> None:
    person, visitor = await member(shop)
    assert "저장한 배송지가 없습니다" in await text(await visitor.get(HOME))
    answer = await visitor.post(f"{HOME}/new", **TYPED)
    assert (answer.status_code, answer.headers["Location"]) == (303, HOME)
    page = await text(await visitor.get(HOME))
    assert "010-1234-5678" in page
    assert "(04524)" in page
    assert "기본 배송지" in page
    [first] = await saved(shop, person)
    await visitor.post(f"{HOME}/new", **{**TYPED, "recipient_name": "어머니"})
    [_, second] = await saved(shop, person)
    assert (first.is_default, second.is_default) == (True, False)
    form = await text(await visitor.get(f"{HOME}/{second.address_no}"))
    assert 'value="어머니"' in form
    await visitor.post(f"{HOME}/{second.address_no}", **{**TYPED, "recipient_name": "할머니"})
    await visitor.post(f"{HOME}/{second.address_no}/default")
    now = await saved(shop, person)
    assert [(one.place.recipient_name, one.is_default) for one in now] == [
        ("할머니", True),
        ("김민지", False),
    ]
    await visitor.post(f"{HOME}/{second.address_no}/removal")
    [left] = await saved(shop, person)
    assert (left.address_no, left.is_default) == (first.address_no, True)  # the newest left is the default


async def test_what_is_wrong_is_said_beside_the_field_and_what_was_typed_stays(shop: Shop) -> None:
    person, visitor = await member(shop)
    address_no = await save_address(shop.m, person.user_id)
    before = await saved(shop, person)
    for url in (f"{HOME}/new", f"{HOME}/{address_no}"):
        answer = await visitor.post(url, **{**TYPED, "postcode": "1234", "recipient_phone": ""})
        page = await text(answer)
        assert answer.status_code == 422
        assert re.findall(r'<li><a href="#address-(\w+)">', page) == ["recipient_phone", "postcode"]
        assert 'value="서울특별시 중구 세종대로 110"' in page
        assert f'action="{url}"' in page
    assert await saved(shop, person) == before


@pytest.mark.parametrize("url", ["{}", "{}/default", "{}/removal"])
async def test_anothers_address_is_not_there(shop: Shop, url: str) -> None:
    person, visitor = await member(shop)
    stranger = await enter(shop, await jun(shop.m))
    theirs = f"{HOME}/{url.format(await save_address(shop.m, person.user_id))}"
    before = await saved(shop, person)
    assert (await stranger.post(theirs, **TYPED)).status_code == 404
    assert (await stranger.get(f"{HOME}/{before[0].address_no}")).status_code == 404
    assert (await shop.visitor().post(theirs, **TYPED)).status_code == 303  # a guest is sent to log in
    assert await saved(shop, person) == before
    assert (await visitor.post(theirs, **TYPED)).status_code == 303


async def test_the_same_address_is_kept_once(shop: Shop) -> None:
    person, visitor = await member(shop)
    for _ in range(2):
        await visitor.post(f"{HOME}/new", **TYPED)
    assert len(await saved(shop, person)) == 1


async def test_the_checkout_offers_them_and_begins_with_the_default(shop: Shop) -> None:
    person, visitor = await member(shop)
    mine = await save_address(shop.m, person.user_id, address2="우리 집")
    mothers = await save_address(
        shop.m, person.user_id, recipient_name="어머니", recipient_phone="01055556666"
    )
    theirs = await save_address(shop.m, (await jun(shop.m)).user_id, address2="남의 집")
    async with stand_of(shop) as stand:
        await Buyer(shop, visitor, stand).put(await mug(shop.m))
    page = await text(await visitor.get("/checkout"))
    assert 'value="우리 집"' in page
    assert f'href="/checkout?address={mothers}"' in page
    page = await text(await visitor.get(f"/checkout?address={mothers}"))
    assert 'value="어머니"' in page
    assert 'value="01055556666"' in page
    page = await text(await visitor.get(f"/checkout?address={theirs}"))
    assert "남의 집" not in page
    assert 'value="우리 집"' in page
    page = await text(await visitor.get("/checkout?address=orderer"))  # who orders, without typing it again
    assert f'value="{person.name}"' in page
    assert f'value="{person.phone}"' in page
    assert 'value="우리 집"' not in page
    assert mine != mothers


async def test_an_address_is_kept_from_the_checkout_when_ticked_and_only_then(shop: Shop) -> None:
    person, visitor = await member(shop)
    async with stand_of(shop) as stand:
        buyer = Buyer(shop, visitor, stand)
        await buyer.put(await mug(shop.m))
        form = await text(await visitor.get("/checkout"))
        box = re.search(r'<input id="checkout-keep_address"[^>]*>', form)
        assert box
        assert "checked" not in box[0]
        order_no = await buyer.check_out()
        assert await saved(shop, person) == []
        review = await text(await visitor.post("/checkout", **ADDRESS, keep_address="1"))
        assert '<input type="hidden" name="keep_address" value="1">' in review
        assert await saved(shop, person) == []  # nothing is kept before the order is placed
        assert await buyer.check_out(keep_address="1") == order_no
    [kept] = await saved(shop, person)
    assert (kept.place.address2, kept.is_default) == ("3층", True)
    await visitor.post(f"{HOME}/{kept.address_no}", **{**TYPED, "address2": "딴 집"})
    assert (await order_row(shop, order_no)).address2 == "3층"  # an order has its own copy


async def test_a_guest_is_offered_no_list_and_nothing_is_kept(shop: Shop) -> None:
    async with stand_of(shop) as stand:
        buyer = Buyer(shop, shop.visitor(), stand)
        await buyer.put(await mug(shop.m))
        form = await text(await buyer.visitor.get("/checkout?address=orderer"))
        assert "keep_address" not in form
        assert "배송지 고르기" not in form
        await buyer.check_out(keep_address="1")
    assert (await buyer.visitor.get(HOME)).status_code == 303


async def test_closing_the_account_forgets_them(shop: Shop) -> None:
    person, visitor = await member(shop)
    await save_address(shop.m, person.user_id)
    answer = await visitor.post("/account/closure", confirmed="1", password=person.password)
    assert answer.headers["Location"] == "/account-closed"
    mine = select(func.count()).select_from(addresses).where(addresses.c.user_id == person.user_id)
    async with shop.m.db.read() as tx:
        assert (await tx.execute(mine)).scalar_one() == 0
