"""What can be asked of the catalogue."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from app.catalog import paging, store
from app.catalog.paging import PAGE_SIZE, Sort
from app.catalog.product import Product, ProductCard, ProductPage, show_product
from app.core.errors import NotFoundError
from app.core.languages import _, ngettext
from app.infra.cache import Cache
from app.infra.db import Tx
from app.machines import Machines

PRODUCT_SECONDS = 1
MOST_PRODUCTS = 20_000
CATEGORY_SECONDS = 10
SHELF = 8


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
    """Return one page of a category, or of the whole shop when it is ''. Raises NotFoundError."""
    after = paging.read_cursor(sort, cursor)
    async with m.db.read() as tx:
        cards = await store.select_page(tx, category, sort, after, PAGE_SIZE + 1)
        if category and not cards and after is None:
            raise NotFoundError("category", say=_("없는 분류입니다. 다른 분류를 골라 주십시오."))
        shown = await _count_options(tx, cards[:PAGE_SIZE])
    next_cursor = paging.write_cursor(sort, shown[-1]) if len(cards) > PAGE_SIZE else ""
    return ListPage(shown, next_cursor, is_first=after is None)


async def find_product_page(m: Machines, product_id: int) -> ProductPage:
    """Return a product's page with its options. Raises NotFoundError for one that is not sold."""
    async with m.db.read() as tx:
        product = (await store.select_products(tx, [product_id])).get(product_id)
        if product is None:
            raise NotFoundError(f"product {product_id}", say=_("없는 상품이거나 더 이상 판매하지 않습니다."))
        group_id = product.group_id
        siblings = [] if group_id is None else await store.select_options(tx, group_id)
    return show_product(product, siblings)


async def find_categories(m: Machines) -> list[str]:
    """Return the names of the categories, a few seconds old; while the database is away, an hour."""
    return (await m.keep(_category_cache).get(["all"])).get("all", [])


async def find_shelves(m: Machines) -> Shelves:
    """Return what is new and what costs less than it did."""
    async with m.db.read() as tx:
        fresh = await store.select_page(tx, "", paging.NEWEST, None, SHELF)
        on_sale = await store.select_discounted(tx, SHELF)
        counted = await _count_options(tx, fresh + on_sale)
    return Shelves(counted[: len(fresh)], counted[len(fresh) :])


async def has_products(tx: Tx) -> bool:
    """Return whether the catalogue holds anything, sold or hidden."""
    return await store.select_any(tx)


async def add_products(tx: Tx, rows: list[tuple[Product, datetime]]) -> None:
    """Add products under the numbers they bring, with the moment each was new; stock opens their ledger."""
    await store.insert_products(tx, rows)


def _product_cache(m: Machines) -> Cache[int, Product]:
    async def fetch(ids: list[int]) -> dict[int, Product]:
        async with m.db.read() as tx:
            return await store.select_products(tx, ids)

    return Cache(fetch, PRODUCT_SECONDS, MOST_PRODUCTS)


def _category_cache(m: Machines) -> Cache[str, list[str]]:
    async def fetch(keys: list[str]) -> dict[str, list[str]]:
        async with m.db.read() as tx:
            names = await store.select_categories(tx)
        return dict.fromkeys(keys, names)

    return Cache(fetch, CATEGORY_SECONDS, 1)


async def _count_options(tx: Tx, cards: list[ProductCard]) -> list[ProductCard]:
    """Let each card speak for all options of its article."""
    group_ids = {card.group_id for card in cards if card.group_id is not None}
    groups = await store.select_groups(tx, group_ids) if group_ids else {}
    return [_speak_for(card, groups.get(card.group_id or 0)) for card in cards]


def _speak_for(card: ProductCard, group: store.Group | None) -> ProductCard:
    if group is None:
        return card
    label = ngettext("옵션 %(num)s가지", "옵션 %(num)s가지", group.options) if group.options > 1 else ""
    return replace(card, quantity=group.quantity, option_label=label)
