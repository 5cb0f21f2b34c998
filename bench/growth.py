"""The same pages and edits with a small shop and with large ones: median ms of each, and how they grow."""

import argparse
import asyncio
import base64
import os
import random
import signal
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import uvloop
from sqlalchemy import Table

from app.cart import store as carts
from app.cart.snapshot import SnapLine, Snapshot
from app.catalog import paging
from app.catalog import store as catalog
from app.catalog.paging import EPOCH
from app.core.clock import Clock, epoch_us
from app.infra.db import Database, Tx
from app.infra.migrations import migrate
from app.machines import build_machines
from app.models import cart_heads, order_lines, orders, products, web_payments
from app.models import carts as cart_lines
from app.orders import service as placed
from app.orders import store as history
from app.orders.order import NewOrder, OrderLine, Recipient
from app.payments import service as paying
from app.payments import store as payments
from app.stock import service as stock
from bench.client import Wire, compose
from bench.cost import find_cast
from bench.ground import Ground, add, standing
from bench.machine import complain, warn_if_busy
from bench.wrk import WrongAnswerError
from sandbox.mariadb import MariaDB
from tests.plenty import ROWS, WHEN, analyse
from tests.processes import RECIPIENT, RunningShop, serving
from tests.shop import settings_for
from tests.stack import Stack, real

TIMES = 100
CART = 5
ORDERS_EACH = 20  # of every shopper of every size: the first page of a history is full
FEW = 1000  # products, where only the carts grow
CHUNK = 100_000
LIMIT_SECONDS = 1800
FULL = (products, orders, order_lines, web_payments, cart_heads, cart_lines)
LATER = WHEN + timedelta(days=3650)


Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Size:
    """A shop of one size: how many products and carts, its machines' addresses, its database, its folder."""

    count: int
    carts: int
    stack: Stack
    db: Database
    folder: Path


def main(args: list[str]) -> int:
    """Fill a shop of each size, ask all of them the same in turn, and print them side by side."""
    parser = argparse.ArgumentParser(prog="./dev bench growth", description=__doc__)
    parser.add_argument("--sizes", default="1000,100000", help="products, orders and carts of each shop")
    parser.add_argument("--carts", default="", help=f"only carts, in shops of {FEW:,} products")
    options = parser.parse_args(args)
    sizes = [int(size) for size in (options.carts or options.sizes).split(",")]
    shops = [(FEW if options.carts else size, size) for size in sizes]
    warn_if_busy()
    try:
        with tempfile.TemporaryDirectory(prefix="madang-bench-") as folder, real(Path(folder)) as stack:
            rows = uvloop.run(measure(stack, Path(folder), shops))
    except TimeoutError:
        return complain(f"Nothing was measured: this machine was not done in {LIMIT_SECONDS} s.")
    print(f"{'median ms':<34}" + "".join(f"{size:>12,}" for size in sizes) + f"{'last/first':>12}")
    for name, figures in rows.items():
        shown = "".join(f"{one:>12.2f}" for one in figures)
        print(f"{name:<34}{shown}{figures[-1] / figures[0]:>12.2f}")
    return 0


async def measure(stack: Stack, folder: Path, shops: list[tuple[int, int]]) -> dict[str, list[float]]:
    """Fill the shops; ask each database what pages and edits ask; then ask each running shop for them."""
    async with asyncio.timeout(LIMIT_SECONDS):
        sizes = [await open_size(stack, folder / f"{count}-{held}", count, held) for count, held in shops]
        rows: dict[str, list[float]] = {}
        for kind, write in ((questions, False), (edits, True)):
            asked = [
                {name: partial(in_transaction, size.db, ask, write) for name, ask in kind(size).items()}
                for size in sizes
            ]
            rows |= {f"database: {name}": await in_turn([one[name] for one in asked]) for name in asked[0]}
        async with AsyncExitStack() as running:
            visited = [await running.enter_async_context(visiting(size)) for size in sizes]
            rows |= {name: await in_turn([one[name] for one in visited]) for name in visited[0]}
        for size in sizes:
            await size.db.close()
        return rows


async def open_size(stack: Stack, folder: Path, count: int, held: int) -> Size:
    """Make a shop with so much of everything, and so many carts."""
    await asyncio.to_thread(folder.mkdir)
    here = replace(stack, database_url=stack.create_database())
    db = Database(here.database_url, Clock())
    await migrate(db)
    began = time.perf_counter()
    for table in FULL:
        rows = {cart_heads: held, cart_lines: CART * held}.get(table, count)
        await load(here, folder, table, rows)
    await analyse(db, FULL)
    took = time.perf_counter() - began
    print(f"{count:,} of everything, {held:,} carts: filled in {took:.0f} s", flush=True)
    return Size(count, held, here, db, folder)


async def in_turn(asks: list[Ask]) -> list[float]:
    """Return the median ms of each, asked in turn, so that all meet the same load."""
    taken: list[list[float]] = [[] for _ in asks]
    pairs = list(zip(asks, taken, strict=True))
    shuffled = random.Random(5)  # noqa: S311 - the same order every time
    for _ in range(TIMES):
        shuffled.shuffle(pairs)
        for ask, seconds in pairs:
            began = time.perf_counter()
            await ask()
            seconds.append(time.perf_counter() - began)
    return [statistics.median(seconds) * 1000 for seconds in taken]


async def in_transaction(db: Database, ask: Callable[[Tx], Awaitable[object]], write: bool) -> None:  # noqa: FBT001 - partial
    """Ask, or write, in a transaction of its own."""
    async with db.write() if write else db.read() as tx:
        await ask(tx)


# Filling.


async def load(stack: Stack, folder: Path, table: Table, count: int) -> None:
    """Put so many rows into an empty table, from a file that the server reads itself."""
    assert isinstance(stack.database, MariaDB)  # noqa: S101 - that is what real() starts
    path = folder / f"{table.name}.rows"
    names = list(row_of(table, 1, count))
    for start in range(0, count, CHUNK):
        with path.open("w", encoding="utf-8") as file:
            for n in range(start + 1, min(start + CHUNK, count) + 1):
                file.write("\t".join(map(written, row_of(table, n, count).values())) + "\n")
        name = f"{urlsplit(stack.database_url).path[1:]}.{table.name}"
        words = f"LOAD DATA INFILE '{path}' INTO TABLE {name} CHARACTER SET utf8mb4 ({', '.join(names)})"
        await asyncio.to_thread(stack.database.administer, words)
    path.unlink(missing_ok=True)


def row_of(table: Table, n: int, count: int) -> dict[str, Any]:
    """Return a row as tests/plenty.py makes it; a cart has five lines, and a history two pages."""
    row = ROWS[table](n)
    if table is orders:
        row |= {"owner": f"g:owner-{n % max(count // ORDERS_EACH, 1)}"}
    if table is cart_lines:
        row |= {"owner": f"g:owner-{(n - 1) // CART}", "product_id": (n - 1) % FEW + 1}
    return row


def written(value: object) -> str:
    """Return a value as a file of rows has it."""
    return "\\N" if value is None else value.isoformat(" ") if isinstance(value, datetime) else str(value)


# What pages ask the database, and what edits write.


def questions(shop: Size) -> dict[str, Callable[[Tx], Awaitable[object]]]:
    """Return what is asked, by what for."""
    middle = shop.count // 2
    places = {
        "first": None,
        "middle": paging.Position(WHEN + timedelta(minutes=middle), middle),
        "last": paging.Position(WHEN + timedelta(minutes=20), 20),
    }
    found: dict[str, Callable[[Tx], Awaitable[object]]] = {}
    for shelf in ("", "분류-3"):
        for where, after in places.items():
            found[f"{'category' if shelf else 'whole shop'}, {where} page"] = partial(
                catalog.select_page, category=shelf, sort=paging.NEWEST, after=after, limit=25
            )
    return found | {
        "product": lambda tx: catalog.select_products(tx, [middle]),
        "goods of a cart of 50": lambda tx: catalog.select_products(tx, range(middle, middle + 50)),
        "cart": lambda tx: carts.select_cart(tx, f"g:owner-{shop.carts // 2}"),
        "order": lambda tx: history.select_by_no(tx, f"no-{middle}"),
        "history, first page": lambda tx: history.select_page(tx, "g:owner-7", "", 11),
        "attempt": lambda tx: payments.select_by_no(tx, f"payment-{middle}"),
        "due attempts": lambda tx: payments.select_due(tx, 20, pending=False),
    }


def edits(shop: Size) -> dict[str, Callable[[Tx], Awaitable[object]]]:
    """Return what is written, by what for; each time it is another product, and some cart."""
    size, shuffled = shop.count, random.Random(7)  # noqa: S311 - the same every time
    numbers = iter(shuffled.sample(range(1, size), min(size - 1, 4 * TIMES)))

    async def edit(tx: Tx) -> None:
        number = shuffled.randrange(shop.carts)
        stamp = epoch_us(tx.clock.now())
        line = SnapLine(CART * number % FEW + 1, 3, stamp)
        await carts.upsert_carts(tx, [Snapshot(f"g:owner-{number}", stamp, 0, (line,))])

    async def order(tx: Tx) -> None:
        n = next(numbers)
        line = OrderLine(n, "", "", "mug.svg", 1000, 1)
        to = Recipient("김민지", "01012345678", "04524", "서울", "", "")
        new = NewOrder(f"g:new-{n}", None, 1, (line,), 3000, to, LATER)
        await paying.open_attempt(tx, await placed.place(tx, new), None)

    async def reserve(tx: Tx) -> None:
        n = next(numbers)
        if await stock.reserve(tx, 10 * size + n, [(n, 1)]):
            raise WrongAnswerError(f"nothing left of {n}")

    return {"cart edit joined": edit, "order placed": order, "goods held": reserve}


# What shoppers ask the running shop.


@asynccontextmanager
async def visiting(size: Size) -> AsyncIterator[dict[str, Ask]]:
    """Run a shop, and give what is asked of it: every time it is goods that nobody looked at before."""
    trusting = {"TRUSTED_PROXIES": "127.0.0.1/32"}
    async with serving(size.stack, size.folder, **trusting) as shop, standing(size.stack) as stand:
        m = build_machines(replace(settings_for(size.stack, size.folder), public_url=shop.url))
        with standing_still(shop):
            seen = [n for n in range(1, size.count) if n % 50]  # every fiftieth is hidden
            some = random.Random(9).sample(seen, min(size.count // 2, 20 * TIMES))  # noqa: S311 - the same every time
            ground = Ground(shop, "", m, stand, some, find_cast())
            wire = Wire(shop.url)
            asked = await visits(ground, size.count)
            yield {name: partial(visit, wire, iter(requests)) for name, requests in asked.items()}
            wire.close()
        await m.close()


async def visit(wire: Wire, requests: Iterator[bytes]) -> None:
    """Ask for the next one. Raises WrongAnswerError."""
    request = next(requests)
    reply = await wire.ask(request)
    if reply.status not in {200, 303}:
        raise WrongAnswerError(f"{reply.status} to {request[:80].decode()}")


@contextmanager
def standing_still(shop: RunningShop) -> Iterator[None]:
    """Let the worker stand still: at first it reads every product into the search index, for minutes."""
    pids = shop.pids("worker")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def visits(ground: Ground, size: int) -> dict[str, list[bytes]]:
    """Return requests by what they are."""
    turns = range(TIMES)
    fresh = iter(ground.goods)
    guests = [await ground.guest(CART) for _ in turns]
    places = {"first": "", "middle": cursor(size // 2), "last": cursor(20)}
    found = {"page: home": [compose("GET", "/", caller=turn) for turn in turns]}
    for where, after in places.items():
        path = f"/products?category={quote('분류-3')}&after={after}"
        found[f"page: category, {where}"] = [compose("GET", path, caller=turn) for turn in turns]
    found["page: product"] = [compose("GET", f"/products/{next(fresh)}", caller=turn) for turn in turns]
    found["page: cart of five"] = [guest.read("/cart") for guest in guests]
    found["edit: put into the cart"] = [guest.edit("/cart/lines", 0, **add(next(fresh))) for guest in guests]
    found["edit: set a quantity"] = [
        guest.edit(f"/cart/lines/{guest.goods[0]}", 0, quantity=3) for guest in guests
    ]
    found["edit: remove a line"] = [
        guest.edit(f"/cart/lines/{guest.goods[1]}/removal", 0) for guest in guests
    ]
    found["edit: review of an order"] = [guest.edit("/checkout", 0, **RECIPIENT) for guest in guests]
    return found


def cursor(number: int) -> str:
    """Return where a list page starts that goes on after a product."""
    when = (WHEN + timedelta(minutes=number) - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{paging.NEWEST.key}.{when}.{number}".encode()).decode().rstrip("=")
