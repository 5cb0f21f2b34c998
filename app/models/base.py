"""The MetaData and the few column types every table is made of."""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, String
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# utf8mb4_bin: keys compare byte by byte, as SQLite does; the default collations fold case and accents.
TABLE: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}

ENGINES = ("mysql", "mariadb")

# SQLite gives numbers only to INTEGER PRIMARY KEY.
Id: TypeEngine[int] = (
    BigInteger().with_variant(mysql.BIGINT(unsigned=True), *ENGINES).with_variant(Integer, "sqlite")
)
Won: TypeEngine[int] = BigInteger()
# MySQL's plain DATETIME drops microseconds.
Moment = DateTime().with_variant(mysql.DATETIME(fsp=6), *ENGINES)


def key_column(name: str, comment: str) -> Column[int]:
    """Return a table's own numbered primary key."""
    return Column(name, Id, primary_key=True, autoincrement=True, comment=comment)


def state(name: str, comment: str) -> Column[str]:
    """Return a column for a state's code; the states themselves are a table in code."""
    return Column(name, String(32), nullable=False, comment=comment)


def created_at() -> Column[Any]:
    """Return the moment the row was made (UTC)."""
    return Column("created_at", Moment, nullable=False, comment="만든 때 (UTC)")


def updated_at() -> Column[Any]:
    """Return the moment the row last changed (UTC)."""
    return Column("updated_at", Moment, nullable=False, comment="마지막으로 바뀐 때 (UTC)")
