"""The schema is one: the models, db/schema.sql and the migrations from zero say the same."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import String

from app.core.clock import Clock
from app.infra import ddl
from app.infra.db import Database
from app.infra.migrations import FOLDER, list_names, migrate, read_statements
from app.models import metadata, schema_migrations
from tests.stack import Stack

Facts = dict[str, set[tuple[object, ...]]]

ACTUAL = {
    "tables": """
        SELECT table_name, engine, table_collation, table_comment FROM information_schema.tables
        WHERE table_schema = DATABASE()""",
    "columns": """
        SELECT table_name, column_name, ordinal_position, column_type, is_nullable, column_default,
               extra, collation_name, column_comment
        FROM information_schema.columns WHERE table_schema = DATABASE()""",
    "keys": """
        SELECT table_name, index_name, non_unique, seq_in_index, column_name
        FROM information_schema.statistics WHERE table_schema = DATABASE()""",
    "foreign keys": """
        SELECT table_name, constraint_name, column_name, referenced_table_name, referenced_column_name
        FROM information_schema.key_column_usage
        WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL""",
    "checks": """
        SELECT table_name, constraint_name, check_clause FROM information_schema.check_constraints
        WHERE constraint_schema = DATABASE()""",
}


@pytest.fixture
async def empty(stack: Stack) -> AsyncIterator[Database]:
    """A database with nothing in it."""
    db = Database(stack.create_database(), Clock())
    yield db
    await db.close()


def test_schema_sql_is_what_the_models_say() -> None:
    assert ddl.SCHEMA.read_text(encoding="utf-8") == ddl.schema_sql(), "run: python -m app schema"


def test_every_table_and_column_is_explained() -> None:
    for table in metadata.sorted_tables:
        for thing in (table, *table.columns):
            assert thing.comment, str(thing)


async def test_schema_sql_loads_as_it_stands(stack: Stack, empty: Database) -> None:
    if stack.database is None:
        return  # schema.sql speaks MySQL; SQLite gets its tables from the migrations
    load_with_client(ddl.SCHEMA, empty)
    async with empty.engine.connect() as conn:
        assert await facts(conn) == facts_of_models()
    assert await migrate(empty) == []  # it knows which migrations it stands for


async def test_migrations_from_zero_make_what_the_models_say(stack: Stack, empty: Database) -> None:
    assert await migrate(empty) == list_names()
    if stack.database is None:
        twin = Database(stack.create_database(), Clock())
        async with twin.write() as tx:
            await tx.conn.run_sync(metadata.create_all)
        assert await sqlite_objects(empty) == await sqlite_objects(twin)
        await twin.close()
        return
    async with empty.engine.connect() as conn:
        assert await facts(conn) == facts_of_models()


async def test_migrating_again_changes_nothing(empty: Database) -> None:
    await migrate(empty)
    assert await migrate(empty) == []
    async with empty.read() as tx:
        rows = (await tx.execute(schema_migrations.select())).all()
    assert [row.name for row in rows] == list_names()


async def test_two_processes_migrate_at_once_and_each_change_happens_once(empty: Database) -> None:
    other = Database(str(empty.engine.url.render_as_string(hide_password=False)), Clock())
    both = await asyncio.gather(migrate(empty), migrate(other))
    await other.close()
    assert sorted(both, key=len) == [[], list_names()]


async def test_a_migration_killed_half_way_goes_on(empty: Database) -> None:
    statements = read_statements(FOLDER, list_names()[0], empty.engine.dialect.name)
    async with empty.write() as tx:
        for statement in statements[: len(statements) // 2]:
            await tx.conn.exec_driver_sql(statement)
    assert await migrate(empty) == list_names()


@pytest.mark.parametrize("name", list_names()[1:])
async def test_a_later_migration_killed_anywhere_goes_on(stack: Stack, name: str) -> None:
    """MySQL commits each change by itself: what is there already must not stand in the way."""
    if stack.database is None:
        return  # SQLite runs a migration in one transaction: killed, it has not begun
    statements = read_statements(FOLDER, name, "mysql")
    for done in range(1, len(statements) + 1):
        db = Database(stack.create_database(), Clock())
        await migrate(db)
        async with db.write() as tx:
            await tx.conn.execute(schema_migrations.delete().where(schema_migrations.c.name == name))
            for statement in statements[:done]:
                await tx.conn.exec_driver_sql(statement, execution_options={"no_parameters": True})
        assert await migrate(db) == [name]
        await db.close()


def test_migrations_keep_their_numbers() -> None:
    numbers = [name.split("_")[0] for name in list_names()]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def load_with_client(path: Path, db: Database) -> None:
    url = make_url(db.engine.url)
    where = [
        f"--host={url.host}",
        f"--port={url.port}",
        f"--user={url.username}",
        f"--password={url.password or ''}",
    ]
    with path.open("rb") as file:
        done = subprocess.run(
            ["mariadb", "--no-defaults", "--protocol=tcp", *where, str(url.database)],
            stdin=file,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


async def facts(conn: AsyncConnection) -> Facts:
    """What the server says it has."""
    found: Facts = {}
    for kind, question in ACTUAL.items():
        rows = await conn.execute(text(question))
        found[kind] = {tuple(plain(value) for value in row) for row in rows}
    return found


def plain(value: object) -> object:
    """One spelling for what MySQL and MariaDB, old and new, write in several ways."""
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, str):
        value = re.sub(r"^((?:big|small|tiny)?int)\(\d+\)", r"\1", value).replace("`", "")
    return None if value == "NULL" else value


def facts_of_models() -> Facts:
    """What the server should have, read off the models without any SQL text of ours."""
    expected: Facts = {kind: set() for kind in ACTUAL}
    for table in metadata.sorted_tables:
        expected["tables"].add((table.name, "InnoDB", "utf8mb4_bin", table.comment))
        expected["columns"] |= expected_columns(table)
        expected["keys"] |= expected_keys(table)
        for constraint in table.constraints:
            if isinstance(constraint, ForeignKeyConstraint):
                expected["foreign keys"] |= {
                    (table.name, constraint.name, key.parent.name, key.column.table.name, key.column.name)
                    for key in constraint.elements
                }
            elif hasattr(constraint, "sqltext"):
                expected["checks"].add((table.name, str(constraint.name), str(constraint.sqltext)))
    return expected


def expected_columns(table: Table) -> set[tuple[object, ...]]:
    dialect = ddl.DIALECTS["mysql"]
    return {
        (
            table.name,
            column.name,
            position,
            column.type.compile(dialect).lower().replace("integer", "int"),
            "YES" if column.nullable else "NO",
            None,
            "auto_increment" if column is table.autoincrement_column else "",
            "utf8mb4_bin" if isinstance(column.type, String) else None,
            column.comment,
        )
        for position, column in enumerate(table.columns, 1)
    }


def expected_keys(table: Table) -> set[tuple[object, ...]]:
    named = {"PRIMARY": (0, [column.name for column in table.primary_key])}
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            named[str(constraint.name)] = (0, [column.name for column in constraint.columns])
    for index in table.indexes:
        named[str(index.name)] = (int(not index.unique), [column.name for column in index.columns])
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):  # InnoDB makes a key where none begins so
            names = [column.name for column in constraint.columns]
            if not any(columns[: len(names)] == names for _, columns in named.values()):
                named[str(constraint.name)] = (1, names)
    return {
        (table.name, name, non_unique, place, column)
        for name, (non_unique, columns) in named.items()
        for place, column in enumerate(columns, 1)
    }


async def sqlite_objects(db: Database) -> dict[str, str]:
    """Every table and index as SQLite keeps it, whatever the spaces."""
    async with db.read() as tx:
        rows = await tx.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        return {row.name: re.sub(r"\s+", "", row.sql.replace("IF NOT EXISTS", "")) for row in rows}
