"""Brings a database's schema up to date: the files of db/migrations, forward only, each once, in order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import insert, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateTable

from app.core.errors import DatabaseUnavailableError
from app.infra.db import Database
from app.models import schema_migrations

FOLDER = Path(__file__).resolve().parent.parent.parent / "db" / "migrations"
LOCK = "madang.migrate"
LOCK_SECONDS = 60
TWIN = ".sqlite"


async def migrate(db: Database, folder: Path = FOLDER) -> list[str]:
    """Apply what is pending and return its names. Processes that start together wait for one another.

    Raises DatabaseUnavailableError when there is no database to ask.
    """
    await db.ping()
    async with _alone(db) as conn:
        await _prepare(conn)
        done = set((await conn.execute(select(schema_migrations.c.name))).scalars())
        pending = [name for name in list_names(folder) if name not in done]
        for name in pending:
            for statement in read_statements(folder, name, conn.dialect.name):
                await conn.exec_driver_sql(statement, execution_options={"no_parameters": True})
            await conn.execute(insert(schema_migrations), {"name": name, "applied_at": db.clock.now()})
    return pending


def list_names(folder: Path = FOLDER) -> list[str]:
    """Return the name of every migration, oldest first."""
    return sorted({path.stem.removesuffix(TWIN) for path in folder.glob("*.sql")})


def read_statements(folder: Path, name: str, dialect_name: str) -> Sequence[str]:
    """Return a migration's statements; SQLite has its own file where the two say it differently.

    A statement ends with a semicolon at the end of a line; a comment has a line to itself.
    """
    twin = folder / f"{name}{TWIN}.sql"
    path = twin if dialect_name == "sqlite" and twin.exists() else folder / f"{name}.sql"
    lines = path.read_text(encoding="utf-8").splitlines()
    sql = "\n".join(line.rstrip() for line in lines if not line.startswith("--"))
    return [part.strip() for part in f"{sql}\n".split(";\n") if part.strip()]


@asynccontextmanager
async def _alone(db: Database) -> AsyncIterator[AsyncConnection]:
    """Open a connection that no other migration runs beside; a migration may take longer than a request."""
    if db.engine.dialect.name == "sqlite":
        async with db.engine.connect() as conn:
            await conn.execution_options(madang_write=True)
            async with conn.begin():
                yield conn
        return
    async with db.engine.connect() as conn:
        await conn.execution_options(isolation_level="AUTOCOMMIT")  # MySQL commits every CREATE anyway
        lock = {"name": LOCK, "seconds": LOCK_SECONDS}
        if await conn.scalar(text("SELECT GET_LOCK(:name, :seconds)"), lock) != 1:
            raise DatabaseUnavailableError("another migration has been running for a minute")
        try:
            yield conn
        finally:
            await conn.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": LOCK})


async def _prepare(conn: AsyncConnection) -> None:
    if not await conn.run_sync(lambda sync: inspect(sync).has_table(schema_migrations.name)):
        await conn.execute(CreateTable(schema_migrations))
