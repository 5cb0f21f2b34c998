"""The first page: categories, what is new, what costs less."""

from datetime import timedelta

from app.catalog import service
from tests.goods import change, forget, make, make_options, unheard_of
from tests.shop import Shop


async def test_the_first_page_shows_what_is_new_and_what_costs_less(shop: Shop) -> None:
    later = shop.m.clock.now() + timedelta(days=365)
    fresh = [
        await make(shop.m, name=unheard_of("새것"), created_at=later - timedelta(minutes=n)) for n in range(8)
    ]
    older = later - timedelta(days=1)
    cheaper = await make(shop.m, name=unheard_of("내린 것"), price=8000, list_price=10000, created_at=older)
    dearer = await make(
        shop.m, name=unheard_of("안 내린 것"), price=10000, list_price=10000, created_at=older
    )
    gone = await make(shop.m, name=unheard_of("다 팔린 것"), list_price=90000, quantity=0, created_at=older)
    shelves = await service.find_shelves(shop.m)
    answer = await shop.visitor().get("/")
    page = await answer.get_data(as_text=True)
    for product_id in (*fresh, cheaper, dearer, gone):
        await change(shop.m, product_id, status="hidden")
    assert answer.status_code == 200
    assert [card.product_id for card in shelves.fresh] == fresh
    assert shelves.on_sale[0].product_id == cheaper
    assert not {dearer, gone} & {card.product_id for card in shelves.on_sale}
    assert len(shelves.on_sale) <= 8
    for product_id in (*fresh, cheaper):
        assert f'id="catalog-card-{product_id}"' in page


async def test_an_article_with_options_is_new_once(shop: Shop) -> None:
    later = shop.m.clock.now() + timedelta(days=400)
    ids = await make_options(shop.m, {"백": 1, "흑": 5}, name=unheard_of("찻잔"), created_at=later)
    shelves = await service.find_shelves(shop.m)
    for product_id in ids:
        await change(shop.m, product_id, status="hidden")
    assert [card.product_id for card in shelves.fresh if card.product_id in ids] == [ids[0]]
    assert shelves.fresh[0].quantity == 6


async def test_every_category_with_something_in_it_is_named(shop: Shop) -> None:
    category = unheard_of("나무")
    await make(shop.m, name="도마", category=category)
    forget(shop.m)
    assert category in await service.find_categories(shop.m)
    assert category in await (await shop.visitor().get("/")).get_data(as_text=True)
