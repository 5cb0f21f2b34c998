"""The shop does not open on machines that would lose what they acknowledged."""

from collections.abc import Iterator

import pymysql
import pytest

from app.core.clock import Clock
from app.infra.db import Database
from app.infra.durability import check_durability
from app.infra.redis import Redis
from app.settings import SettingError
from sandbox.mariadb import MariaDB
from tests.stack import STACKS, Stack


@pytest.fixture(scope="module", params=STACKS, ids=list(STACKS))
def own(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Machines whose settings may be spoilt."""
    with STACKS[request.param](tmp_path_factory.mktemp(f"durable-{request.param}")) as stack:
        yield stack


async def check(own: Stack, cart_ack: str = "redis") -> None:
    db, redis = Database(own.database_url, Clock()), Redis(own.redis_url)
    try:
        await check_durability(db, redis, cart_ack)
    finally:
        await redis.close()
        await db.close()


async def set_redis(own: Stack, name: str, value: str) -> None:
    redis = Redis(own.redis_url)
    await redis.command("CONFIG", "SET", name, value)
    await redis.close()


async def test_our_own_machines_are_safe(own: Stack) -> None:
    await check(own)


@pytest.mark.parametrize(
    ("name", "value", "safe", "with_confirm"),
    [
        ("appendfsync", "everysec", "always", True),
        ("appendonly", "no", "yes", True),
        ("maxmemory-policy", "allkeys-lru", "noeviction", False),
    ],
)
async def test_an_unsafe_redis_is_refused_with_the_way_to_mend_it(
    own: Stack, name: str, value: str, safe: str, *, with_confirm: bool
) -> None:
    await set_redis(own, name, value)
    try:
        with pytest.raises(SettingError, match=f"Redis has {name} = {value}.*CONFIG SET {name} {safe}"):
            await check(own)
        if with_confirm:
            await check(own, "confirm")
        else:
            with pytest.raises(SettingError, match=name):
                await check(own, "confirm")
    finally:
        await set_redis(own, name, safe)


async def test_an_unsafe_mysql_is_refused_with_the_way_to_mend_it(own: Stack) -> None:
    if own.database is None:  # SQLite asks nothing: what makes it safe is set by us on every connection
        await check(own)
        return
    assert isinstance(own.database, MariaDB)
    as_root = pymysql.connect(unix_socket=str(own.database.directory / "files" / "s"), user="root")
    with as_root, as_root.cursor() as cursor:
        cursor.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
        try:
            with pytest.raises(SettingError, match="MySQL has innodb_flush_log_at_trx_commit = 2"):
                await check(own)
        finally:
            cursor.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1")


async def test_a_machine_that_is_away_is_no_reason_not_to_start(own: Stack) -> None:
    db, redis = Database("mysql+aiomysql://nobody@127.0.0.1:1/none", Clock()), Redis("redis://127.0.0.1:1")
    await check_durability(db, redis, "redis")
    await redis.close()
    await db.close()
