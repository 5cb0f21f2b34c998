"""Korean law on the screen: who sells, what it costs in all, what can be taken back, nothing pre-ticked."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from quart import Quart, g

from app.core import money
from app.main import create_app
from app.orders import states
from app.search import service as search
from app.settings import SELLER, SettingError, Settings, check_toss
from app.supervisor import supervise
from app.web import render
from tests.buyer import ADDRESS, Buyer, order_row, stand_of
from tests.goods import make, unheard_of
from tests.house.test_bad_input import GETS
from tests.shop import Shop

LIVE: dict[str, Any] = {"toss_client_key": "live_gck_x", "toss_secret_key": "live_gsk_x"}
SHOP = "https://shop.example"
WHO: dict[str, Any] = {
    "shop_name": "달빛상회",
    "shop_representative": "이하나",
    "shop_business_number": "123-45-67890",
    "shop_mail_order_number": "제2026-서울종로-0123호",
    "shop_mail_order_office": "종로구청",
    "shop_address": "서울특별시 종로구 사직로 1",
    "shop_phone": "02-1234-5678",
    "shop_email": "hello@dalbit.example",
    "shop_hosting": "구름호스팅",
    "shop_privacy_officer": "박서준",
}


async def draw_footer(settings: Settings) -> str:
    app: Quart = create_app(settings)
    async with app.test_request_context("/"):
        g.shopper = None
        return render.draw("partials/web/footer.html")


def live(**changed: Any) -> Settings:
    return Settings(secret_key="k", password_pepper="p", public_url=SHOP, **{**LIVE, **WHO, **changed})


async def test_the_foot_of_a_page_says_who_sells() -> None:
    """Name, representative, place, telephone, mail, numbers, host, terms, and the FTC's page about them."""
    foot = await draw_footer(live(shop_complaint_address="서울특별시 중구 세종대로 2"))
    assert [WHO[name] for name in SELLER if WHO[name] not in foot] == []
    assert "서울특별시 중구 세종대로 2" in foot
    assert 'href="https://www.ftc.go.kr/bizCommPop.do?wrkr_no=1234567890"' in foot
    assert 'href="/terms"' in foot
    assert 'href="/privacy"' in foot
    assert "예시" not in foot


async def test_what_may_stand_behind_something_on_a_phone_opens_without_a_script() -> None:
    """Name, place, telephone, mail are there at once; the numbers behind <details>, which browsers open."""
    foot = await draw_footer(live())
    at_once, _, behind = foot.partition("<details>")
    assert "<summary>사업자 정보</summary>" in behind
    assert [
        name for name in ("name", "address", "phone", "email") if WHO[f"shop_{name}"] not in at_once
    ] == []
    assert "data-hx" not in foot


async def test_a_shop_that_takes_no_money_says_that_its_seller_is_an_example() -> None:
    foot = await draw_footer(Settings(secret_key="k", password_pepper="p", shop_phone="02-1234-5678"))
    assert "시연용 상점입니다" in foot
    assert "홍길동(예시)" in foot
    assert "고객센터 02-1234-5678" in foot  # what is set stays


@pytest.mark.parametrize("missing", SELLER)
def test_live_keys_are_refused_until_every_page_can_say_who_sells(missing: str) -> None:
    with pytest.raises(SettingError, match=missing.upper()):
        check_toss(live(**{missing: " "}))


def test_a_refusal_names_all_that_is_missing_and_complete_ones_sell() -> None:
    check_toss(live())
    with pytest.raises(SettingError) as refused:
        check_toss(Settings(public_url=SHOP, **LIVE))
    assert [name for name in SELLER if name.upper() not in str(refused.value)] == ["shop_name"]


async def test_the_start_warns_once_of_what_is_missing(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Started(Exception):  # noqa: N818 - not an error: the start went on
        pass

    def stop(_settings: Settings) -> None:
        raise Started

    monkeypatch.setattr("app.supervisor._stand_ins", stop)
    for settings, said in ((Settings(data_dir=str(tmp_path), shop_phone="1"), 1), (live(), 0)):
        caplog.clear()
        with pytest.raises(Started):
            await supervise(settings, {}, asyncio.Event())
        warned = [line for line in caplog.messages if "who sells" in line]
        assert len(warned) == said


@pytest_asyncio.fixture(loop_scope="session")
async def buyer(shop: Shop) -> AsyncIterator[Buyer]:
    async with stand_of(shop) as stand:
        yield Buyer(shop, shop.visitor(), stand)


async def page(buyer: Buyer, url: str) -> str:
    answer = await buyer.visitor.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return await answer.get_data(as_text=True)


async def test_one_price_everywhere_and_the_delivery_with_the_first_of_them(shop: Shop, buyer: Buyer) -> None:
    """List, search, product, cart, form, review, payment: 36,000 won, and 39,000 delivered, everywhere."""
    name = unheard_of("주전자")
    product_id = await make(shop.m, name=name, price=36_000, category=name)
    await search.follow(shop.m)
    for url in (f"/products?category={quote(name)}", f"/search?q={quote(name)}", f"/products/{product_id}"):
        shown = await page(buyer, url)
        assert "36,000원" in shown, url
        assert "배송비 포함 39,000원" in shown, url
    await buyer.put(product_id)
    for url in ("/cart", "/checkout"):
        shown = await page(buyer, url)
        assert "36,000원" in shown, url
        assert "39,000원" in shown, url
    review = await (await buyer.visitor.post("/checkout", **ADDRESS)).get_data(as_text=True)
    assert "39,000원 주문하기" in review
    order_no = await buyer.check_out()
    paying = await page(buyer, f"/orders/{order_no}/payment")
    assert "39,000원 결제하기" in paying
    assert 'data-amount="39000"' in paying
    assert (await order_row(shop, order_no)).total_price == 39_000


async def test_delivery_that_costs_nothing_is_said_with_the_price(shop: Shop, buyer: Buyer) -> None:
    product_id = await make(shop.m, name="큰 항아리", price=50_000)
    assert "무료 배송" in await page(buyer, f"/products/{product_id}")


async def test_an_order_is_checked_and_can_be_corrected_before_it_is_one(shop: Shop, buyer: Buyer) -> None:
    product_id = await make(shop.m, name="호미", price=36_000)
    await buyer.put(product_id)
    review = await (await buyer.visitor.post("/checkout", **ADDRESS)).get_data(as_text=True)
    assert "주문 내용을 확인해 주십시오" in review
    assert 'name="edit"' in review  # the address can be corrected
    assert 'href="/cart"' in review  # and the goods
    assert "010-1234-5678" in review
    assert "(04524)" in review
    assert (await page(buyer, "/orders")).count("주문하신 내역이 없습니다") == 1


async def test_what_can_be_taken_back_is_said_before_the_order(shop: Shop, buyer: Buyer) -> None:
    product_id = await make(shop.m, name="호미", price=36_000)
    await buyer.put(product_id)
    review = await (await buyer.visitor.post("/checkout", **ADDRESS)).get_data(as_text=True)
    for shown in (await page(buyer, f"/products/{product_id}"), review):
        assert "7일 안에 청약을 철회" in shown
        assert "3개월" in shown
        assert "철회가 제한될 수 있습니다" in shown


async def test_nothing_is_ticked_or_chosen_before_the_shopper_does_it(shop: Shop, buyer: Buyer) -> None:
    """Every page that needs nothing filled in, with something in the cart; the review; a product."""
    product_id = await make(shop.m, name="호미", price=36_000)
    await buyer.put(product_id)
    urls = [url for url in GETS.values() if "<" not in url] + [f"/products/{product_id}"]
    pages = [await (await buyer.visitor.get(url)).get_data(as_text=True) for url in urls]
    pages.append(await (await buyer.visitor.post("/checkout", **ADDRESS)).get_data(as_text=True))
    assert any('type="checkbox"' in text for text in pages)
    assert [
        re.findall(r"<(?:input|option)\b[^>]*\s(?:checked|selected)\b[^>]*>", text) for text in pages
    ] == [[] for _ in pages]


def test_orders_stand_in_words_that_shoppers_know() -> None:
    assert states.LABELS == {
        "PENDING": "결제 대기",
        "WAITING_FOR_DEPOSIT": "입금 대기",
        "PAID": "결제 완료",
        "PARTIAL_CANCELED": "부분 취소",
        "CANCELED": "주문 취소",
        "EXPIRED": "기한 만료",
        "SUPERSEDED": "새 주문으로 대체",
    }


def test_money_and_telephones_are_written_as_shops_write_them() -> None:
    assert money.format_won(39_000) == "39,000원"
    assert render.format_phone("01012345678") == "010-1234-5678"
