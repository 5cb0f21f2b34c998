"""Search: by name, category, maker and option, whatever the shopper typed, by the index and without it."""

import re
import secrets
import shutil
import unicodedata
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest

from app.core.errors import UnavailableError
from app.infra.db import POOL_SIZE
from app.machines import Machines, build_machines
from app.search import service
from app.search.index import current_folder
from tests.goods import change, make, make_options, unheard_of
from tests.shop import Shop, eventually

CARD = re.compile(r'id="catalog-card-(\d+)"')
NEXT = re.compile(r'href="([^"]+)" rel="next"')
FACET = re.compile(r'<nav class="sorts" aria-label="(.+?)">(.+?)</nav>', re.DOTALL)
CHOICE = re.compile(r'<a href="([^"]+)"( aria-current="true")?>(.+?) (\d+)</a>')


async def look_for(shop: Shop, query: str, **chosen: str) -> list[int]:
    """Return what the first page of results shows, once the index has what was made before."""
    page = await results_of(shop, query, **chosen)
    return [int(number) for number in CARD.findall(page)]


async def results_of(shop: Shop, query: str, **chosen: str) -> str:
    await service.follow(shop.m)
    also = "".join(f"&{name}={quote(value)}" for name, value in chosen.items())
    answer = await shop.visitor().get(f"/search?q={quote(query)}{also}")
    assert answer.status_code == 200
    return await answer.get_data(as_text=True)


async def found(m: Machines, words: str) -> list[int]:
    """What a search finds; where nothing has the word, these may be goods of other tests with parts of it."""
    return [card.product_id for card in (await service.find(m, service.Asked(words))).cards]


def root_of(shop: Shop) -> Path:
    return shop.m.settings.data_path / "search"


async def test_goods_are_found_by_name_category_or_maker_in_any_order_of_words(shop: Shop) -> None:
    name = unheard_of("소쿠리")
    made = await make(shop.m, name=name, category="대나무", manufacturer="담양 죽세공방")
    tail = name.split()[1]
    for query in (
        name,
        tail,
        tail.upper(),
        f"대나무 {tail}",
        f"{tail}   담양",
        f"죽세 소쿠 {tail}",
        "".join(name.split()),
    ):
        assert await look_for(shop, query) == [made], query


async def test_when_a_word_is_nowhere_the_rest_is_shown_and_said_to_be_a_part(shop: Shop) -> None:
    name = unheard_of("소쿠리")
    made = await make(shop.m, name=name)
    page = await results_of(shop, f"{name.split()[1]} 없는말입니다")
    assert CARD.findall(page) == [str(made)]
    assert "일부만 맞는" in page


@pytest.mark.real_first
async def test_a_name_typed_in_pieces_of_hangul_is_found(shop: Shop) -> None:
    name = unheard_of("청화백자")
    made = await make(shop.m, name=name)
    assert await look_for(shop, unicodedata.normalize("NFD", name)) == [made]


@pytest.mark.real_first
async def test_percent_and_underline_mean_themselves(shop: Shop) -> None:
    tail = unheard_of("").strip()
    cotton = await make(shop.m, name=f"순면 100% {tail}")
    await make(shop.m, name=f"순면 1000 {tail}")
    lined = await make(shop.m, name=f"a_b {tail}")
    await make(shop.m, name=f"axb {tail}")
    slashed = await make(shop.m, name=f"a/b\\c {tail}")
    assert await look_for(shop, f"100% {tail}") == [cotton]
    assert await look_for(shop, f"a_b {tail}") == [lined]
    assert await look_for(shop, f"a/b\\c {tail}") == [slashed]


async def test_options_are_one_result_found_by_their_labels_and_hidden_goods_none(shop: Shop) -> None:
    name = unheard_of("수건")
    ids = await make_options(shop.m, {"흰색": 1, "쑥색": 1}, name=name)
    await make(shop.m, name=name, status="hidden")
    assert await look_for(shop, name) == [ids[0]]
    assert await look_for(shop, f"쑥색 {name}") == [ids[0]]


async def test_the_index_follows_what_is_changed_within_a_second(shop: Shop) -> None:
    name, other = unheard_of("두레박"), unheard_of("맷돌")
    made = await make(shop.m, name=name)

    async def shows(query: str) -> bool:
        return made in await found(shop.m, query)

    async def shows_not(query: str) -> bool:
        return not await shows(query)

    await eventually(lambda: shows(name))  # by the worker, which nobody asked to
    await change(shop.m, made, name=other)
    await eventually(lambda: shows(other))
    await eventually(lambda: shows_not(name.split()[1]))
    await change(shop.m, made, status="hidden")
    await eventually(lambda: shows_not(other))


async def test_what_a_clock_that_is_ahead_or_behind_wrote_is_followed_too(shop: Shop) -> None:
    now = shop.m.clock.now()
    for skew in (timedelta(hours=1), timedelta(seconds=-5)):
        name = unheard_of("등잔")
        made = await make(shop.m, name=name, updated_at=now + skew)
        assert await look_for(shop, name) == [made]


async def test_price_and_stock_on_a_card_are_the_databases_not_the_indexs(shop: Shop) -> None:
    name = unheard_of("화로")
    made = await make(shop.m, name=name, price=10_000)
    assert await look_for(shop, name) == [made]
    # Behind the index's back: nothing says that the row was changed.
    await change(shop.m, made, price=12_345, quantity=0, updated_at=shop.m.clock.now() - timedelta(days=1))
    page = await results_of(shop, name)
    assert "12,345" in page
    assert "품절" in page


@pytest.mark.real_first
async def test_results_go_on_page_by_page_to_the_end(shop: Shop) -> None:
    name = unheard_of("단추")
    made = [await make(shop.m, name=name) for _ in range(service.PAGE_SIZE + 3)]
    await service.follow(shop.m)
    url: str | None = f"/search?q={quote(name)}"
    seen: list[int] = []
    while url:
        page = await (await shop.visitor().get(url)).get_data(as_text=True)
        seen += [int(number) for number in CARD.findall(page)]
        following = NEXT.search(page)
        url = unescape(following[1]) if following else None
    assert sorted(seen) == made
    assert f"상품 {len(made)}개" in page


@pytest.mark.real_first
async def test_results_are_sorted_by_price_newness_and_sale(shop: Shop) -> None:
    name, now = unheard_of("항아리"), shop.m.clock.now()
    cheap = await make(shop.m, name=name, price=1_000, created_at=now - timedelta(days=2))
    lowered = await make(shop.m, name=name, price=5_000, list_price=9_000, created_at=now - timedelta(days=1))
    dear = await make(shop.m, name=name, price=9_000, created_at=now)
    assert await look_for(shop, name, sort="price-up") == [cheap, lowered, dear]
    assert await look_for(shop, name, sort="price-down") == [dear, lowered, cheap]
    assert await look_for(shop, name, sort="newest") == [dear, lowered, cheap]
    assert (await look_for(shop, name, sort="sale"))[0] == lowered
    assert len(await look_for(shop, name, sort="no such order")) == 3


@pytest.mark.real_first
async def test_what_is_sold_out_comes_after_what_can_be_had(shop: Shop) -> None:
    name = unheard_of("물레")
    gone = await make(shop.m, name=name, quantity=0)
    there = await make(shop.m, name=name)
    assert await look_for(shop, name) == [there, gone]


@pytest.mark.real_first
async def test_facets_are_links_that_narrow_with_counts(shop: Shop) -> None:
    name, place = unheard_of("바구니"), secrets.token_hex(3)
    cheap = await make(shop.m, name=name, category=f"가 {place}", country="일본", price=9_000)
    dear = await make(shop.m, name=name, category=f"나 & {place}", country="일본", price=90_000)
    korean = await make(shop.m, name=name, category=f"나 & {place}", country="대한민국", price=50_000)
    shown = {label: CHOICE.findall(links) for label, links in FACET.findall(await results_of(shop, name))}
    assert [(label, count) for _, _, label, count in shown["가격"]] == [
        ("1만 원 미만", "1"),
        ("5만~10만 원", "2"),
    ]
    assert {label: count for _, _, label, count in shown["원산지"]} == {"일본": "2", "대한민국": "1"}
    narrow = next(unescape(url) for url, _, label, _ in shown["분류"] if label.startswith("나 &amp;"))
    page = await (await shop.visitor().get(narrow)).get_data(as_text=True)
    assert {int(number) for number in CARD.findall(page)} == {dear, korean}
    again = {label: CHOICE.findall(links) for label, links in FACET.findall(page)}
    assert len(again["분류"]) == 2  # the other category can still be chosen instead
    back = next(unescape(url) for url, chosen, _, _ in again["분류"] if chosen)
    page = await (await shop.visitor().get(back)).get_data(as_text=True)
    assert {int(number) for number in CARD.findall(page)} == {cheap, dear, korean}


async def test_without_a_query_the_page_says_how_to_search(shop: Shop) -> None:
    for url in ("/search", "/search?q=", "/search?q=%20%20"):
        page = await (await shop.visitor().get(url)).get_data(as_text=True)
        assert "상품의 이름을" in page
        assert not CARD.search(page)


async def test_who_finds_nothing_is_shown_where_else_to_look(shop: Shop) -> None:
    await make(shop.m, category="그릇·도자기")
    page = await results_of(shop, "zzqq " * 3)
    assert "찾으시는 상품이 없습니다" in page
    assert 'href="/products?category=' in page


STRANGE = [
    "a" * 8_000, "가" * 900, "%00", "%ED%A0%80", "' OR 1=1 --", "<script>", "😀", 'AND " * ~ :', "ㅏㅏㅏㅏ",
]  # fmt: skip


@pytest.mark.real_first
async def test_whatever_is_typed_the_answer_is_a_page(shop: Shop) -> None:
    await service.follow(shop.m)
    folder = current_folder(root_of(shop))
    for query in STRANGE:
        typed = quote(query, safe="%")
        short = typed[:99]
        narrow = f"/search?q=a&category={short}&maker={short}&band={short}&sort={short}&page={short}"
        for url in (f"/search?q={typed}", narrow, f"/search/suggestions?q={typed}"):
            answer = await shop.visitor().get(url, htmx="suggestions" in url)
            assert answer.status_code == 200, url[:100]
            assert "<script>" not in await answer.get_data(as_text=True)
    endless = await shop.visitor().get("/search?q=" + "a" * 10_000)
    assert endless.status_code == 414
    assert "검색어나 주소를 줄여" in await endless.get_data(as_text=True)
    await service.follow(shop.m)
    assert current_folder(root_of(shop)) == folder  # nobody took it for a broken index


@pytest.mark.real_first
async def test_a_garbage_page_is_the_first_or_the_last(shop: Shop) -> None:
    name = unheard_of("촛대")
    made = await make(shop.m, name=name)
    for page in ("x", "-1", "0", "1e9", "٣", "9" * 30):
        assert await look_for(shop, name, page=page) == [made]
    assert await look_for(shop, name, page="40") == []


@pytest.mark.real_first
async def test_suggestions_are_links_to_what_may_be_meant(shop: Shop) -> None:
    name = unheard_of("홀태")
    made = await make(shop.m, name=name)
    await service.follow(shop.m)
    for typed in (name, f"{name.split()[1]} 홀", f"ㅎㅌ {name.split()[1]}"):
        answer = await shop.visitor().get(f"/search/suggestions?q={quote(typed)}", htmx=True)
        piece = await answer.get_data(as_text=True)
        assert 'hx-target="#search-suggestions"' in piece
        assert f'<a href="/products/{made}">{name}</a>' in piece, typed


async def test_suggestions_without_htmx_lead_to_the_results(shop: Shop) -> None:
    answer = await shop.visitor().get("/search/suggestions?q=%EB%A8%B8")
    assert (answer.status_code, answer.location) == (303, "/search?q=%EB%A8%B8")


@asynccontextmanager
async def at_rest(shop: Shop, folder: Path) -> AsyncIterator[Machines]:
    """The shop's machines with a folder of their own, which no worker looks after."""
    m = build_machines(replace(shop.m.settings, data_dir=str(folder), database_url=shop.m.settings.database))
    try:
        yield m
    finally:
        await service.let_go(m)
        await m.close()


async def test_without_an_index_the_database_answers_and_another_is_built(shop: Shop, tmp_path: Path) -> None:
    name = unheard_of("풍경")
    made = [await make(shop.m, name=name) for _ in range(service.PAGE_SIZE + 1)]
    async with at_rest(shop, tmp_path) as m:

        async def find(page: int = 1) -> tuple[int | None, list[int]]:
            found = await service.find(m, service.Asked(name, page=page))
            return found.total, [card.product_id for card in found.cards]

        assert await find() == (None, made[:0:-1])
        assert await find(2) == (None, made[:1])
        assert await service.suggest(m, name) == []
        await service.follow(m)
        assert (await find())[0] == len(made)
        shutil.rmtree(tmp_path / "search")
        assert await find() == (None, made[:0:-1])
        await service.follow(m)
        assert (await find())[0] == len(made)
        for path in current_folder(tmp_path / "search").glob("*.fast"):
            path.unlink()  # what is read already stays readable: the next process stumbles
    async with at_rest(shop, tmp_path) as m:
        assert await find() == (None, made[:0:-1])
        await service.follow(m)
        assert (await find())[0] == len(made)


async def test_the_index_is_gone_on_with_after_the_database_was_away(shop: Shop, tmp_path: Path) -> None:
    async with at_rest(shop, tmp_path) as m:
        await service.follow(m)
        folder = current_folder(tmp_path / "search")
        tail = unheard_of("").strip()
        made = await make(shop.m, name=tail)
        async with AsyncExitStack() as all_connections:
            for _ in range(POOL_SIZE):
                await all_connections.enter_async_context(m.db.engine.connect())
            with pytest.raises(UnavailableError):
                await service.follow(m)
        await service.follow(m)
        assert made in await found(m, tail)
        assert current_folder(tmp_path / "search") == folder


@pytest.mark.real_first
async def test_only_one_process_of_a_machine_writes_and_the_next_goes_on_where_it_ended(
    shop: Shop, tmp_path: Path
) -> None:
    async with at_rest(shop, tmp_path) as first, at_rest(shop, tmp_path) as second:
        await service.follow(first)
        folder = current_folder(tmp_path / "search")
        tail = unheard_of("").strip()
        made = await make(shop.m, name=tail)
        await service.follow(second)
        assert made not in await found(second, tail)
        await service.let_go(first)
        await service.follow(second)
        assert made in await found(first, tail)
        assert current_folder(tmp_path / "search") == folder
