"""Search in the database: every word must occur. It reads the catalogue until a page is full."""

from sqlalchemy import func, or_, select

from app.infra.db import Tx
from app.models import products

ON_SALE = "on_sale"
SEARCHED = (products.c.name, products.c.category, products.c.manufacturer)


async def select_matches(tx: Tx, words: list[str], before: int, limit: int) -> list[int]:
    """Return the articles that have every word in name, category or maker, the newest number first."""
    query = select(products.c.product_id).where(
        func.coalesce(products.c.status, "") == ON_SALE,  # no index of it: read along the primary key
        or_(products.c.group_id.is_(None), products.c.group_id == products.c.product_id),
        products.c.product_id < before,
    )
    for word in words:
        # lower() because MySQL compares byte by byte here; autoescape makes % and _ plain characters.
        query = query.where(
            or_(*(func.lower(column).contains(word.lower(), autoescape=True) for column in SEARCHED))
        )
    return list((await tx.execute(query.order_by(products.c.product_id.desc()).limit(limit))).scalars())
