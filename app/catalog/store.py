"""The catalogue in the database. Lists show one row per article: the first option stands for its group."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, insert, or_, select

from app.catalog.paging import MOST_NUMBER, Position, Sort
from app.catalog.product import ON_SALE, Product, ProductCard
from app.infra.db import Tx
from app.models import products

PRODUCT = [products.c[field.name] for field in fields(Product)]
CARD = [products.c[field.name] for field in fields(ProductCard) if field.name in products.c]
SOLD = products.c.status == ON_SALE
# A group's number is the product_id of its first option.
ARTICLE = or_(products.c.group_id.is_(None), products.c.group_id == products.c.product_id)
# Nearly everything is sold. Said plainly, both databases would look the status up in an index and then
# sort the whole shop; said like this, they walk along the index of the order and stop at a full page.
SOLD_UNINDEXED = func.coalesce(products.c.status, "") == ON_SALE


# A statement takes as long to write as to send: this one is sent twice a second.
CHANGED = (
    select(products.c.product_id, products.c.group_id)
    .where(products.c.updated_at >= bindparam("since"))
    .order_by(products.c.updated_at, products.c.product_id)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Group:
    """The options of one article, counted."""

    options: int
    quantity: int


async def select_products(tx: Tx, ids: Iterable[int]) -> dict[int, Product]:
    """Return the products that are sold, by product_id."""
    known = [product_id for product_id in ids if 0 < product_id <= MOST_NUMBER]
    if not known:
        return {}
    rows = await tx.execute(select(*PRODUCT).where(products.c.product_id.in_(known), SOLD))
    return {row.product_id: _read_product(row) for row in rows}


async def select_changed(tx: Tx, since: datetime, limit: int) -> set[int]:
    """Return the products that were changed at a moment or later, and the groups they belong to."""
    rows: Iterable[Any] = await tx.execute(CHANGED, {"since": since, "most": limit})
    return {number for row in rows for number in row if number is not None}


async def select_options(tx: Tx, group_ids: Iterable[int]) -> list[Product]:
    """Return the products of these groups that are sold."""
    wanted = products.c.group_id.in_(list(group_ids))
    query = select(*PRODUCT).where(wanted, SOLD).order_by(products.c.product_id)
    return [_read_product(row) for row in await tx.execute(query)]


async def select_page(
    tx: Tx, category: str, sort: Sort, after: Position | None, limit: int
) -> list[ProductCard]:
    """Return the cards that follow a place; ``category`` may be '' for the whole shop."""
    column = products.c[sort.column]
    order = (
        (column.desc(), products.c.product_id.desc()) if sort.descending else (column, products.c.product_id)
    )
    shelf = and_(SOLD, products.c.category == category) if category else SOLD_UNINDEXED
    query = select(*CARD).where(ARTICLE, shelf).order_by(*order).limit(limit)
    if after is not None:
        query = query.where(_follows(column, sort, after))
    return await _read_cards(tx, query)


async def select_discounted(tx: Tx, limit: int) -> list[ProductCard]:
    """Return the newest cards whose price was lowered and that can be had."""
    lowered = (products.c.list_price > products.c.price, products.c.quantity > 0)
    query = select(*CARD).where(SOLD_UNINDEXED, ARTICLE, *lowered)
    order = (products.c.created_at.desc(), products.c.product_id.desc())
    return await _read_cards(tx, query.order_by(*order).limit(limit))


async def select_neighbours(tx: Tx, product: Product, limit: int) -> list[int]:
    """Return articles of its category that can be had: those new just before it, then the newest."""
    article = product.group_id or product.product_id
    born = select(products.c.created_at).where(products.c.product_id == article).scalar_subquery()
    query = select(products.c.product_id).where(
        SOLD, products.c.category == product.category, ARTICLE, products.c.quantity > 0,
        products.c.product_id != article,
    )  # fmt: skip
    newest_first = query.order_by(products.c.created_at.desc(), products.c.product_id.desc())
    found = list((await tx.execute(newest_first.where(products.c.created_at <= born).limit(limit))).scalars())
    if len(found) < limit:
        more = newest_first.where(products.c.product_id.not_in(found)).limit(limit - len(found))
        found += (await tx.execute(more)).scalars()
    return found


async def select_cards(tx: Tx, ids: Iterable[int]) -> list[ProductCard]:
    """Return the cards of these products, in any order."""
    return await _read_cards(tx, select(*CARD).where(SOLD, products.c.product_id.in_(list(ids))))


async def select_groups(tx: Tx, group_ids: Iterable[int]) -> dict[int, Group]:
    """Return how many options each group has, and how much is left of them together."""
    query = (
        select(products.c.group_id, func.count(), func.sum(products.c.quantity))
        .where(products.c.group_id.in_(list(group_ids)), SOLD)
        .group_by(products.c.group_id)
    )
    rows: Iterable[Any] = await tx.execute(query)
    return {group_id: Group(options, int(left)) for group_id, options, left in rows}


async def select_categories(tx: Tx) -> list[str]:
    """Return the names of the categories that have something to show."""
    query = select(products.c.category).where(SOLD).distinct().order_by(products.c.category)
    return list((await tx.execute(query)).scalars())


async def select_any(tx: Tx) -> bool:
    """Return whether there is any product at all, sold or not."""
    return (await tx.execute(select(products.c.product_id).limit(1))).first() is not None


async def insert_products(tx: Tx, rows: list[tuple[Product, datetime]]) -> None:
    """Insert products under the numbers they bring, with the moment each was new; search sees the change."""
    now = tx.clock.now()
    values = [asdict(product) | {"created_at": made, "updated_at": now} for product, made in rows]
    await tx.execute(insert(products), values)


def _follows(column: ColumnElement[Any], sort: Sort, after: Position) -> ColumnElement[bool]:
    # Written out, not as a row comparison: that is not used as a range of the index.
    if sort.descending:
        beyond, next_to = column < after.value, products.c.product_id < after.product_id
    else:
        beyond, next_to = column > after.value, products.c.product_id > after.product_id
    return or_(beyond, and_(column == after.value, next_to))


async def _read_cards(tx: Tx, query: Select[Any]) -> list[ProductCard]:
    rows: Iterable[Any] = await tx.execute(query)
    return [ProductCard(*row) for row in rows]


def _read_product(row: Any) -> Product:
    return Product(*row)
