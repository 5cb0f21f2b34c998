"""The database: transactions, their failures, and the few words MySQL and SQLite say differently."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Executable, Table, event, text
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Connection, CursorResult, Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

from app.core.clock import Clock
from app.core.errors import CommitUnknownError, DatabaseUnavailableError
from app.core.message import Message
from app.infra import outbox
from app.infra.log import trace

T = TypeVar("T")

TRANSACTION_SECONDS = 3.0
POOL_SIZE = 16
POOL_WAIT_SECONDS = 0.8  # so that whoever finds no connection is told within a second
RESERVED = 8
RESERVE_WAIT_SECONDS = 2.5  # money waits for its turn, rather than be told to come again
RETRIES = 4
MYSQL_RETRYABLE = {1205, 1213}  # lock wait time-out, deadlock
# What is wrong with the server and not with the statement: the same statement succeeds once that is mended.
# Numbers below 1000 are those of its operating system (3 and 20: the disk is full), or of a lost connection.
MYSQL_AWAY = {
    *(2002, 2003, 2006, 2013, 2014, 2055, 4031),  # the connection cannot be made, or was lost
    *(1040, 1041, 1053, 1129, 1135, 1203, 1226),  # too many connections, no memory, shutting down
    *(1152, 1158, 1159, 1160, 1161, 1184, 1317, 1927),  # cut off: by the network, by KILL
    *(1004, 1016, 1021, 1026, 1030, 1114, 1180, 1197, 1598),  # a file of data or log cannot be written
    *(1037, 1038, 1206),  # out of memory, of room to sort, of locks
    *(1290, 1792, 1836),  # read-only
    *(1969, 3024),  # took longer than the server allows
}
OPERATING_SYSTEM = range(1000)
SQLITE_AWAY = ("disk I/O error", "unable to open", "readonly", "is full", "out of memory", "nomem")
CUT = ("the handler is closed", "does not expose socket instance")  # when writing, when connecting

ENDED = "ended"  # of a connection's own notes

Assignments = Callable[[Any], list[tuple[str, ColumnElement[Any]]]]


class DeadlockError(DatabaseUnavailableError):
    """The database gave this transaction up for another one; the whole of it may be run again."""


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction. It ends with its ``async with`` block: commit, or rollback if that raises."""

    conn: AsyncConnection
    clock: Clock

    async def execute(
        self, statement: Executable, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run one statement. Many rows go as one executemany."""
        return await self.conn.execute(statement, rows)

    async def announce(self, message: Message) -> None:
        """Leave a message that is sent if, and only if, this transaction commits."""
        await self.announce_all([(message, trace.get())])

    async def announce_all(self, messages: Iterable[tuple[Message, str]]) -> None:
        """Leave messages, each with the trace of the request it is about, as ``announce`` does."""
        await self.execute(*outbox.insert_messages(messages, self.clock.now()))

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database: one writer at a time, and no row locks to skip."""
        return self.conn.dialect.name == "sqlite"

    async def insert_if_new(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert the rows that break no unique key; return how many that were."""
        statement: Executable
        if self.is_sqlite:
            statement = sqlite.insert(table).on_conflict_do_nothing()
        else:
            statement = mysql.insert(table).prefix_with("IGNORE")
        return (await self.execute(statement, rows)).rowcount

    async def upsert(
        self, table: Table, keys: Sequence[str], rows: Sequence[Mapping[str, Any]], assign: Assignments
    ) -> None:
        """Insert rows, or update those whose unique ``keys`` exist.

        ``assign`` gets the incoming row and returns the columns to set, in order: MySQL evaluates
        them left to right with the new values, SQLite all at once with the old ones. Write them so
        that both mean the same (the guarding column last).
        """
        await self.execute(_upsert(table, tuple(keys), assign, is_sqlite=self.is_sqlite), rows)


@lru_cache(maxsize=32)  # it takes as long to write as to send: ``assign`` is one function for each table
def _upsert(table: Table, keys: tuple[str, ...], assign: Assignments, *, is_sqlite: bool) -> Executable:
    if is_sqlite:
        lite = sqlite.insert(table)
        return lite.on_conflict_do_update(index_elements=keys, set_=dict(assign(lite.excluded)))
    my = mysql.insert(table)
    return my.on_duplicate_key_update(assign(my.inserted))


class Database:
    """A pool of connections to one database, given by its SQLAlchemy URL.

    ``reserve`` is a small pool of its own, for money that is on its way: slow pages cannot use it up.
    """

    def __init__(
        self, url: str, clock: Clock, *, pool_size: int = POOL_SIZE, is_reserve: bool = False
    ) -> None:
        self.url = url
        self.clock = clock
        self.engine = _create_engine(
            url, pool_size, RESERVE_WAIT_SECONDS if is_reserve else POOL_WAIT_SECONDS
        )
        self.reserve = self if is_reserve else Database(url, clock, pool_size=RESERVED, is_reserve=True)
        # SQLite has one writer: who waits for it waits here, without holding a connection others read with.
        self._writer = asyncio.Semaphore(1) if self.is_sqlite else contextlib.nullcontext()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """Open a transaction that only reads. Raises DatabaseUnavailableError."""
        async with self._transaction(write=False) as tx:
            yield tx

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """Open a transaction that writes.

        Raises DatabaseUnavailableError before COMMIT was sent (nothing happened) and
        CommitUnknownError after (it may have happened: read it back).
        """
        async with self._transaction(write=True) as tx:
            yield tx

    async def retrying(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """Run ``work`` in a write transaction, again from its start when the database breaks a deadlock."""
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self.write() as tx:
                    return await work(tx)
            except DeadlockError:
                if attempt == RETRIES:
                    raise
                await asyncio.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # noqa: S311 - jitter, no secret

    async def ping(self) -> None:
        """Ask the database for a sign of life. Raises DatabaseUnavailableError."""
        async with self.read() as tx:
            await tx.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
        if self.reserve is not self:
            await self.reserve.close()

    @asynccontextmanager
    async def _transaction(self, *, write: bool) -> AsyncIterator[Tx]:
        committing = False
        turn = self._writer if write else contextlib.nullcontext()
        try:
            async with asyncio.timeout(TRANSACTION_SECONDS), turn, self.engine.connect() as conn:
                await conn.execution_options(madang_write=write)
                async with conn.begin() as transaction:
                    yield Tx(conn, self.clock)
                    committing = write
                    await transaction.commit()
                    _note_end(conn)
        except (
            TimeoutError,
            OSError,
            PoolTimeoutError,
            OperationalError,
            InterfaceError,
            InternalError,
            RuntimeError,
        ) as error:
            known = _name_failure(error, committing=committing)
            if known is None:
                raise
            raise known from error


def _create_engine(url: str, pool_size: int, wait_seconds: float) -> AsyncEngine:
    if url.startswith("sqlite"):
        engine = create_async_engine(
            url, pool_size=pool_size, max_overflow=0, pool_timeout=wait_seconds, hide_parameters=True
        )
        event.listen(engine.sync_engine, "connect", _set_up_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=wait_seconds,
        pool_pre_ping=True,
        pool_reset_on_return=None,  # _roll_back does it
        pool_recycle=1800,
        hide_parameters=True,  # an error's text ends in the log
        # REPEATABLE READ differs between MySQL and MariaDB; with READ COMMITTED and locking reads both agree.
        isolation_level="READ COMMITTED",
        connect_args={
            "connect_timeout": 2,
            "init_command": "SET SESSION innodb_lock_wait_timeout=2, SESSION time_zone='+00:00'",
        },
    )
    _ping_cut_connections(engine.sync_engine.dialect)
    event.listen(engine.sync_engine, "reset", _roll_back)
    return engine


def _note_end(conn: AsyncConnection) -> None:
    """Note that the COMMIT was answered: nothing of this connection's is open any more."""
    if conn.sync_connection is not None:
        conn.sync_connection.info[ENDED] = True


def _roll_back(connection: DBAPIConnection, record: ConnectionPoolEntry, state: PoolResetState) -> None:
    """Leave nothing open on a connection that goes back to the pool; what its COMMIT ended is ended."""
    if not record.info.pop(ENDED, False) and state.asyncio_safe and not state.transaction_was_reset:
        connection.rollback()


def _ping_cut_connections(dialect: Dialect) -> None:
    """Let the pool's ping tell a connection that was reset as lost, whichever loop says so.

    Else every connection of the pool would fail one shopper after a restart of the database.
    """
    ping = dialect.do_ping

    def do_ping(connection: DBAPIConnection) -> bool:
        try:
            return ping(connection)
        except RuntimeError as error:
            if not _is_cut(error):
                raise
            raise dialect.loaded_dbapi.OperationalError(2006, str(error)) from error

    dialect.do_ping = do_ping  # type: ignore[assignment, method-assign]


def _is_cut(error: Exception) -> bool:
    """Whether it is how the driver on uvloop says that the other side has reset a connection."""
    return isinstance(error, RuntimeError) and any(words in str(error) for words in CUT)


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the driver would begin too late
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=2500"):
        cursor.execute(f"PRAGMA {pragma}")  # nosemgrep: sql-pasted-together - ours
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail at the write if another wrote between.
    write = connection.get_execution_options().get("madang_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _says(what: object, words: Sequence[str]) -> bool:
    return isinstance(what, str) and any(word in what for word in words)


def _name_failure(error: Exception, *, committing: bool) -> DatabaseUnavailableError | None:
    """Return the failure as one of ours, or None when it is a mistake in a statement, not an outage."""
    away = isinstance(error, TimeoutError | OSError | PoolTimeoutError) or _is_cut(error)
    if isinstance(error, DBAPIError):
        code = error.orig.args[0] if error.orig is not None and error.orig.args else 0
        if code in MYSQL_RETRYABLE or "is locked" in str(code):
            return DeadlockError(str(error.orig))
        machine = code in MYSQL_AWAY or code in OPERATING_SYSTEM or _says(code, SQLITE_AWAY)
        away = error.connection_invalidated or machine
    if not away:
        return None
    kind = CommitUnknownError if committing else DatabaseUnavailableError
    why = error.orig if isinstance(error, DBAPIError) else error
    return kind(f"{type(error).__name__}: {why}")
