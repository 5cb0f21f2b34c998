"""The schema as SQL text, made from the models: db/schema.sql, and what a first migration holds."""

from pathlib import Path

from sqlalchemy import Table
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from app.infra.migrations import FOLDER, list_names
from app.models import metadata, schema_migrations

SCHEMA = FOLDER.parent / "schema.sql"
# Any style but "format", which would double the percent signs in comments.
DIALECTS: dict[str, Dialect] = {
    "mysql": mysql.dialect(paramstyle="named"),
    "sqlite": sqlite.dialect(paramstyle="named"),
}

HEADER = """\
-- 마당: 데이터베이스 스키마 (MySQL 8, MariaDB 10.11 이상)
--
-- 이 파일은 app/models에서 만듭니다. app/models를 고친 뒤 `python -m app schema`를 실행하십시오.
-- 빈 데이터베이스에 그대로 넣을 수 있습니다: mariadb 데이터베이스 < db/schema.sql
-- 금액은 원 단위 정수, 시각은 UTC이며 마이크로초까지, 글자는 utf8mb4이고 바이트 그대로 비교합니다.

SET NAMES utf8mb4;

"""


def write_schema(path: Path = SCHEMA) -> None:
    """Write db/schema.sql anew."""
    path.write_text(schema_sql(), encoding="utf-8")


def schema_sql() -> str:
    """Return db/schema.sql: every table, and the migrations that a database made from it need not run."""
    rows = ",\n".join(f"    ('{name}', UTC_TIMESTAMP(6))" for name in list_names())
    applied = f"INSERT INTO {schema_migrations.name} (name, applied_at) VALUES\n{rows};\n"  # nosec B608 # for a file
    return HEADER + script("mysql") + applied


def script(dialect_name: str, *, initial: bool = False) -> str:
    """Return every table in the order of their dependencies.

    The initial migration spares tables that exist: MySQL commits each CREATE by itself, so a first
    start that was killed half-way must be able to go on.
    """
    dialect = DIALECTS[dialect_name]
    tables = [table for table in metadata.sorted_tables if not (initial and table is schema_migrations)]
    return "".join(_create(table, dialect, if_not_exists=initial) for table in tables)


def _create(table: Table, dialect: Dialect, *, if_not_exists: bool) -> str:
    text = str(CreateTable(table, if_not_exists=if_not_exists).compile(dialect=dialect))
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    if dialect.name == "mysql":
        # Inside the CREATE, so that there is one statement per table and no half-made table.
        quote = dialect.identifier_preparer.quote
        columns = [", ".join(quote(column.name) for column in index.columns) for index in indexes]
        keys = [f"KEY {index.name} ({names})" for index, names in zip(indexes, columns, strict=True)]
        body, _, options = text.strip().rpartition("\n)")
        statements = [", \n\t".join([body, *keys]) + "\n) " + " ".join(options.split())]
    else:
        made = [CreateIndex(index, if_not_exists=if_not_exists).compile(dialect=dialect) for index in indexes]
        statements = [text.strip(), *map(str, made)]
    return "".join(f"{_tidy(statement)};\n" for statement in statements) + "\n"


def _tidy(statement: str) -> str:
    return "\n".join(line.replace("\t", "    ").rstrip() for line in statement.splitlines())
