"""No page or edit walks through a whole table or sorts one: what it asks the database, an index answers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import event

from app.cart import store as carts
from app.catalog import paging
from app.catalog import store as catalog
from app.core.clock import Clock
from app.infra.db import Database, Tx
from app.infra.migrations import migrate
from app.models import cart_heads, order_lines, orders, products, web_payments
from app.models import carts as cart_lines
from app.orders import store as orders_store
from app.payments import store as payments
from tests.plenty import OWNERS, WHEN, analyse, fill
from tests.stack import Stack

COUNT = 3000  # so many that no engine thinks a whole table is as good
MORE_THAN_A_PAGE = 200  # rows; that many may be sorted
FULL = (products, orders, order_lines, web_payments, cart_lines, cart_heads)
OWNER = "g:owner-7"
AFTER = {
    "created_at": paging.Position(WHEN + timedelta(minutes=COUNT // 2), COUNT // 2),
    "price": paging.Position(1000 + COUNT // 2, COUNT // 2),
}

pytestmark = pytest.mark.real_first

Ask = Callable[[Tx], Awaitable[object]]
LISTS: dict[str, Ask] = {
    f"list of {shelf or 'all'} by {sort.key}, {'middle' if after else 'first'}": partial(
        catalog.select_page, category=shelf, sort=sort, after=after, limit=25
    )
    for shelf in ("", "분류-3")
    for sort in paging.SORTS
    for after in (None, AFTER[sort.column])
}
ASKED: dict[str, Ask] = LISTS | {
    "products of a cart": lambda tx: catalog.select_products(tx, range(100, 150)),
    "cards of a search": lambda tx: catalog.select_cards(tx, range(100, 124)),
    "changed products": lambda tx: catalog.select_changed(tx, WHEN + timedelta(minutes=COUNT - 20), 500),
    "options": lambda tx: catalog.select_options(tx, [31, 61]),
    "counted options": lambda tx: catalog.select_groups(tx, range(1, 25)),
    "lowered prices": lambda tx: catalog.select_discounted(tx, 8),
    "cart": lambda tx: carts.select_cart(tx, OWNER),
    "order": lambda tx: orders_store.select_by_no(tx, "no-77"),
    "open order": lambda tx: orders_store.select_open(tx, OWNER),
    "history, first": lambda tx: orders_store.select_page(tx, OWNER, "", 11),
    "history, further": lambda tx: orders_store.select_page(tx, OWNER, "no-2707", 11),
    "last recipient": lambda tx: orders_store.select_last_recipient(tx, OWNER),
    "paid stamp": lambda tx: orders_store.select_paid_stamp(tx, OWNER),
    "attempt": lambda tx: payments.select_by_no(tx, "payment-77"),
    "attempts of a page": lambda tx: payments.select_of_orders(tx, range(70, 81)),
    "due attempts": lambda tx: payments.select_due(tx, 20, pending=False),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def full(stack: Stack) -> AsyncIterator[Database]:
    """A database with so much in it that a scan would show."""
    db = Database(stack.create_database(), Clock())
    await migrate(db)
    for table in FULL:
        await fill(db, table, OWNERS if table is cart_heads else COUNT)
    await analyse(db, FULL)
    yield db
    await db.close()


@pytest.mark.parametrize("what", ASKED)
async def test_an_index_answers(full: Database, what: str) -> None:
    async with full.read() as tx:
        with listening(full) as asked:
            await ASKED[what](tx)
        plans = [await explain(full, tx, *one) for one in asked]
    assert asked
    assert [step for plan in plans for step in plan] == [], asked


async def test_a_scan_and_a_sort_would_be_noticed(full: Database) -> None:
    """The judge judges: what has no index is found out."""
    async with full.read() as tx:
        assert await explain(full, tx, "SELECT * FROM products WHERE manufacturer = 'x'", ())
        if not full.is_sqlite:
            sorted_ = "SELECT * FROM products WHERE status = 'on_sale' ORDER BY name LIMIT 25"
            assert await explain(full, tx, sorted_, ())


@contextmanager
def listening(db: Database) -> Iterator[list[tuple[str, Any]]]:
    """Note what is sent to the database."""
    heard: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        heard.append((statement, parameters))

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    yield heard
    event.remove(db.engine.sync_engine, "before_cursor_execute", note)


async def explain(db: Database, tx: Tx, statement: str, parameters: Any) -> list[Any]:
    """Return the steps of a statement's plan that read or sort more than a page."""
    words = f"EXPLAIN {'QUERY PLAN ' if db.is_sqlite else ''}{statement}"
    rows = (await tx.conn.exec_driver_sql(words, parameters)).mappings().all()
    judge = _is_bad_lite if db.is_sqlite else _is_bad
    return [dict(row) for row in rows if judge(row)]


def _is_bad(step: Any) -> bool:
    """As MariaDB and MySQL tell it: ALL is the whole table, a filesort sorts what it read."""
    sorts = "Using filesort" in (step["Extra"] or "") and int(step["rows"] or 0) > MORE_THAN_A_PAGE
    return step["type"] == "ALL" or sorts


def _is_bad_lite(step: Any) -> bool:
    """As SQLite tells it: a SCAN without an index. It does not tell how much it sorts."""
    said = step["detail"]
    return said.startswith("SCAN") and "INDEX" not in said and "CONSTANT" not in said
