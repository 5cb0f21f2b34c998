"""What can be asked of the catalogue."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from app.catalog import paging, store
from app.catalog.paging import PAGE_SIZE, Position, Sort
from app.catalog.product import Product, ProductCard, ProductPage, show_product
from app.core.errors import NotFoundError
from app.core.languages import _
from app.infra.cache import Cache, Confirm
from app.infra.db import Tx
from app.machines import Machines

V = TypeVar("V")

FRESH_SECONDS = 1  # how old what is shown may be; a checkout reads the database itself
MOST_PRODUCTS = 20_000
MOST_PAGES, PAGES_REFRESHED = 500, 16  # each page of a list is a statement or two
CATEGORY_SECONDS = 10
# A change is seen when its transaction commits, with the moment its process wrote: so long before that.
OVERLAP_SECONDS = 10
MOST_CHANGED = 500  # at a time; beyond, whatever is in use is fetched anew
SHELF = 8
NEIGHBOURS, NEIGHBOUR_SECONDS = 4, 30.0


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list, and the cursor of the next one ('' on the last)."""

    cards: list[ProductCard]
    next_cursor: str
    is_first: bool


@dataclass(frozen=True, slots=True)
class Shelves:
    """What the first page of the shop shows."""

    fresh: list[ProductCard]
    on_sale: list[ProductCard]


async def find_products(m: Machines, ids: Iterable[int]) -> dict[int, Product]:
    """Return the products that are sold, at most a second old; while the database is away, an hour.

    Raises UnavailableError when it is away and one of them was never seen.
    """
    return await m.keep(_product_cache).get(ids)


async def read_products(tx: Tx, ids: Iterable[int]) -> dict[int, Product]:
    """Return the products that are sold, as the database has them at this moment."""
    return await store.select_products(tx, ids)


async def read_cards(tx: Tx, ids: list[int]) -> list[ProductCard]:
    """Return the cards of these products, in this order."""
    cards = {card.product_id: card for card in await store.select_cards(tx, ids)}
    return await _count_options(tx, [cards[product_id] for product_id in ids if product_id in cards])


async def find_page(m: Machines, category: str, sort: Sort, cursor: str) -> ListPage:
    """Return one page of a category, or of the whole shop when it is ''; at most a second old.

    Raises NotFoundError.
    """
    place = _Place(category, sort, paging.read_cursor(sort, cursor))
    page = (await m.keep(_list_cache).get([place])).get(place)
    if page is None:
        raise NotFoundError("category", say=_("없는 분류입니다. 다른 분류를 골라 주십시오."))
    return page


async def find_product_page(m: Machines, product_id: int) -> ProductPage:
    """Return a product's page, its options and its neighbours, at most a second old.

    Which articles are its neighbours may be older, and what one costs and whether it can be had is not.
    Raises NotFoundError for one that is not sold.
    """
    page = (await m.keep(_page_cache).get([product_id])).get(product_id)
    if page is None:
        raise NotFoundError(f"product {product_id}", say=_("없는 상품이거나 더 이상 판매하지 않습니다."))
    beside = (await m.keep(_neighbour_cache).get([product_id])).get(product_id, [])
    cards = await m.keep(_card_cache).get(beside)
    return replace(page, neighbours=tuple(cards[number] for number in beside if number in cards))


async def find_categories(m: Machines) -> list[str]:
    """Return the names of the categories, a few seconds old; while the database is away, an hour."""
    return (await m.keep(_category_cache).get(["all"])).get("all", [])


async def find_shelves(m: Machines) -> Shelves:
    """Return what is new and what costs less than it did, at most a second old."""
    return (await m.keep(_shelf_cache).get(["all"]))["all"]


async def has_products(tx: Tx) -> bool:
    """Return whether the catalogue holds anything, sold or hidden."""
    return await store.select_any(tx)


async def add_products(tx: Tx, rows: list[tuple[Product, datetime]]) -> None:
    """Add products under the numbers they bring, with the moment each was new; stock opens their ledger."""
    await store.insert_products(tx, rows)


@dataclass(frozen=True, slots=True)
class _Place:
    """Which page of which list."""

    category: str
    sort: Sort
    after: Position | None


def _confirm(m: Machines, shown: Callable[[int, V], Iterable[int]]) -> Confirm[int, V]:
    """Return what tells which values are as the database has them; ``shown`` are the products in a value."""

    async def confirm(values: dict[int, V], seconds: float) -> Iterable[int]:
        since = m.clock.now() - timedelta(seconds=seconds + OVERLAP_SECONDS)
        async with m.db.read() as tx:
            changed = await store.select_changed(tx, since, MOST_CHANGED)
        if len(changed) >= MOST_CHANGED:
            return ()
        return [key for key, value in values.items() if changed.isdisjoint(shown(key, value))]

    return confirm


def _product_cache(m: Machines) -> Cache[int, Product]:
    async def fetch(ids: list[int]) -> dict[int, Product]:
        async with m.db.read() as tx:
            return await store.select_products(tx, ids)

    confirm = _confirm(m, lambda product_id, _: (product_id,))
    return Cache(m.background, fetch, FRESH_SECONDS, MOST_PRODUCTS).confirmed_by(confirm)


def _page_cache(m: Machines) -> Cache[int, ProductPage]:
    async def fetch(ids: list[int]) -> dict[int, ProductPage]:
        async with m.db.read() as tx:
            products = await store.select_products(tx, ids)
            groups = {one.group_id for one in products.values() if one.group_id is not None}
            options = await store.select_options(tx, groups) if groups else []
        return {
            number: show_product(one, [option for option in options if option.group_id == one.group_id])
            for number, one in products.items()
        }

    def shown(product_id: int, page: ProductPage) -> Iterable[int]:
        return (product_id, *(option.product_id for option in page.options))

    return Cache(m.background, fetch, FRESH_SECONDS, MOST_PAGES).confirmed_by(_confirm(m, shown))


def _neighbour_cache(m: Machines) -> Cache[int, list[int]]:
    async def fetch(ids: list[int]) -> dict[int, list[int]]:
        async with m.db.read() as tx:
            sold = await store.select_products(tx, ids)
            return {
                number: await store.select_neighbours(tx, one, NEIGHBOURS) for number, one in sold.items()
            }

    return Cache(m.background, fetch, NEIGHBOUR_SECONDS, MOST_PAGES)


def _card_cache(m: Machines) -> Cache[int, ProductCard]:
    async def fetch(ids: list[int]) -> dict[int, ProductCard]:
        async with m.db.read() as tx:
            return {card.product_id: card for card in await read_cards(tx, ids)}

    # An article's number is that of its first option, and of its group.
    confirm = _confirm(m, lambda article_id, _: (article_id,))
    return Cache(m.background, fetch, FRESH_SECONDS, MOST_PAGES * NEIGHBOURS).confirmed_by(confirm)


def _list_cache(m: Machines) -> Cache[_Place, ListPage]:
    async def fetch(places: list[_Place]) -> dict[_Place, ListPage]:
        async with m.db.read() as tx:
            pages = {place: await _read_page(tx, place) for place in places}
        return {place: page for place, page in pages.items() if page is not None}

    return Cache(m.background, fetch, FRESH_SECONDS, MOST_PAGES, refreshed=PAGES_REFRESHED)


def _shelf_cache(m: Machines) -> Cache[str, Shelves]:
    async def fetch(keys: list[str]) -> dict[str, Shelves]:
        async with m.db.read() as tx:
            shelves = await _read_shelves(tx)
        return dict.fromkeys(keys, shelves)

    return Cache(m.background, fetch, FRESH_SECONDS, 1)


async def _read_shelves(tx: Tx) -> Shelves:
    fresh = await store.select_page(tx, "", paging.NEWEST, None, SHELF)
    on_sale = await store.select_discounted(tx, SHELF)
    counted = await _count_options(tx, fresh + on_sale)
    return Shelves(counted[: len(fresh)], counted[len(fresh) :])


def _category_cache(m: Machines) -> Cache[str, list[str]]:
    async def fetch(keys: list[str]) -> dict[str, list[str]]:
        async with m.db.read() as tx:
            names = await store.select_categories(tx)
        return dict.fromkeys(keys, names)

    return Cache(m.background, fetch, CATEGORY_SECONDS, 1)


async def _read_page(tx: Tx, place: _Place) -> ListPage | None:
    """Return a page as the database has it; None for a category that has nothing."""
    cards = await store.select_page(tx, place.category, place.sort, place.after, PAGE_SIZE + 1)
    if place.category and not cards and place.after is None:
        return None
    shown = await _count_options(tx, cards[:PAGE_SIZE])
    next_cursor = paging.write_cursor(place.sort, shown[-1]) if len(cards) > PAGE_SIZE else ""
    return ListPage(shown, next_cursor, is_first=place.after is None)


async def _count_options(tx: Tx, cards: list[ProductCard]) -> list[ProductCard]:
    """Let each card speak for all options of its article."""
    group_ids = {card.group_id for card in cards if card.group_id is not None}
    groups = await store.select_groups(tx, group_ids) if group_ids else {}
    return [_speak_for(card, groups.get(card.group_id or 0)) for card in cards]


def _speak_for(card: ProductCard, group: store.Group | None) -> ProductCard:
    if group is None:
        return card
    label = "" if group.options > 1 else card.option_label
    return replace(card, quantity=group.quantity, option_label=label, options=group.options)
