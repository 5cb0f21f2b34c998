"""The lists: sorted, paged by cursor, one card for each article."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest

from app.catalog import paging, service
from app.catalog.paging import NEWEST, SORTS, Sort
from tests.goods import change, make, make_options, unheard_of
from tests.shop import Shop

CARD = re.compile(r'id="catalog-card-(\d+)"')
NEXT = re.compile(r'href="([^"]+)" rel="next"')
GARBAGE = (
    "x",
    "%00",
    "bmV3ZXN0LjEuMQ==",
    "A" * 64,
    "A" * 5000,
    "한글",
    "-1",
    "bmV3ZXN0Ljk5OTk5OTk5OTk5OTk5OTk5OTkuMQ",  # newest.9999999999999999999.1
    "bmV3ZXN0LjkyMjMzNzIwMzY4NTQ3NzU4MDcuMQ",  # newest.9223372036854775807.1: beyond the year 9999
    "bmV3ZXN0LtmjLjE",  # newest.٣.1
    "cHJpY2UtdXAuMS4x",  # price-up.1.1: of another sort
)


async def read_list(shop: Shop, url: str) -> tuple[list[int], str | None]:
    """Return the cards of a page in order, and the address of the next one."""
    answer = await shop.visitor().get(url)
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 200, page
    following = NEXT.search(page)
    return [int(number) for number in CARD.findall(page)], unescape(following[1]) if following else None


async def walk(shop: Shop, url: str | None) -> list[int]:
    """Return every card of a list, page after page."""
    seen: list[int] = []
    while url:
        cards, url = await read_list(shop, url)
        assert 0 < len(cards) <= paging.PAGE_SIZE
        seen += cards
    return seen


async def test_the_newest_article_of_a_category_comes_first(shop: Shop) -> None:
    category, now = unheard_of("그릇"), shop.m.clock.now()
    old = await make(shop.m, name="묵은 대접", category=category, created_at=now - timedelta(days=2))
    new = await make(shop.m, name="새 대접", category=category, created_at=now)
    await make(shop.m, name="남의 대접", category=unheard_of("그릇"), created_at=now)
    assert await walk(shop, f"/products?category={quote(category)}") == [new, old]


async def test_by_price_the_cheapest_or_the_dearest_comes_first(shop: Shop) -> None:
    category = unheard_of("차")
    dear, cheap, middle = [
        await make(shop.m, name="우전", category=category, price=price) for price in (90000, 8000, 30000)
    ]
    url = f"/products?category={quote(category)}&sort="
    assert await walk(shop, url + "price-up") == [cheap, middle, dear]
    assert await walk(shop, url + "price-down") == [dear, middle, cheap]
    assert await walk(shop, url + "by-magic") == [middle, cheap, dear]


@pytest.mark.parametrize("sort", SORTS, ids=lambda sort: sort.key)
async def test_turning_pages_to_the_end_shows_every_article_once_though_prices_and_times_are_equal(
    shop: Shop, sort: Sort
) -> None:
    category, now = unheard_of("부엌"), shop.m.clock.now()
    made = [
        await make(shop.m, name="수저", category=category, price=1000 * (number // 30), created_at=now)
        for number in range(2 * paging.PAGE_SIZE + 1)
    ]
    seen = await walk(shop, f"/products?category={quote(category)}&sort={sort.key}")
    assert len(seen) == len(set(seen)) == len(made)
    assert set(seen) == set(made)


async def test_goods_that_arrive_while_somebody_turns_pages_move_nothing(shop: Shop) -> None:
    category, now = unheard_of("문구"), shop.m.clock.now()
    made = [
        await make(shop.m, name="연필", category=category, created_at=now - timedelta(minutes=number))
        for number in range(paging.PAGE_SIZE + 5)
    ]
    first, following = await read_list(shop, f"/products?category={quote(category)}")
    await make(shop.m, name="새 연필", category=category, created_at=now + timedelta(minutes=1))
    await change(shop.m, made[0], status="hidden")
    rest = await walk(shop, following)
    assert first + rest == made


async def test_a_page_filled_exactly_has_no_next_one(shop: Shop) -> None:
    category = unheard_of("초")
    for _ in range(paging.PAGE_SIZE):
        await make(shop.m, name="밀랍초", category=category)
    cards, following = await read_list(shop, f"/products?category={quote(category)}")
    assert len(cards) == paging.PAGE_SIZE
    assert following is None


@pytest.mark.parametrize("cursor", GARBAGE, ids=range(len(GARBAGE)))
async def test_a_garbage_cursor_shows_the_first_page(shop: Shop, cursor: str) -> None:
    category = unheard_of("향")
    made = await make(shop.m, name="침향", category=category)
    url = f"/products?category={quote(category)}&after={quote(cursor)}"
    assert await read_list(shop, url) == ([made], None)


async def test_an_article_with_options_is_one_card_that_counts_them_all(shop: Shop) -> None:
    category = unheard_of("이불")
    ids = await make_options(shop.m, {"백자": 0, "쪽빛": 2, "먹색": 0}, name="누비 이불", category=category)
    page = await service.find_page(shop.m, category, NEWEST, "")
    assert [card.product_id for card in page.cards] == [ids[0]]
    card = page.cards[0]
    assert (card.options, card.option_label, card.quantity) == (3, "", 2)
    assert (card.sold_out, card.few_left) == (False, 2)


async def test_sold_out_goods_stay_on_the_shelf_and_say_so(shop: Shop) -> None:
    category = unheard_of("등")
    gone = await make(shop.m, name="한지 등", category=category, quantity=0)
    page = await (await shop.visitor().get(f"/products?category={quote(category)}")).get_data(as_text=True)
    assert [int(number) for number in CARD.findall(page)] == [gone]
    assert "품절" in page


async def test_hidden_goods_are_on_no_list(shop: Shop) -> None:
    category = unheard_of("등")
    shown = await make(shop.m, name="등", category=category)
    await make(shop.m, name="숨은 등", category=category, status="hidden")
    assert await walk(shop, f"/products?category={quote(category)}") == [shown]


async def test_a_category_nobody_knows_is_a_designed_404(shop: Shop) -> None:
    answer = await shop.visitor().get("/products?category=" + quote("없는 분류 <b>"))
    assert answer.status_code == 404
    assert "없는 분류입니다" in await answer.get_data(as_text=True)


async def test_a_category_typed_in_pieces_of_hangul_is_found(shop: Shop) -> None:
    category = unheard_of("그릇")
    made = await make(shop.m, name="접시", category=category)
    pieces = category.replace("그릇", "\u1100\u1173\u1105\u1173\u11ba")
    assert await walk(shop, f"/products?category={quote(pieces)}") == [made]


async def test_the_shop_as_a_whole_is_a_list_too(shop: Shop) -> None:
    made = await make(shop.m, name="갓 나온 그릇", created_at=shop.m.clock.now() + timedelta(days=300))
    cards, _ = await read_list(shop, "/products")
    await change(shop.m, made, created_at=shop.m.clock.now())
    assert made in cards
