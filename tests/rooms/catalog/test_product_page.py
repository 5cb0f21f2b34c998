"""The product page: options, stock, and what search engines read."""

import json
import re
import secrets

import pytest

from app.catalog import service
from app.core.errors import NotFoundError
from tests.goods import change, make, make_options
from tests.shop import Shop

JSON_LD = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.DOTALL)


async def open_page(shop: Shop, product_id: int) -> str:
    answer = await shop.visitor().get(f"/products/{product_id}")
    assert answer.status_code == 200
    return await answer.get_data(as_text=True)


async def test_the_page_shows_the_goods_and_lets_them_be_bought(shop: Shop) -> None:
    made = await make(
        shop.m, name="달항아리", price=128000, list_price=150000, country="대한민국", quantity=7
    )
    page = await open_page(shop, made)
    assert "달항아리" in page
    assert "128,000원" in page
    assert "150,000원" in page
    assert 'max="7"' in page
    assert 'action="/cart/lines"' in page


async def test_one_line_takes_99_at_most_however_many_there_are(shop: Shop) -> None:
    page = await service.find_product_page(shop.m, await make(shop.m, name="젓가락", quantity=5000))
    assert page.max_quantity == 99


async def test_options_lead_to_one_another_and_the_present_one_is_marked(shop: Shop) -> None:
    white, blue = await make_options(shop.m, {"백자": 3, "청화": 0}, name="잔")
    hidden = await make(shop.m, name="잔", group_id=white, option_label="시작품", status="hidden")
    page = await service.find_product_page(shop.m, blue)
    assert [(one.product_id, one.label, one.sold_out, one.current) for one in page.options] == [
        (white, "백자", False, False),
        (blue, "청화", True, True),
    ]
    assert hidden not in [one.product_id for one in page.options]
    assert f'href="/products/{white}"' in await open_page(shop, blue)


async def test_what_has_no_options_shows_none(shop: Shop) -> None:
    assert (await service.find_product_page(shop.m, await make(shop.m, name="호미"))).options == ()


async def test_the_last_three_are_announced_and_sold_out_goods_cannot_be_bought(shop: Shop) -> None:
    made = await make(shop.m, name="찻상", quantity=3)
    assert "3개 남았습니다" in await open_page(shop, made)
    await change(shop.m, made, quantity=4)
    assert "개 남았습니다" not in await open_page(shop, made)
    await change(shop.m, made, quantity=0)
    page = await open_page(shop, made)
    assert "품절" in page
    assert 'action="/cart/lines"' not in page


@pytest.mark.parametrize("number", ["0", "999999999", str(2**63), "9" * 40])
async def test_a_product_nobody_knows_is_a_designed_404(shop: Shop, number: str) -> None:
    answer = await shop.visitor().get(f"/products/{number}")
    assert answer.status_code == 404
    assert "없는 상품" in await answer.get_data(as_text=True)


@pytest.mark.parametrize("number", ["-1", "1.5", "abc", "%00", "1e9"])
async def test_an_address_that_is_no_number_is_a_404(shop: Shop, number: str) -> None:
    assert (await shop.visitor().get(f"/products/{number}")).status_code == 404


async def test_a_hidden_product_is_not_there(shop: Shop) -> None:
    made = await make(shop.m, name="시작품", status="hidden")
    assert (await shop.visitor().get(f"/products/{made}")).status_code == 404
    with pytest.raises(NotFoundError):
        await service.find_product_page(shop.m, made)
    assert await service.find_products(shop.m, [made]) == {}


async def test_search_engines_read_what_the_page_says(shop: Shop) -> None:
    made = await make(shop.m, name="백자 잔", price=24000, manufacturer="여주 온흙공방", quantity=2)
    page = await open_page(shop, made)
    found = JSON_LD.search(page)
    assert found
    what = json.loads(found[1])
    assert (what["@context"], what["@type"], what["name"]) == ("https://schema.org", "Product", "백자 잔")
    assert what["manufacturer"]["name"] == "여주 온흙공방"
    offer = what["offers"]
    assert (offer["price"], offer["priceCurrency"]) == (24000, "KRW")
    assert f"{offer['price']:,}원" in page
    assert offer["availability"] == "https://schema.org/InStock"
    assert offer["url"] == f"http://localhost/products/{made}"
    await change(shop.m, made, quantity=0)
    sold_out = JSON_LD.search(await open_page(shop, made))
    assert sold_out
    assert json.loads(sold_out[1])["offers"]["availability"] == "https://schema.org/OutOfStock"


async def test_a_sellers_text_breaks_out_of_nothing(shop: Shop) -> None:
    nasty = '</script><script>alert(1)</script>{} & "'
    page = await open_page(shop, await make(shop.m, name=nasty, description=nasty))
    assert "<script>alert(1)" not in page
    found = JSON_LD.search(page)
    assert found
    assert json.loads(found[1])["name"] == nasty


async def test_what_stands_beside_a_product_is_of_its_category_and_can_be_had(shop: Shop) -> None:
    category = f"선반-{secrets.token_hex(4)}"
    mine = [await make(shop.m, name=f"그릇 {number}", category=category) for number in range(7)]
    gone = await make(shop.m, name="없는 그릇", category=category, quantity=0)
    await make(shop.m, name="남의 그릇")
    for product_id in (mine[0], mine[3], mine[6]):
        beside = [
            card.product_id for card in (await service.find_product_page(shop.m, product_id)).neighbours
        ]
        assert len(beside) == len(set(beside)) == 4
        assert set(beside) <= set(mine) - {product_id, gone}
    assert f'href="/products/{mine[4]}"' in await open_page(shop, mine[5])


async def test_options_do_not_stand_beside_themselves(shop: Shop) -> None:
    category = f"선반-{secrets.token_hex(4)}"
    white, blue = await make_options(shop.m, {"백자": 3, "청화": 2}, category=category)
    assert (await service.find_product_page(shop.m, blue)).neighbours == ()
    assert "함께 둘러보실 상품" not in await open_page(shop, white)
