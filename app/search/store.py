"""What search reads of the database: articles to index, what changed, and, without an index, what matches."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select

from app.infra.db import Tx
from app.models import products, stock_movements
from app.search.article import Article

ON_SALE = "on_sale"
SEARCHED = (products.c.name, products.c.category, products.c.manufacturer)
SOLD = products.c.status == ON_SALE
SOLD_UNINDEXED = func.coalesce(products.c.status, "") == ON_SALE  # read along the primary key instead
# A group's number is the product_id of its first option, and that one stands for the article.
HEAD = or_(products.c.group_id.is_(None), products.c.group_id == products.c.product_id)
TEXTS = ("product_id", "group_id", "name", "category", "country", "manufacturer", "description")
COLUMNS = [products.c[name] for name in (*TEXTS, "price", "list_price", "created_at", "quantity")]
STAMP = [products.c[name] for name in ("updated_at", "version", "quantity", "price", "status")]


@dataclass(frozen=True, slots=True)
class Change:
    """A product that was changed; two equal stamps are one change."""

    product_id: int
    article_id: int
    stamp: tuple[Any, ...]

    @property
    def at(self) -> datetime:
        """When it was changed."""
        changed: datetime = self.stamp[0]
        return changed


async def select_matches(tx: Tx, words: list[str], offset: int, limit: int) -> list[int]:
    """Return the articles that have every word in name, category or maker, the newest number first."""
    query = select(products.c.product_id).where(SOLD_UNINDEXED, HEAD)
    for word in words:
        # lower() because MySQL compares byte by byte here; autoescape makes % and _ plain characters.
        query = query.where(
            or_(*(func.lower(column).contains(word.lower(), autoescape=True) for column in SEARCHED))
        )
    page = query.order_by(products.c.product_id.desc()).offset(offset).limit(limit)
    return list((await tx.execute(page)).scalars())


async def select_next_articles(tx: Tx, after: int, limit: int) -> list[Article]:
    """Return the articles that are sold and follow a number, in its order."""
    heads = select(*COLUMNS).where(SOLD_UNINDEXED, HEAD, products.c.product_id > after)
    return await _read_articles(tx, heads.order_by(products.c.product_id).limit(limit))


async def select_articles(tx: Tx, ids: Iterable[int]) -> list[Article]:
    """Return those of the articles that are sold."""
    return await _read_articles(tx, select(*COLUMNS).where(SOLD, HEAD, products.c.product_id.in_(list(ids))))


async def select_changes(tx: Tx, since: datetime, after: int, limit: int) -> list[Change]:
    """Return products changed at a moment (there, those after a number) or later, the earliest first."""
    moment = products.c.updated_at
    query = (
        select(products.c.product_id, products.c.group_id, *STAMP)
        .where(or_(moment > since, (moment == since) & (products.c.product_id > after)), moment >= since)
        .order_by(moment, products.c.product_id)
        .limit(limit)
    )
    rows: Iterable[Any] = await tx.execute(query)
    return [Change(id_, group_id or id_, tuple(stamp)) for id_, group_id, *stamp in rows]


async def _read_articles(tx: Tx, query: Select[Any]) -> list[Article]:
    heads = (await tx.execute(query)).all()
    groups = [row.group_id for row in heads if row.group_id is not None]
    options = await _select_options(tx, groups) if groups else {}
    ids = [row.product_id for row in heads if row.group_id is None]
    ids += [option.product_id for found in options.values() for option in found]
    sold = await _select_sold(tx, ids) if ids else {}
    return [_read_article(row, options.get(row.group_id, [row]), sold) for row in heads]


async def _select_options(tx: Tx, groups: list[int]) -> dict[int, list[Any]]:
    columns = (products.c.group_id, products.c.product_id, products.c.option_label, products.c.quantity)
    query = select(*columns).where(products.c.group_id.in_(groups), SOLD).order_by(products.c.product_id)
    options: dict[int, list[Any]] = {}
    for row in await tx.execute(query):
        options.setdefault(row.group_id, []).append(row)
    return options


async def _select_sold(tx: Tx, ids: list[int]) -> dict[int, int]:
    """Return how many of each product are held or sold."""
    moved = stock_movements.c
    query = (
        select(moved.product_id, func.sum(moved.delta))
        .where(moved.product_id.in_(ids), moved.web_payment_id.is_not(None))
        .group_by(moved.product_id)
    )
    rows: Iterable[Any] = await tx.execute(query)
    return {product_id: -int(delta) for product_id, delta in rows}


def _read_article(row: Any, options: list[Any], sold: dict[int, int]) -> Article:
    return Article(
        article_id=row.product_id,
        name=row.name,
        category=row.category,
        country=row.country,
        manufacturer=row.manufacturer,
        description=row.description,
        price=row.price,
        list_price=row.list_price,
        created_at=row.created_at,
        labels=tuple(option.option_label for option in options if "option_label" in option._fields),
        quantity=sum(option.quantity for option in options),
        sold=sum(sold.get(option.product_id, 0) for option in options),
    )
