"""Seeding an empty shop."""

import gzip
from pathlib import Path

from sqlalchemy import func, select

from app.core.clock import Clock
from app.infra.db import Database
from app.infra.migrations import migrate
from app.models import products, stock_movements
from app.seed import seed
from tests.shop import Shop
from tests.stack import Stack


async def test_an_empty_shop_is_filled_once(stack: Stack, tmp_path: Path) -> None:
    db = Database(stack.create_database(), Clock())
    await migrate(db)
    pictures = tmp_path / "pictures"
    count = await seed(db, pictures)
    assert count >= 240
    assert await seed(db, pictures) == 0
    async with db.read() as tx:
        rows = (await tx.execute(select(products))).all()
        ledger = await tx.execute(select(stock_movements.c.product_id, stock_movements.c.delta))
        held = {row.product_id: row.delta for row in ledger}
    await db.close()
    assert len(rows) == count
    assert {row.product_id: row.quantity for row in rows} == held
    assert all((pictures / row.image).is_file() for row in rows)
    assert len({row.category for row in rows}) >= 8
    assert any(row.quantity == 0 for row in rows)
    first_of_group = {row.group_id for row in rows if row.group_id is not None}
    assert first_of_group
    assert all(row.group_id == row.product_id for row in rows if row.product_id in first_of_group)


async def test_pictures_that_are_gone_are_drawn_again_under_the_same_names(
    stack: Stack, tmp_path: Path
) -> None:
    db = Database(stack.create_database(), Clock())
    await migrate(db)
    await seed(db, tmp_path / "first", 5)
    assert await seed(db, tmp_path / "second", 5) == 0
    async with db.read() as tx:
        assert (await tx.execute(select(func.count()).select_from(products))).scalar_one() == 5
    await db.close()
    names = [sorted(path.name for path in (tmp_path / folder).iterdir()) for folder in ("first", "second")]
    assert names[0] == names[1]
    assert names[0]


async def test_many_products_are_as_many_as_asked_for(stack: Stack, tmp_path: Path) -> None:
    db = Database(stack.create_database(), Clock())
    await migrate(db)
    assert await seed(db, tmp_path / "pictures", 2500) == 2500
    async with db.read() as tx:
        counted = (await tx.execute(select(func.count()).select_from(products))).scalar_one()
    await db.close()
    assert counted == 2500


async def test_a_picture_is_sent_packed_and_for_ever(shop: Shop) -> None:
    folder = shop.m.settings.data_path / "pictures"
    db = Database(shop.stack.create_database(), Clock())
    await migrate(db)
    await seed(db, folder, 1)
    await db.close()
    name = next(path.name for path in sorted(folder.glob("*.svg")))
    client, packing = shop.app.test_client(), {"Accept-Encoding": "gzip"}
    plain = await client.get(f"/pictures/{name}")
    packed = await client.get(f"/pictures/{name}", headers=packing)
    for answer in (plain, packed):
        assert answer.status_code == 200
        assert answer.content_type == "image/svg+xml; charset=utf-8"
        assert "immutable" in answer.headers["Cache-Control"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert packed.headers["Content-Encoding"] == "gzip"
    drawing = await plain.get_data(as_text=False)
    assert drawing.startswith(b"<svg")
    assert gzip.decompress(await packed.get_data(as_text=False)) == drawing
    for missing in ("none.svg", "../madang.sqlite", "%2e%2e%2fmadang.sqlite"):
        answer = await client.get(f"/pictures/{missing}", headers=packing)
        assert answer.status_code == 404
