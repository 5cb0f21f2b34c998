"""What is kept of the catalogue between requests is right for the next one too."""

from urllib.parse import quote

import pytest
from quart import g

from tests.goods import change, forget, make, make_options
from tests.shop import Shop, Visitor


async def look(visitor: Visitor, url: str, language: str = "ko") -> str:
    answer = await visitor.client.get(url, headers={"Accept-Language": language})
    assert answer.status_code == 200
    text: str = await answer.get_data(as_text=True)
    return text


async def test_a_page_kept_for_one_language_is_not_shown_in_another(shop: Shop) -> None:
    category = "두 나라 말"
    await make_options(shop.m, {"하나": 3, "둘": 4}, category=category)
    forget(shop.m)
    visitor, url = shop.visitor(), f"/products?category={quote(category)}"
    for _ in range(2):
        korean = await look(visitor, url)
        english = await look(visitor, url, "en")
        assert "옵션 2가지" in korean
        assert "옵션 2가지" not in english


async def test_a_changed_price_is_on_the_list_and_on_the_page(shop: Shop) -> None:
    category = "바뀌는 값"
    made = await make(shop.m, category=category, price=12_300)
    visitor, urls = shop.visitor(), (f"/products?category={quote(category)}", f"/products/{made}")
    for url in urls:
        assert "12,300" in await look(visitor, url)
    await change(shop.m, made, price=45_600)
    for url in urls:
        text = await look(visitor, url)
        assert "45,600" in text
        assert "12,300" not in text


async def test_nothing_of_one_shopper_can_be_kept_for_the_next(shop: Shop) -> None:
    """A kept piece is drawn where there is no request: one that asks who is there fails."""
    kept = shop.app.extensions["templates"].globals["kept"]
    async with shop.app.test_request_context("/"):
        g.shopper = None
        with pytest.raises(RuntimeError, match="context"):
            kept("partials/web/header.html", request_path="/")
