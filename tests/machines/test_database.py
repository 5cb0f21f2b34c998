"""What the shop counts on from its database, asked of SQLite and of MariaDB alike."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    case,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncTransaction

from app.core.clock import Clock
from app.core.errors import CommitUnknownError, DatabaseUnavailableError
from app.infra.db import Database, Tx
from sandbox.mariadb import MariaDB
from tests.stack import Stack

Buy = Callable[[Tx, int], Awaitable[bool]]
MYSQL = ("mysql", "mariadb")
NAME = String(50).with_variant(mysql.VARCHAR(50, collation="utf8mb4_bin"), *MYSQL)
goods = Table(
    "goods",
    MetaData(),
    Column("good_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("name", NAME, unique=True),
    Column("stock", Integer, nullable=False, default=0),
    Column("stamp", BigInteger, nullable=False, default=0),
    Column("seen_at", DateTime().with_variant(mysql.DATETIME(fsp=6), *MYSQL)),
)


@pytest.fixture(scope="session")
async def db(stack: Stack) -> AsyncIterator[Database]:
    """A database of this file's own."""
    db = Database(stack.create_database(), Clock())
    async with db.write() as tx:
        await tx.conn.run_sync(goods.create)
    yield db
    await db.close()


async def add_good(db: Database, name: str, **columns: object) -> int:
    async with db.write() as tx:
        result = await tx.execute(insert(goods).values(name=name, **columns))
    assert result.inserted_primary_key
    key: int = result.inserted_primary_key[0]
    return key


async def buy_if_enough(tx: Tx, good_id: int) -> bool:
    left = update(goods).where(goods.c.good_id == good_id, goods.c.stock >= 1).values(stock=goods.c.stock - 1)
    return (await tx.execute(left)).rowcount == 1


async def buy_after_looking(tx: Tx, good_id: int) -> bool:
    look = select(goods.c.stock).where(goods.c.good_id == good_id).with_for_update()
    stock = (await tx.execute(look)).scalar_one()
    if stock < 1:
        return False
    await asyncio.sleep(0)  # let the others in, if they can come in
    await tx.execute(update(goods).where(goods.c.good_id == good_id).values(stock=stock - 1))
    return True


@pytest.mark.parametrize("buy", [buy_if_enough, buy_after_looking])
async def test_thirty_buyers_of_ten_units_get_ten(db: Database, buy: Buy) -> None:
    good_id = await add_good(db, buy.__name__, stock=10)

    bought = await asyncio.gather(*(db.retrying(lambda tx: buy(tx, good_id)) for _ in range(30)))
    async with db.write() as tx:
        left = (await tx.execute(select(goods.c.stock).where(goods.c.good_id == good_id))).scalar_one()
    assert (sum(bought), left) == (10, 0)


async def test_a_transaction_that_fails_leaves_nothing(db: Database) -> None:
    async def add_twice() -> None:
        async with db.write() as tx:
            await tx.execute(insert(goods).values(name="half"))
            await tx.execute(insert(goods).values(name="half"))

    with pytest.raises(IntegrityError):
        await add_twice()
    async with db.write() as tx:
        found = await tx.execute(select(func.count()).where(goods.c.name == "half"))
        assert found.scalar_one() == 0


async def test_microseconds_are_kept(db: Database) -> None:
    moment = datetime(2026, 11, 23, 9, 38, 7, 123456)  # noqa: DTZ001 - the house keeps naive UTC
    good_id = await add_good(db, "moment", seen_at=moment)
    async with db.write() as tx:
        found = await tx.execute(select(goods.c.seen_at).where(goods.c.good_id == good_id))
        assert found.scalar_one() == moment


async def test_composed_and_decomposed_hangul_and_letter_cases_are_different_keys(
    db: Database,
) -> None:
    names = {"마당", unicodedata.normalize("NFD", "마당"), "apple", "Apple", "ápple"}
    assert len(names) == 5
    for name in names:
        await add_good(db, name)
    async with db.write() as tx:
        found = await tx.execute(select(goods.c.name).where(goods.c.name.in_(names)))
        assert set(found.scalars()) == names


async def test_a_same_value_update_counts_as_matched(db: Database) -> None:
    good_id = await add_good(db, "same", stock=3)
    async with db.write() as tx:
        done = await tx.execute(update(goods).where(goods.c.good_id == good_id).values(stock=3))
        assert done.rowcount == 1


async def test_an_upsert_guarded_by_a_stamp_keeps_the_newest(db: Database) -> None:
    def newest(incoming: Any) -> list[tuple[str, ColumnElement[Any]]]:
        is_newer = incoming.stamp > goods.c.stamp
        return [
            ("stock", case((is_newer, incoming.stock), else_=goods.c.stock)),
            ("stamp", case((is_newer, incoming.stamp), else_=goods.c.stamp)),
        ]

    for stock, stamp in ((1, 10), (5, 30), (2, 20), (9, 30)):
        async with db.write() as tx:
            await tx.upsert(goods, ["name"], [{"name": "guarded", "stock": stock, "stamp": stamp}], newest)
    async with db.read() as tx:
        found = await tx.execute(select(goods.c.stock, goods.c.stamp).where(goods.c.name == "guarded"))
        assert found.one() == (5, 30)


async def test_a_commit_without_an_answer_is_not_called_a_failure(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = AsyncTransaction.commit

    async def commit_and_lose_the_answer(self: AsyncTransaction) -> None:
        await commit(self)
        raise OSError("the connection is gone")

    monkeypatch.setattr(AsyncTransaction, "commit", commit_and_lose_the_answer)
    with pytest.raises(CommitUnknownError):
        await add_good(db, "unanswered")
    with pytest.raises(DatabaseUnavailableError) as caught:
        async with db.read():
            pass
    assert not isinstance(caught.value, CommitUnknownError)  # who only reads has nothing to wonder about


@pytest.mark.parametrize("stack", ["real"], indirect=True)  # SQLite has no connection to lose
async def test_a_lost_connection_costs_one_transaction_and_no_more(db: Database) -> None:
    async def lose() -> None:
        async with db.write() as tx:
            await tx.execute(insert(goods).values(name="lost"))
            number = (await tx.execute(text("SELECT CONNECTION_ID()"))).scalar_one()
            async with db.write() as other:
                await other.execute(text(f"KILL {number}"))
            await tx.execute(insert(goods).values(name="lost too"))

    with pytest.raises(DatabaseUnavailableError):
        await lose()
    async with db.write() as tx:
        found = await tx.execute(select(func.count()).where(goods.c.name.in_(["lost", "lost too"])))
        assert found.scalar_one() == 0


@pytest.mark.parametrize("stack", ["real"], indirect=True)
async def test_a_connection_lost_while_idle_costs_nothing(db: Database) -> None:
    number = text("SELECT CONNECTION_ID()")
    async with db.write() as other:
        async with db.write() as tx:
            victim = (await tx.execute(number)).scalar_one()
        await other.execute(text(f"KILL {victim}"))  # it waits in the pool now
        async with db.write() as tx:
            assert (await tx.execute(number)).scalar_one() != victim


async def test_a_killed_mariadb_keeps_every_commit_it_answered(tmp_path: Path) -> None:
    server = MariaDB(tmp_path)
    server.start()
    db = Database(server.url, Clock())
    answered: list[int] = []
    enough = asyncio.Event()

    async def write(writer: int) -> None:
        with suppress(DatabaseUnavailableError):
            for number in range(100_000):
                answered.append(await add_good(db, f"{writer}:{number}"))
                if len(answered) >= 200:
                    enough.set()

    async with db.write() as tx:
        await tx.conn.run_sync(goods.create)
    writers = [asyncio.create_task(write(writer)) for writer in range(8)]
    await enough.wait()
    server.kill()
    await asyncio.gather(*writers)
    server.restart()
    async with db.write() as tx:
        kept = set((await tx.execute(select(goods.c.good_id))).scalars())
    await db.close()
    server.stop()
    assert set(answered) - kept == set()
