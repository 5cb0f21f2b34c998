"""My orders: mine to see, page by page; a guest's to find again; nobody else's."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from app.orders import access
from app.orders.access import Visitor
from app.orders.order import Order, Recipient
from tests.buyer import Buyer, order_row, stand_of
from tests.goods import mug
from tests.shop import Shop

NOW = datetime(2026, 11, 23, 9, 0)  # noqa: DTZ001 - naive UTC, as the shop's clock
KEY = "a key"


@pytest_asyncio.fixture(loop_scope="session")
async def buyer(shop: Shop) -> AsyncIterator[Buyer]:
    """A stranger."""
    async with stand_of(shop) as stand:
        yield Buyer(shop, shop.visitor(), stand)


async def text(answer: Any) -> str:
    return str(await answer.get_data(as_text=True))


async def test_someone_elses_order_is_not_found_whatever_is_asked_of_it(shop: Shop, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    stranger = shop.visitor()
    for url in ("", "/payment", "/receipt", "/status"):
        answer = await stranger.get(f"/orders/{order_no}{url}")
        assert answer.status_code == 404, url
        assert "김민지" not in await text(answer)
    assert (await stranger.post(f"/orders/{order_no}/cancellation")).status_code == 404
    assert (await order_row(shop, order_no)).status == "PENDING"
    for unknown in ("20261123-0000000", "x", "%00", "1' OR '1'='1"):
        assert (await stranger.get(f"/orders/{unknown}")).status_code == 404, unknown


async def test_the_list_goes_back_page_by_page(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    numbers = [await buyer.order((cup, 1)) for _ in range(12)]  # each supersedes the one before
    first = await text(await buyer.visitor.get("/orders"))
    assert [f"/orders/{number}" in first for number in reversed(numbers)] == [True] * 10 + [False] * 2
    after = f"/orders?after={numbers[2]}"
    assert after in first
    second = await text(await buyer.visitor.get(after))
    assert [f"/orders/{number}" in second for number in reversed(numbers)] == [False] * 10 + [True] * 2
    assert "after=" not in second
    for odd in ("?after=x", "?after=20261123-0000000", "?after="):
        assert (await buyer.visitor.get(f"/orders{odd}")).status_code == 200


async def test_a_stranger_has_no_orders_and_gets_no_cookie_for_looking(shop: Shop) -> None:
    answer = await shop.visitor().get("/orders")
    assert answer.status_code == 200
    assert "아직 주문하신 내역이 없습니다" in await text(answer)


async def test_an_unpaid_order_has_no_receipt(shop: Shop, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    assert (await buyer.visitor.get(f"/orders/{order_no}/receipt")).status_code == 404


async def test_the_status_is_a_piece_of_its_own(shop: Shop, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    piece = await text(await buyer.visitor.get(f"/orders/{order_no}/status", htmx=True))
    assert 'hx-target="#orders-status"' in piece
    assert "<html" not in piece
    assert "<html" in await text(await buyer.visitor.get(f"/orders/{order_no}/status"))


async def test_a_guest_finds_the_order_in_another_browser(shop: Shop, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    other = shop.visitor()
    answer = await other.post("/orders/lookup", order_no=order_no.lower(), phone="010 1234 5678")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/orders/{order_no}")
    assert "김민지" in await text(await other.get(f"/orders/{order_no}"))
    another = await buyer.order((await mug(shop.m), 1))
    assert (await other.get(f"/orders/{another}")).status_code == 404


@pytest.mark.parametrize(
    ("order_no", "phone"),
    [
        ("{}", "01099999999"),
        ("20261123-0000000", "01012345678"),
        ("", ""),
        ("{}", ""),
        ("x" * 5_000, "01012345678"),
        ("{}", "٠١٠١٢٣٤٥٦٧٨"),
    ],
)
async def test_a_lookup_that_does_not_fit_says_so_and_keeps_what_was_typed(
    shop: Shop, buyer: Buyer, order_no: str, phone: str
) -> None:
    mine = await buyer.order((await mug(shop.m), 1))
    typed = order_no.format(mine)
    stranger = shop.visitor()
    answer = await stranger.post("/orders/lookup", order_no=typed, phone=phone)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in await text(answer)
    assert (await stranger.get(f"/orders/{mine}")).status_code == 404


def order(number: str = "20261123-AAAAAAA", owner: str = "g:me") -> Order:
    to = Recipient("", "", "", "", "", "")
    return Order(1, number, owner, None, 1, "PAID", 1, 1, 0, 1, to, NOW, None, NOW, ())


def test_a_pass_opens_one_order_for_a_while() -> None:
    given = access.issue_pass(KEY, order().order_no, NOW)
    assert access.may_see(order(), Visitor("", given), KEY, NOW)
    assert not access.may_see(order("20261123-BBBBBBB"), Visitor("", given), KEY, NOW)
    assert not access.may_see(order(), Visitor("", given), "another key", NOW)
    assert not access.may_see(order(), Visitor("", given), KEY, NOW + timedelta(days=1))


@pytest.mark.parametrize(
    "forged",
    [
        "",
        ".",
        "..",
        "20261123-AAAAAAA",
        "20261123-AAAAAAA..",
        "20261123-AAAAAAA.9999999999.",
        "20261123-AAAAAAA.9999999999.é",
        "20261123-AAAAAAA.-1.x",
        "a.b.c.d",
    ],
)
def test_a_forged_pass_opens_nothing(forged: str) -> None:
    assert not access.may_see(order(), Visitor("", forged), KEY, NOW)


def test_nobody_is_not_the_owner_of_an_order_without_one() -> None:
    assert not access.may_see(order(owner=""), Visitor("", ""), KEY, NOW)
    assert access.may_see(order(), Visitor("g:me", ""), KEY, NOW)
