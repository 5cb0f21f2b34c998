"""Refuses machines that would lose what they have acknowledged."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from app.core.errors import UnavailableError
from app.infra.db import Database
from app.infra.redis import Redis
from app.settings import SettingError

# What Redis must be told, and why. With CART_ACK=confirm the broker or the database holds every edit too,
# so that an append-only file is not asked for.
REDIS_ALWAYS = {
    "maxmemory-policy": ("noeviction", "carts and sessions would be thrown away when memory is short")
}
REDIS_AS_WITNESS = {
    "appendonly": ("yes", "a restart would lose acknowledged cart edits"),
    "appendfsync": ("always", "a power cut would lose acknowledged cart edits"),
    "aof-load-truncated": ("yes", "a cut-off last write would keep Redis from starting"),
}
MYSQL = {
    "innodb_flush_log_at_trx_commit": ("1", "a crash would lose committed payments"),
    "sync_binlog": ("1", "a crash would lose committed payments from the binary log"),
}


async def check_durability(db: Database, redis: Redis, cart_ack: str) -> None:
    """Raise SettingError for a setting that breaks a promise.

    A machine that is away is no reason not to start: it is checked when the next process starts.
    """
    await _check_redis(redis, cart_ack)
    await _check_mysql(db)


async def _check_redis(redis: Redis, cart_ack: str) -> None:
    wanted = REDIS_ALWAYS if cart_ack == "confirm" else REDIS_ALWAYS | REDIS_AS_WITNESS
    try:
        found = {name: await _redis_value(redis, name) for name in wanted}
    except UnavailableError:
        return
    _compare("Redis", wanted, found, "CONFIG SET {name} {value}, and the same line in redis.conf")


async def _redis_value(redis: Redis, name: str) -> str:
    answer = await redis.command("CONFIG", "GET", name)
    pairs: Mapping[str, Any] = (
        answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))
    )
    return str(pairs.get(name, "unknown"))


async def _check_mysql(db: Database) -> None:
    if db.is_sqlite:
        return
    try:
        async with db.read() as tx:
            rows = await tx.execute(text("SELECT @@innodb_flush_log_at_trx_commit, @@sync_binlog"))
            found = dict(zip(MYSQL, map(str, rows.one()), strict=True))
    except UnavailableError:
        return
    _compare("MySQL", MYSQL, found, "SET GLOBAL {name} = {value}, and the same line in my.cnf")


def _compare(machine: str, wanted: Mapping[str, tuple[str, str]], found: Mapping[str, str], how: str) -> None:
    for name, (value, because) in wanted.items():
        if found[name] != value:
            change = how.format(name=name, value=value)
            raise SettingError(f"{machine} has {name} = {found[name]}: {because}. To change it: {change}.")
