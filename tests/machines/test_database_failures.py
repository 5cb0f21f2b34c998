"""What is wrong with the database's machine is told apart from what is wrong with a statement."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.clock import Clock
from app.core.errors import DatabaseUnavailableError
from app.infra.db import Database
from tests.stack import Stack

AWAY = {
    3: "an error when writing a file",
    20: "no space on the disk, says the system",
    1004: "a file cannot be made",
    1021: "no space on the disk",
    1026: "an error when writing",
    1030: "error 28 from the storage engine",
    1037: "no memory",
    1041: "no memory for a thread",
    1114: "a table that is full",
    1180: "error 28 during COMMIT",
    1203: "too many connections of one user",
    1290: "read-only, by an option",
    1317: "interrupted",
    1598: "the binary log cannot be written",
    1792: "read-only, by the transaction",
    1836: "read-only",
}
MISTAKES = {1048: "a NULL where none may be", 1054: "an unknown column", 1366: "a wrong value"}


@pytest_asyncio.fixture
async def db(stack: Stack) -> AsyncIterator[Database]:
    db = Database(stack.create_database(), Clock())
    async with db.write() as tx:
        await tx.execute(text("CREATE TABLE goods (name VARCHAR(2000))"))
    yield db
    await db.close()


async def fail_with(db: Database, code: int) -> None:
    """The server itself says that it failed, under this number."""
    async with db.write() as tx:
        await tx.execute(text("INSERT INTO goods VALUES ('before')"))
        await tx.execute(text(f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'said so'"))


async def count(db: Database) -> int:
    async with db.read() as tx:
        return int((await tx.execute(text("SELECT COUNT(*) FROM goods"))).scalar_one())


@pytest.mark.parametrize("stack", ["real"], indirect=True)
@pytest.mark.parametrize("code", AWAY, ids=list(AWAY.values()))
async def test_a_server_that_cannot_is_away_and_nothing_was_done(db: Database, code: int) -> None:
    with pytest.raises(DatabaseUnavailableError):
        await fail_with(db, code)
    assert await count(db) == 0


@pytest.mark.parametrize("stack", ["real"], indirect=True)
@pytest.mark.parametrize("code", MISTAKES, ids=list(MISTAKES.values()))
async def test_a_mistake_of_ours_is_no_outage(db: Database, code: int) -> None:
    with pytest.raises(DBAPIError):
        await fail_with(db, code)
    assert await count(db) == 0


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
@pytest.mark.parametrize("pragma", ["max_page_count = 1", "query_only = ON"])
async def test_a_full_or_read_only_file_is_away_and_nothing_was_done(db: Database, pragma: str) -> None:
    async def fill() -> None:
        async with db.write() as tx:
            connection = await tx.conn.get_raw_connection()
            driver = connection.driver_connection
            assert driver
            await driver.execute(f"PRAGMA {pragma}")
            await tx.execute(text("INSERT INTO goods VALUES (:name)"), [{"name": "x" * 2000}] * 50)

    with pytest.raises(DatabaseUnavailableError):
        await fill()
    await db.engine.dispose()  # the pragma goes with its connection
    assert await count(db) == 0
