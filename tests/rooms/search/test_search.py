"""Search: by name, category and maker, whatever the shopper typed."""

import re
import unicodedata
from html import unescape
from urllib.parse import quote

import pytest

from app.search import service
from tests.goods import make, make_options, unheard_of
from tests.shop import Shop

CARD = re.compile(r'id="catalog-card-(\d+)"')
NEXT = re.compile(r'href="([^"]+)" rel="next"')


async def look_for(shop: Shop, query: str) -> list[int]:
    """Return what the first page of results shows."""
    answer = await shop.visitor().get(f"/search?q={quote(query)}")
    assert answer.status_code == 200
    return [int(number) for number in CARD.findall(await answer.get_data(as_text=True))]


async def test_goods_are_found_by_name_category_or_maker_in_any_order_of_words(shop: Shop) -> None:
    name = unheard_of("소쿠리")
    made = await make(shop.m, name=name, category="대나무", manufacturer="담양 죽세공방")
    tail = name.split()[1]
    for query in (name, tail, tail.upper(), f"대나무 {tail}", f"{tail}   담양", f"죽세 소쿠 {tail}"):
        assert await look_for(shop, query) == [made], query
    assert await look_for(shop, f"{tail} 유리") == []


async def test_a_name_typed_in_pieces_of_hangul_is_found(shop: Shop) -> None:
    name = unheard_of("청화백자")
    made = await make(shop.m, name=name)
    assert await look_for(shop, unicodedata.normalize("NFD", name)) == [made]


async def test_percent_and_underline_mean_themselves(shop: Shop) -> None:
    tail = unheard_of("")
    cotton = await make(shop.m, name=f"순면 100% {tail}")
    await make(shop.m, name=f"순면 1000 {tail}")
    lined = await make(shop.m, name=f"a_b {tail}")
    await make(shop.m, name=f"axb {tail}")
    slashed = await make(shop.m, name=f"a/b\\c {tail}")
    assert await look_for(shop, f"100% {tail}") == [cotton]
    assert await look_for(shop, f"a_b {tail}") == [lined]
    assert await look_for(shop, f"a/b\\c {tail}") == [slashed]
    assert await look_for(shop, f"% _ {tail}") == []


async def test_options_are_one_result_and_hidden_goods_none(shop: Shop) -> None:
    name = unheard_of("수건")
    ids = await make_options(shop.m, {"흰색": 1, "쑥색": 1}, name=name)
    await make(shop.m, name=name, status="hidden")
    assert await look_for(shop, name) == [ids[0]]


async def test_results_go_on_page_by_page_to_the_end(shop: Shop) -> None:
    name = unheard_of("단추")
    made = [await make(shop.m, name=name) for _ in range(service.PAGE_SIZE + 3)]
    url: str | None = f"/search?q={quote(name)}"
    seen: list[int] = []
    while url:
        page = await (await shop.visitor().get(url)).get_data(as_text=True)
        seen += [int(number) for number in CARD.findall(page)]
        following = NEXT.search(page)
        url = unescape(following[1]) if following else None
    assert seen == made[::-1]


async def test_without_a_query_the_page_says_how_to_search(shop: Shop) -> None:
    for url in ("/search", "/search?q=", "/search?q=%20%20"):
        page = await (await shop.visitor().get(url)).get_data(as_text=True)
        assert "상품의 이름을" in page
        assert not CARD.search(page)


@pytest.mark.parametrize("query", ["가" * 900, "%00", "' OR 1=1 --", "<script>", "😀", "a " * 300])
async def test_whatever_is_typed_the_answer_is_a_page(shop: Shop, query: str) -> None:
    answer = await shop.visitor().get(f"/search?q={quote(query, safe='%')}")
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "<script>" not in page
    assert len(service.read_query(query)) <= service.MOST_CHARS


@pytest.mark.parametrize("after", ["x", "-1", "1e9", "٣", "9" * 30])
async def test_a_garbage_place_shows_the_first_page(shop: Shop, after: str) -> None:
    name = unheard_of("촛대")
    made = await make(shop.m, name=name)
    page = await (await shop.visitor().get(f"/search?q={quote(name)}&after={quote(after)}")).get_data(
        as_text=True
    )
    assert [int(number) for number in CARD.findall(page)] == [made]
