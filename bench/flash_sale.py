"""A flash sale: one product that everybody wants; reservations/s, the whole rush over HTTP, all sold once."""

import argparse
import asyncio
import concurrent.futures
import multiprocessing
import re
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from html import unescape
from pathlib import Path

import uvloop
from sqlalchemy import func, insert, select, update

from app.infra.db import Database
from app.infra.migrations import migrate
from app.machines import Machines, build_machines
from app.models import order_lines, orders, products, stock_movements, web_payments
from app.orders import service as order_service
from app.orders.order import Order
from app.payments import store as payments
from app.payments.attempt import Attempt
from app.payments.turns.claim import Claim, claim
from app.payments.turns.service import CLAIM_AT_ONCE
from app.settings import Settings
from app.stock import service as stock
from bench.client import Wire, compose, send_paced
from bench.ground import PACKED, PLAIN, Ground, each, open_ground
from bench.machine import complain, warn_if_busy
from bench.wrk import Answers, WrongAnswerError
from sandbox.mariadb import MariaDB
from tests.plenty import ROWS, fill
from tests.toss_stand import Stand

HOT = 1
LIMIT_SECONDS = 600
ROW = {1: 500, CLAIM_AT_ONCE: 5_000}  # so many together, of so many arrivals: a rate needs no more
RUSH_SECONDS = 10
READS_PER_SECOND = 20
BATCH = 500
REFRESH = re.compile(rb"(?i)\r\nrefresh: (\d+)")
AGAIN = re.compile(rb'data-hx-get="([^"]+)" data-hx-trigger="every (\d+)s"')
VERDICT = re.compile(rb'class="verdict (\w+)"')


def main(args: list[str]) -> int:
    """Measure the row alone, then the whole sale over HTTP."""
    parser = argparse.ArgumentParser(prog="./dev bench flash_sale", description=__doc__)
    parser.add_argument("--arrivals", type=int, default=10_000)
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--row-only", action="store_true", help="no HTTP: what the product's row can do")
    options = parser.parse_args(args)
    warn_if_busy()
    try:
        with tempfile.TemporaryDirectory(prefix="madang-bench-") as folder:
            return uvloop.run(measure(Path(folder), options))
    except TimeoutError:
        return complain(f"Nothing was measured: this machine was not done in {LIMIT_SECONDS} s.")


async def measure(folder: Path, options: argparse.Namespace) -> int:
    """Print what the row can do, and what becomes of a rush."""
    async with asyncio.timeout(LIMIT_SECONDS):
        server = MariaDB(folder / "row")
        server.start()
        try:
            for together, most in ROW.items():
                arrivals = min(options.arrivals, most)
                for units in (arrivals, min(options.units, arrivals // 10)):
                    print(await sell(server.create_database(), arrivals, units, together), flush=True)
        finally:
            server.stop()
        if not options.row_only:
            async with open_ground(folder / "ground") as ground:
                print(await rush(ground, options.arrivals, options.units), flush=True)
    return 0


# The row alone: what one process claims, without anybody to answer.


async def sell(url: str, arrivals: int, units: int, together: int) -> str:
    """Claim for everybody as the shop does, so many in one transaction; return what came of it."""
    m = build_machines(Settings(database_url=url))
    await migrate(m.db)
    await fill(m.db, products, 10)
    await put_on_shelf(m.db, HOT, units)
    claims = [
        Claim(*one, payment_key=f"key-{number}") for number, one in enumerate(await line_up(m, HOT, arrivals))
    ]
    began = time.perf_counter()
    for start in range(0, arrivals, together):
        await claim(m, claims[start : start + together])
    took = time.perf_counter() - began
    sold = await count_sold(m.db, HOT, units)
    await m.db.close()
    rates = f"{arrivals / took:,.0f} answers/s, {sold / took:,.0f} reservations/s"
    what = f"{arrivals:,} arrivals for {units:,} units, {together} at a time"
    return f"{what}: {sold:,} sold in {took:.1f} s ({rates}), ledger balanced"


async def put_on_shelf(db: Database, product_id: int, units: int) -> None:
    """Let there be so many of a product, and its ledger say so."""
    async with db.write() as tx:
        this = products.c.product_id == product_id
        await tx.execute(update(products).where(this).values(quantity=units))
        moves = stock_movements.c.product_id == product_id
        await tx.execute(stock_movements.delete().where(moves))
        await stock.set_initial(tx, [(product_id, units)])


async def count_sold(db: Database, product_id: int, units: int) -> int:
    """Return how many are gone. Raises WrongAnswerError if shelf, ledger and attempts disagree."""
    async with db.read() as tx:
        left = (await stock.read_left(tx, [product_id]))[product_id]
        moved = select(func.sum(stock_movements.c.delta)).where(stock_movements.c.product_id == product_id)
        ledger = int((await tx.execute(moved)).scalar_one())
        holding = web_payments.c.payment_status.in_(("CONFIRMING", "PAID"))
        held = int(
            (await tx.execute(select(func.count()).select_from(web_payments).where(holding))).scalar_one()
        )
    if not left == ledger == units - held or left < 0:
        raise WrongAnswerError(f"{units} units, {held} held, but {left} left and {ledger} in the ledger")
    return held


async def line_up(m: Machines, product_id: int, count: int) -> list[tuple[Attempt, Order]]:
    """Let so many have ordered one of a product and be away to pay; return their attempts and orders.

    Straight into the tables, in bulk: what a checkout leaves there, without its carts.
    """
    later = m.clock.now() + timedelta(minutes=30)
    found: list[tuple[Attempt, Order]] = []
    for start in range(0, count, BATCH):
        numbers = range(start + 1, min(start + BATCH, count) + 1)
        unpaid = {"status": "PENDING", "open_slot": 1, "paid_at": None, "expires_at": later}
        async with m.db.write() as tx:
            rows = [ROWS[orders](n) | unpaid | {"owner": f"g:flash-{n}"} for n in numbers]
            await tx.execute(insert(orders), rows)
            lines = [ROWS[order_lines](n) | {"product_id": product_id} for n in numbers]
            await tx.execute(insert(order_lines), lines)
            placed = await order_service.read_orders(tx, numbers)
            await payments.insert_attempts(tx, [(order, None, later) for order in placed.values()])
        async with m.db.read() as tx:
            mine = web_payments.c.order_id.in_(numbers)
            nos = (await tx.execute(select(web_payments.c.payment_no).where(mine))).scalars().all()
            opened = (await payments.select_by_numbers(tx, nos)).values()
        found += [(attempt, placed[attempt.order_id]) for attempt in opened]
    return found


# The whole sale: everybody comes back from Toss within ten seconds.


@dataclass(slots=True)
class Seen:
    """What the crowd was answered."""

    statuses: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    shown_a_place: int = 0
    first: list[float] = field(default_factory=list)  # seconds until somebody saw a page
    last: list[float] = field(default_factory=list)  # seconds until somebody knew


async def rush(ground: Ground, arrivals: int, units: int) -> str:
    """Let everybody come within ten seconds while others look at products; return the report."""
    hot = ground.goods[0]
    await put_on_shelf(ground.m.db, hot, units)
    tried = await line_up(ground.m, hot, arrivals)
    print(f"{arrivals:,} have ordered; now each presses the button in Toss's window", flush=True)
    keys = await each(arrivals, lambda number: approve(ground.stand, tried[number][0]))
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as others:
        watching = partial(
            asyncio.get_running_loop().run_in_executor, others, look, ground.url, ground.goods[1]
        )
        quiet = await watching()
        seen, began = Seen(), time.perf_counter()
        looking = watching()
        shoppers = [
            come_back(ground.url, number, back(attempt, key), began + RUSH_SECONDS * number / arrivals, seen)
            for number, ((attempt, _), key) in enumerate(zip(tried, keys, strict=True))
        ]
        await asyncio.gather(*shoppers)
        took = time.perf_counter() - began
        meanwhile = await looking
    await all_settled(ground.m)
    sold = await count_sold(ground.m.db, hot, units)
    charges = (await ground.stand.ledger())["charges"]
    charged = sum(charges.get(attempt.payment_no, 0) for attempt, _ in tried)
    if charged != sold or sold != min(units, arrivals):
        raise WrongAnswerError(f"{sold} sold, but {charged} charged")
    before, during = (f"p50 {one.p50:.0f}, p99 {one.p99:.0f} ms" for one in (quiet, meanwhile))
    return "\n".join(
        [
            f"{arrivals:,} arrivals in {RUSH_SECONDS} s for {units:,} units, over HTTP, one web process:",
            f"  {sold:,} sold, {charged:,} charged, ledger balanced; all had their answer after {took:.1f} s",
            f"  ends: {told(seen.ends)}; statuses: {told(seen.statuses)}",
            f"  {seen.shown_a_place:,} were shown their place in the line",
            f"  first page: {spread(seen.first)}; answer: {spread(seen.last)}",
            f"  a product page for everybody else: {during} (before it: {before})",
        ]
    )


async def approve(stand: Stand, attempt: Attempt) -> str:
    """Press the buttons of Toss's window; return the payment's key."""
    key, _ = await stand.approve(attempt.total_price, orderId=attempt.payment_no)
    return key


def back(attempt: Attempt, key: str) -> str:
    """Return the way back from Toss."""
    query = f"paymentType=NORMAL&orderId={attempt.payment_no}&paymentKey={key}&amount={attempt.total_price}"
    return f"/payments/toss/return/{attempt.payment_no}?{query}"


async def come_back(url: str, number: int, path: str, due: float, seen: Seen) -> None:
    """Come back from Toss when it is time, and let the page ask again until it knows."""
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    wire, pieces, is_new = Wire(url), b"", True  # a browser keeps its connection as long as the shop does
    while path:
        request = (
            compose("GET", path, caller=number)
            .replace(b"\r\n\r\n", pieces + b"\r\n\r\n")
            .replace(PACKED, PLAIN)
        )
        reply = await wire.ask(request)
        now = time.perf_counter() - due
        if is_new:
            seen.first.append(now)
        seen.statuses[str(reply.status)] += 1
        again, verdict = AGAIN.search(reply.body), VERDICT.search(reply.body)
        anew = REFRESH.search(reply.head)
        kind = verdict[1].decode() if verdict else "?"
        if again is None and anew is None:
            seen.last.append(now)
            seen.ends[kind] += 1
            wire.close()
            return
        seen.shown_a_place += kind == "waiting" and is_new
        is_new = False
        if again is not None:
            path = unescape(again[1].decode())
            pieces = b"\r\nHX-Request: true\r\nHX-Request-Type: partial"
        seconds = again[2] if again else anew[1] if anew else b"0"
        await asyncio.sleep(int(seconds))


def look(url: str, product_id: int) -> Answers:
    """Look at a product page at a steady pace, in a process of its own that no crowd slows down."""
    request = compose("GET", f"/products/{product_id}", caller=-1)
    return uvloop.run(send_paced(url, [request], READS_PER_SECOND, 2 * RUSH_SECONDS))


async def all_settled(m: Machines) -> None:
    """Wait until no attempt is on its way any more."""
    going = (
        select(web_payments.c.web_payment_id).where(web_payments.c.payment_status == "CONFIRMING").limit(1)
    )
    while True:
        async with m.db.read() as tx:
            if (await tx.execute(going)).first() is None:
                return
        await asyncio.sleep(0.5)


def told(counted: Counter[str]) -> str:
    """Return counts as words."""
    return ", ".join(f"{name} {count:,}" for name, count in counted.most_common())


def spread(seconds: list[float]) -> str:
    """Return how long it took most, and nearly all."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"p50 {cuts[49]:.1f} s, p99 {cuts[98]:.1f} s"
