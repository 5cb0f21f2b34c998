"""A flash sale: everybody reserves one product at once; reservations/s, and exactly all sold."""

import argparse
import asyncio
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from sqlalchemy import func, select, update

from app.core.clock import Clock
from app.core.errors import DatabaseUnavailableError
from app.infra.db import Database, Tx
from app.infra.migrations import migrate
from app.models import orders, products, stock_movements, web_payments
from app.stock import service as stock
from bench.machine import complain, warn_if_busy
from sandbox.children import MissingProgram, ServerFailed
from sandbox.mariadb import MariaDB
from tests.plenty import fill

HOT = 1
POOL = 32


class SoldOutError(Exception):
    """There was too little left: the transaction is rolled back."""


def main(args: list[str]) -> int:
    """Sell first what is plenty, for the rate, then what is scarce, for the count."""
    parser = argparse.ArgumentParser(prog="./dev bench flash_sale", description=__doc__)
    parser.add_argument("--arrivals", type=int, default=10_000)
    parser.add_argument("--units", type=int, default=100)
    options = parser.parse_args(args)
    warn_if_busy()
    try:
        with tempfile.TemporaryDirectory(prefix="madang-bench-") as folder:
            server = MariaDB(Path(folder) / "mariadb")
            server.start()
            try:
                for units in (options.arrivals, options.units):
                    print(asyncio.run(sell(server.create_database(), options.arrivals, units)), flush=True)
            finally:
                server.stop()
    except (MissingProgram, ServerFailed) as trouble:
        return complain(f"Nothing was measured: {trouble}")
    return 0


async def is_held(db: Database, number: int) -> bool:
    """Whether that attempt holds its goods, as confirm.py reads it back; a busy database is asked again."""
    while True:
        with suppress(DatabaseUnavailableError):
            async with db.read() as tx:
                return await stock.is_held(tx, number)


async def sell(url: str, arrivals: int, units: int) -> str:
    """Let everybody reserve one, as confirm.py does it; return what came of it."""
    db = Database(url, Clock(), pool_size=POOL)
    await migrate(db)
    for table, count in ((products, 10), (orders, arrivals), (web_payments, arrivals)):
        await fill(db, table, count)
    async with db.write() as tx:
        await tx.execute(update(products).where(products.c.product_id == HOT).values(quantity=units))
        await stock.set_initial(tx, [(HOT, units)])
    crowd = iter(range(1, arrivals + 1))
    sold, again = 0, 0

    async def reserve(tx: Tx, number: int) -> None:
        if await stock.reserve(tx, number, [(HOT, 1)]):
            raise SoldOutError

    async def buy() -> None:
        nonlocal sold, again
        for number in crowd:
            waiting = True
            while waiting:
                try:
                    await db.retrying(lambda tx, number=number: reserve(tx, number))  # type: ignore[misc]
                    sold, waiting = sold + 1, False
                except SoldOutError:
                    waiting = False
                except DatabaseUnavailableError:  # its commit may have happened: read it back
                    again += 1
                    if await is_held(db, number):
                        sold, waiting = sold + 1, False

    began = time.perf_counter()
    await asyncio.gather(*(buy() for _ in range(POOL)))
    took = time.perf_counter() - began
    async with db.read() as tx:
        shelf = select(products.c.quantity).where(products.c.product_id == HOT)
        left = int((await tx.execute(shelf)).scalar_one())
        moved = select(func.sum(stock_movements.c.delta)).where(stock_movements.c.product_id == HOT)
        ledger = int((await tx.execute(moved)).scalar_one())
    await db.close()
    balanced = "balanced" if left == ledger == units - sold else f"BROKEN: {left} left, ledger {ledger}"
    rates = f"{arrivals / took:.0f} answers/s, {sold / took:.0f} reservations/s"
    what = f"{arrivals:,} arrivals for {units:,} units: {sold:,} sold in {took:.1f} s"
    return f"{what} ({rates}), {again} asked again, ledger {balanced}"
