"""Goods for tests: mugs in plenty, the last teapot, a lamp that is sold out, a draft nobody sees."""

import itertools
import secrets
from typing import Any

from sqlalchemy import insert, select, update

from app.catalog import service as catalog
from app.infra.db import Tx
from app.machines import Machines
from app.models import products, stock_movements
from app.web.handout import Sheets

CACHES: tuple[Any, ...] = (
    catalog._product_cache,
    catalog._page_cache,
    catalog._neighbour_cache,
    catalog._card_cache,
    catalog._list_cache,
    catalog._shelf_cache,
    catalog._category_cache,
    Sheets,
)
LETTERS_OF_HEX = str.maketrans("0123456789", "ghijklmnop")
counter = itertools.count(1)


async def mug(m: Machines, **changed: Any) -> int:
    """A mug of 12,000 won; 100 in stock."""
    return await make(m, **{"name": "달빛 머그", "price": 12_000, "quantity": 100} | changed)


async def last_teapot(m: Machines, **changed: Any) -> int:
    """A teapot of 58,000 won; one in stock."""
    return await make(m, **{"name": "마지막 찻주전자", "price": 58_000, "quantity": 1} | changed)


async def sold_out_lamp(m: Machines, **changed: Any) -> int:
    """A lamp nobody can have."""
    return await make(m, **{"name": "품절 등", "price": 90_000, "quantity": 0} | changed)


async def hidden_draft(m: Machines, **changed: Any) -> int:
    """A product that is not shown."""
    return await make(m, **{"name": "숨은 초안", "status": "hidden"} | changed)


async def make(m: Machines, **changed: Any) -> int:
    """Put a product on the shelf, with its stock in the ledger; return its id."""
    now = m.clock.now()
    row = {
        "name": f"물건 {next(counter)}",
        "price": 10_000,
        "category": f"분류-{secrets.token_hex(4)}",
        "country": "대한민국",
        "manufacturer": "마당 공방",
        "quantity": 10,
        "description": "손으로 빚은 물건입니다.",
        "list_price": None,
        "group_id": None,
        "option_label": "",
        "image": "mug.svg",
        "status": "on_sale",
        "version": 1,
        "created_at": now,
        "updated_at": now,
    } | changed
    async with m.db.write() as tx:
        done = await tx.execute(insert(products), row)
        assert done.inserted_primary_key
        product_id = int(done.inserted_primary_key[0])
        movement = {
            "product_id": product_id,
            "web_payment_id": None,
            "reason": "initial",
            "delta": row["quantity"],
            "created_at": now,
        }
        await tx.execute(insert(stock_movements), movement)
    forget(m)
    return product_id


async def change(m: Machines, product_id: int, **values: Any) -> None:
    """Change a product behind the shop's back."""
    values = {"updated_at": m.clock.now()} | values
    async with m.db.write() as tx:
        await tx.execute(update(products).where(products.c.product_id == product_id).values(**values))
    forget(m)


def forget(m: Machines) -> None:
    """Do what a second's wait would do: let this process look at its catalogue anew."""
    for cache in CACHES:
        m._kept.pop(cache, None)


async def stock_of(tx: Tx, product_id: int) -> int:
    """Return what the shelf says."""
    query = select(products.c.quantity).where(products.c.product_id == product_id)
    return int((await tx.execute(query)).scalar_one())


async def make_options(m: Machines, labels: dict[str, int], **changed: Any) -> list[int]:
    """Put one article with several options (label and quantity) on the shelf; return their ids."""
    ids: list[int] = []
    for label, quantity in labels.items():
        group_id = ids[0] if ids else None
        ids.append(await make(m, **changed, option_label=label, quantity=quantity, group_id=group_id))
    await change(m, ids[0], group_id=ids[0])
    return ids


def unheard_of(word: str) -> str:
    """Return the word with a tail that no other test uses, nor any piece that a search would take for it.

    Letters alone are one word. Among digits a search finds several, and goods that have one of them.
    """
    return f"{word} {secrets.token_hex(6).translate(LETTERS_OF_HEX)}"
