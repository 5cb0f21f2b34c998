"""What the cart and the checkout ask of the catalogue."""

import pytest

from app.catalog import service
from app.core.errors import DatabaseUnavailableError
from tests.goods import change, make
from tests.shop import Shop


async def test_the_checkout_reads_what_the_database_has_at_this_moment(shop: Shop) -> None:
    made = await make(shop.m, name="접시", price=15000, quantity=3)
    assert (await service.find_products(shop.m, [made]))[made].price == 15000
    await change(shop.m, made, price=16000)
    async with shop.m.db.read() as tx:
        found = await service.read_products(tx, [made, 0, -1, 2**70])
    assert {product_id: product.price for product_id, product in found.items()} == {made: 16000}


async def test_while_the_database_is_away_the_cart_still_knows_its_goods(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, unseen = await make(shop.m, name="대접"), await make(shop.m, name="사발")
    await service.find_products(shop.m, [made])
    cache = shop.m.keep(service._product_cache)

    async def refuse(_ids: list[int]) -> None:
        raise DatabaseUnavailableError("gone")

    monkeypatch.setattr(cache, "_fetch", refuse)
    monkeypatch.setattr(cache, "_seconds", -1.0)
    assert (await service.find_products(shop.m, [made]))[made].name == "대접"
    with pytest.raises(DatabaseUnavailableError):
        await service.find_products(shop.m, [made, unseen])
