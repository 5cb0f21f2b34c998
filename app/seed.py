"""Fills an empty shop: the catalogue of db/, its pictures drawn, its stock on the ledger."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from app.catalog import service as catalog
from app.catalog.product import ON_SALE, Product
from app.core import packing
from app.infra.db import Database
from app.stock import service as stock
from db.pictures import draw
from db.seed import SeedProduct, many, products

BATCH = 1000

New = tuple[Product, datetime]


async def seed(db: Database, pictures: Path, count: int = 0) -> int:
    """Put ``count`` products (0: the catalogue as it is) into an empty shop; return how many that were.

    A shop that has products is left as it is; only pictures that are gone are drawn again.
    """
    async with db.read() as tx:
        is_full = await catalog.has_products(tx)
    if is_full and await asyncio.to_thread(pictures.is_dir):
        return 0
    images = await asyncio.to_thread(draw_pictures, pictures)
    if is_full:
        return 0
    total = 0
    goods = _number(many(count) if count else products(), images, db.clock.now())
    while batch := list(islice(goods, BATCH)):
        async with db.write() as tx:
            await catalog.add_products(tx, batch)
            await stock.set_initial(tx, [(product.product_id, product.quantity) for product, _ in batch])
        total += len(batch)
    return total


def draw_pictures(folder: Path) -> dict[str, str]:
    """Draw every picture of the catalogue; return its file, named by its content, for each plain name."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for good in products():
        picture = draw(good).encode()
        name = Path(good.image)
        files[good.image] = f"{name.stem}-{hashlib.sha256(picture).hexdigest()[:8]}{name.suffix}"
        (folder / files[good.image]).write_bytes(picture)
        for coding in packing.CODINGS:  # no harder than answers: it saves 30 bytes, and takes 1 s
            packed = packing.pack(picture, coding)
            (folder / packing.packed_name(files[good.image], coding)).write_bytes(packed)
    return files


def _number(goods: Iterable[SeedProduct], images: dict[str, str], now: datetime) -> Iterator[New]:
    """Number the goods from 1; a group has the number of its first option.

    Each category brought its goods in by turns, so that what is newest comes from all of them.
    """
    brought: Counter[str] = Counter()
    group, group_id = None, 0
    for product_id, good in enumerate(goods, start=1):
        if good.group is not None and good.group != group:
            group, group_id = good.group, product_id
        product = _product(good, product_id, group_id if good.group else None, images[good.image])
        brought[good.category] += 1
        yield product, now - timedelta(minutes=brought[good.category])


def _product(good: SeedProduct, product_id: int, group_id: int | None, image: str) -> Product:
    return Product(
        product_id=product_id,
        name=good.name,
        price=good.price,
        category=good.category,
        country=good.country,
        manufacturer=good.manufacturer,
        quantity=good.quantity,
        description=good.description,
        list_price=good.list_price,
        group_id=group_id,
        option_label=good.option_label or "",
        image=image,
        status=ON_SALE,
        version=1,
    )
