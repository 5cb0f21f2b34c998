"""What pages ask the database, with a small shop and with a large one: median ms of each question."""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from app.cart import store as carts
from app.catalog import paging
from app.catalog import store as catalog
from app.core.clock import Clock
from app.infra.db import Database, Tx
from app.infra.migrations import migrate
from app.models import carts as cart_lines
from app.models import order_lines, orders, products
from app.orders import store as history
from bench.machine import complain, warn_if_busy
from sandbox.children import MissingProgram, ServerFailed
from sandbox.mariadb import MariaDB
from tests.plenty import WHEN, analyse, fill

TIMES = 60
FULL = (products, cart_lines, orders, order_lines)


def main(args: list[str]) -> int:
    """Measure at each size, and print them side by side."""
    parser = argparse.ArgumentParser(prog="./dev bench growth", description=__doc__)
    parser.add_argument("--sizes", default="1000,100000", help="products, orders and cart lines of each shop")
    sizes = [int(size) for size in parser.parse_args(args).sizes.split(",")]
    warn_if_busy()
    try:
        with tempfile.TemporaryDirectory(prefix="madang-bench-") as folder:
            server = MariaDB(Path(folder) / "mariadb")
            server.start()
            try:
                columns = [asyncio.run(measure(server.create_database(), size)) for size in sizes]
            finally:
                server.stop()
    except (MissingProgram, ServerFailed) as trouble:
        return complain(f"Nothing was measured: {trouble}")
    print(f"{'median ms':<28}" + "".join(f"{size:>12,}" for size in sizes) + f"{'last/first':>12}")
    for name in columns[0]:
        figures = [column[name] for column in columns]
        print(
            f"{name:<28}" + "".join(f"{one:>12.2f}" for one in figures) + f"{figures[-1] / figures[0]:>12.2f}"
        )
    return 0


async def measure(url: str, size: int) -> dict[str, float]:
    """Fill a shop, and ask it what its pages ask."""
    db = Database(url, Clock())
    await migrate(db)
    began = time.perf_counter()
    for table in FULL:
        await fill(db, table, size)
    await analyse(db, FULL)
    print(f"{size:,} of everything: filled in {time.perf_counter() - began:.0f} s", flush=True)
    found = {name: await median_ms(db, ask) for name, ask in questions(size).items()}
    await db.close()
    return found


def questions(size: int) -> dict[str, Callable[[Tx], Awaitable[object]]]:
    """Return what is asked, by what for."""
    places = {
        "first": None,
        "middle": paging.Position(WHEN + timedelta(minutes=size // 2), size // 2),
        "last": paging.Position(WHEN + timedelta(minutes=20), 20),
    }
    found: dict[str, Callable[[Tx], Awaitable[object]]] = {}
    for shelf in ("", "분류-3"):
        for where, after in places.items():
            found[f"{'category' if shelf else 'whole shop'}, {where} page"] = partial(
                catalog.select_page, category=shelf, sort=paging.NEWEST, after=after, limit=25
            )
    middle = size // 2
    return found | {
        "product page": lambda tx: catalog.select_products(tx, [middle]),
        "goods of a cart of 50": lambda tx: catalog.select_products(tx, range(middle, middle + 50)),
        "cart": lambda tx: carts.select_cart(tx, "g:owner-7"),
        "order": lambda tx: history.select_by_no(tx, f"no-{middle}"),
        "history, first page": lambda tx: history.select_page(tx, "g:owner-7", "", 11),
    }


async def median_ms(db: Database, ask: Callable[[Tx], Awaitable[object]]) -> float:
    """Return how long a question takes, its transaction with it."""
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        async with db.read() as tx:
            await ask(tx)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000
