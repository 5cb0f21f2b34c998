"""What is in use is asked for anew only when it was changed, and all of it now and then."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.catalog import service
from app.infra.cache import FETCH_AGAIN, Cache
from app.models import products
from tests.goods import forget, make, make_options
from tests.shop import Shop


class Watched:
    """A cache of the catalogue with a clock that is set, and what it fetched."""

    def __init__(self, cache: Cache[int, Any]) -> None:
        self.cache, self.now, self.fetched = cache, 0.0, list[list[int]]()
        fetch = cache._fetch
        cache._clock = lambda: self.now

        async def noted(keys: list[int]) -> dict[int, Any]:
            self.fetched.append(sorted(keys))
            return await fetch(keys)

        cache._fetch = noted

    async def look(self, at: float, keys: Iterable[int]) -> dict[int, Any]:
        """Look at what is there, and let what that sets going end."""
        self.now = at
        await self.cache.get(keys)
        if self.cache._fetching is not None:
            await self.cache._fetching
        return await self.cache.get(keys)


async def set_to(shop: Shop, product: int, **values: Any) -> None:
    async with shop.m.db.write() as tx:
        await tx.execute(
            update(products)
            .where(products.c.product_id == product)
            .values(updated_at=shop.m.clock.now(), **values)
        )


@pytest.fixture
def long_ago(shop: Shop) -> dict[str, Any]:
    return {"updated_at": shop.m.clock.now() - timedelta(hours=1)}


async def test_what_is_changed_is_fetched_and_nothing_else(shop: Shop, long_ago: dict[str, Any]) -> None:
    one, other = await make(shop.m, **long_ago), await make(shop.m, **long_ago)
    goods = Watched(shop.m.keep(service._product_cache))
    await goods.look(0.0, [one, other])
    await goods.look(0.6, [one, other])
    assert goods.fetched == [[one, other]]
    await set_to(shop, one, price=77_000)
    found = await goods.look(1.2, [one, other])
    assert goods.fetched == [[one, other], [one]]
    assert found[one].price == 77_000


async def test_what_is_hidden_is_gone(shop: Shop, long_ago: dict[str, Any]) -> None:
    one = await make(shop.m, **long_ago)
    goods = Watched(shop.m.keep(service._product_cache))
    await goods.look(0.0, [one])
    await set_to(shop, one, status="hidden")
    assert await goods.look(0.6, [one]) == {}


async def test_what_nobody_says_was_changed_is_looked_at_all_the_same(
    shop: Shop, long_ago: dict[str, Any]
) -> None:
    one = await make(shop.m, **long_ago)
    goods = Watched(shop.m.keep(service._product_cache))
    await goods.look(0.0, [one])
    async with shop.m.db.write() as tx:
        await tx.execute(update(products).where(products.c.product_id == one).values(price=77_000))
    last = FETCH_AGAIN * service.FRESH_SECONDS
    for step in range(1, 2 * last):
        await goods.look(step * 0.6, [one])
    assert goods.fetched == [[one], [one]]
    assert (await goods.look(1.2 * last, [one]))[one].price == 77_000


async def test_a_page_is_changed_by_each_of_its_options(shop: Shop, long_ago: dict[str, Any]) -> None:
    first, second = await make_options(shop.m, {"하나": 3, "둘": 4})
    async with shop.m.db.write() as tx:
        await tx.execute(
            update(products).where(products.c.product_id.in_([first, second])).values(**long_ago)
        )
    forget(shop.m)
    pages, cards = (Watched(shop.m.keep(cache)) for cache in (service._page_cache, service._card_cache))
    for at in (0.0, 0.6):
        await pages.look(at, [first])
        await cards.look(at, [first])
    await set_to(shop, second, quantity=0)
    page = (await pages.look(1.2, [first]))[first]
    card = (await cards.look(1.2, [first]))[first]
    assert [option.sold_out for option in page.options] == [False, True]
    assert card.quantity == 3
    assert pages.fetched == cards.fetched == [[first], [first]]
