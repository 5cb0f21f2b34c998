"""Rows in plenty: so much in the tables that a walk through one of them shows."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, insert, text

from app.infra.db import Database
from app.models import cart_heads, carts, order_lines, orders, products, web_payments

BATCH = 1000
SHELVES = 12
OWNERS = 150
WHEN = datetime(2026, 11, 1)  # noqa: DTZ001 - naive UTC, as the database stores it


async def fill(db: Database, table: Table, count: int) -> None:
    """Put so many rows into an empty table."""
    row = ROWS[table]
    for start in range(0, count, BATCH):
        async with db.write() as tx:
            await tx.execute(insert(table), [row(n + 1) for n in range(start, min(start + BATCH, count))])


async def analyse(db: Database, tables: Iterable[Table]) -> None:
    """Let the engine learn what is in its tables."""
    names = ["ANALYZE"] if db.is_sqlite else [f"ANALYZE TABLE {table.name}" for table in tables]
    async with db.write() as tx:
        for words in names:
            await tx.execute(text(words))


def _product(n: int) -> dict[str, Any]:
    return {
        "product_id": n,
        "name": f"물건 {n}",
        "price": 1000 + n,
        "category": f"분류-{n % SHELVES}",
        "country": "대한민국",
        "manufacturer": "마당 공방",
        "quantity": 10,
        "description": "",
        "list_price": 2000 + n if n % 5 == 0 else None,
        "group_id": n - n % 30 + 1 if n % 30 in {1, 2} else None,
        "option_label": "",
        "image": "mug.svg",
        "status": "hidden" if n % 50 == 0 else "on_sale",
        "version": 1,
        "created_at": WHEN + timedelta(minutes=n),
        "updated_at": WHEN,
    }


def _order(n: int) -> dict[str, Any]:
    return {
        "order_id": n,
        "order_no": f"no-{n}",
        "owner": f"g:owner-{n % OWNERS}",
        "user_id": None,
        "cart_stamp": n,
        "status": "PAID",
        "open_slot": None,
        "total_quantity": 1,
        "items_price": 1000,
        "delivery_fee": 0,
        "total_price": 1000,
        "recipient_name": "",
        "recipient_phone": "",
        "postcode": "",
        "address1": "",
        "address2": "",
        "delivery_note": "",
        "expires_at": WHEN,
        "paid_at": WHEN,
        "created_at": WHEN,
        "updated_at": WHEN,
    }


def _order_line(n: int) -> dict[str, Any]:
    what = {"order_line_id": n, "order_id": n, "product_id": n, "name": "", "option_label": ""}
    return what | {"image": "", "price": 1000, "quantity": 1}


def _attempt(n: int) -> dict[str, Any]:
    return {
        "web_payment_id": n,
        "user_id": None,
        "signup_id": None,
        "total_quantity": 1,
        "total_price": 1000,
        "customer_name": "",
        "customer_phone": "",
        "payment_status": "PAID",
        "order_id": n,
        "payment_no": f"payment-{n}",
        "payment_key": f"key-{n}",
        "idempotency_key": None,
        "failure_code": None,
        "open_slot": None,
        "confirming_at": None,
        "next_check_at": WHEN if n % 100 == 0 else None,
        "checks": 0,
        "created_at": WHEN,
        "updated_at": WHEN,
    }


def _cart_line(n: int) -> dict[str, Any]:
    return {
        "cart_id": n,
        "product_id": n,
        "user_id": None,
        "signup_id": None,
        "quantity": 1,
        "owner": f"g:owner-{n % OWNERS}",
        "stamp": n,
        "created_at": WHEN,
        "updated_at": WHEN,
    }


def _head(n: int) -> dict[str, Any]:
    return {"owner": f"g:owner-{n - 1}", "last_stamp": n, "cleared_stamp": 0, "updated_at": WHEN}


ROWS: dict[Table, Callable[[int], dict[str, Any]]] = {
    products: _product,
    orders: _order,
    order_lines: _order_line,
    web_payments: _attempt,
    carts: _cart_line,
    cart_heads: _head,
}
