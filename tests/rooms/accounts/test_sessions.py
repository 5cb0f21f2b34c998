"""Sessions: they outlive Redis, and what was ended stays ended whatever happens to Redis."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.accounts import service, sessions, store
from app.accounts.sessions import ASKING_SECONDS, TRUST_SECONDS, Scripts
from app.core import ids
from app.core.clock import Clock, epoch_us
from app.core.errors import DatabaseUnavailableError, RedisUnavailableError
from app.infra import keys
from app.infra.background import Background
from app.infra.db import Database
from app.infra.redis import Redis, Script
from app.machines import Machines
from app.models import sessions as rows
from app.models import users
from tests.shop import Shop, eventually
from tests.village import Person, minji


class LaterClock(Clock):
    """The server's clock, some time from now."""

    def __init__(self, **later: float) -> None:
        self.later = timedelta(**later)

    def now(self) -> datetime:
        return super().now() + self.later


class CountingRedis(Redis):
    """Redis, counting round trips."""

    trips = 0

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | int] = ()) -> Any:
        self.trips += 1
        return await super().run(script, keys, args)

    async def command(self, *words: str | int) -> Any:
        self.trips += 1
        return await super().command(*words)


class StumblingRedis(Redis):
    """Redis, away for the first commands."""

    stumbles = 2

    async def command(self, *words: str | int) -> Any:
        self.stumbles -= 1
        if self.stumbles >= 0:
            raise RedisUnavailableError("stumbled")
        return await super().command(*words)


async def open_session(m: Machines, person: Person) -> str:
    user = await service.read_account(m, person.user_id)
    return await sessions.open_session(m, user, "a browser")


async def name_of(m: Machines, token: str) -> str | None:
    shopper = await sessions.find_shopper(m, token)
    return shopper.name if shopper else None


def key_of(token: str) -> str:
    return keys.session(ids.fingerprint(token))


def without_redis(m: Machines) -> Machines:
    return replace(m, redis=Redis("redis://127.0.0.1:1"), background=Background())


def without_database(m: Machines) -> Machines:
    return replace(m, db=Database("mysql+aiomysql://nobody@127.0.0.1:1/none", m.clock))


def later(m: Machines, **how_much: float) -> Machines:
    return replace(m, clock=LaterClock(**how_much))


async def restart_redis(shop: Shop) -> None:
    shop.stack.redis.restart()

    async def answers() -> bool:
        with suppress(RedisUnavailableError):
            await shop.m.redis.ping()
            return True
        return False

    await eventually(answers)


async def test_a_session_is_found_by_its_token_and_by_nothing_else(shop: Shop) -> None:
    person = await minji(shop.m)
    token = await open_session(shop.m, person)
    assert await sessions.find_shopper(shop.m, token) == sessions.Shopper(
        person.user_id, person.signup_id, person.name, "shopper"
    )
    assert await name_of(shop.m, ids.token()) is None
    assert await name_of(shop.m, ids.fingerprint(token)[:43]) is None


async def test_neither_store_keeps_the_token_itself(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    await sessions.find_shopper(shop.m, token)
    async with shop.m.db.read() as tx:
        row = (await tx.execute(select(rows).where(rows.c.token_hash == ids.fingerprint(token)))).one()
    hot = await shop.m.redis.command("HGETALL", key_of(token))
    assert token not in str(row)
    assert token not in str(hot)
    assert await shop.m.redis.command("KEYS", f"*{token}*") == []


async def test_a_warm_look_up_is_one_round_trip_and_no_query(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    await sessions.find_shopper(shop.m, token)
    redis = CountingRedis(shop.m.settings.redis_url)
    warm = without_database(replace(shop.m, redis=redis))
    await redis.run(warm.keep(Scripts).look_up, [key_of(ids.token())], (0, "", 1, 1, 1))  # connected
    redis.trips = 0
    assert await name_of(warm, token) == "김민지"
    assert redis.trips == 1
    await redis.close()


async def test_a_session_survives_the_loss_of_everything_in_redis(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    assert await name_of(shop.m, token) == "김민지"
    await shop.m.redis.command("FLUSHALL")
    assert await name_of(shop.m, token) == "김민지"


async def test_logging_in_and_being_logged_in_work_while_redis_is_away(shop: Shop) -> None:
    away = without_redis(shop.m)
    person = await minji(away)
    assert await service.log_in(away, person.signup_id, person.password)
    token = await open_session(away, person)
    assert await name_of(away, token) == "김민지"
    assert await name_of(shop.m, token) == "김민지"


async def test_an_ended_session_is_dead_in_both_stores(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    await sessions.find_shopper(shop.m, token)
    await sessions.close_session(shop.m, token)
    assert await name_of(shop.m, token) is None
    assert await name_of(without_redis(shop.m), token) is None


async def test_an_ended_session_does_not_come_back_with_an_older_redis(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    await sessions.find_shopper(shop.m, token)
    before = await shop.m.redis.command("HGETALL", key_of(token))
    fields = before.items() if isinstance(before, dict) else zip(before[::2], before[1::2], strict=True)
    await sessions.close_session(shop.m, token)
    await restart_redis(shop)
    await shop.m.redis.command("HSET", key_of(token), *(word for pair in fields for word in pair))
    assert await name_of(shop.m, token) is None
    assert await name_of(shop.m, token) is None


async def test_a_session_outlives_a_restart_of_redis(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    await sessions.find_shopper(shop.m, token)
    await restart_redis(shop)
    assert await name_of(shop.m, token) == "김민지"


async def test_a_session_ended_while_it_is_being_looked_up_is_not_kept(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    scripts, key, now = shop.m.keep(Scripts), key_of(token), epoch_us(shop.m.clock.now()) // 1_000_000
    args = (now, "mark", TRUST_SECONDS, keys.SESSION_SECONDS, ASKING_SECONDS)
    assert await shop.m.redis.run(scripts.look_up, [key], args) == ["unknown", "", 0]
    await sessions.close_session(shop.m, token)
    assert await shop.m.redis.run(scripts.keep, [key], (now, "mark", now + 60, "{}")) == 0
    assert await name_of(shop.m, token) is None


async def test_a_session_ended_while_redis_is_away_ends_there_as_soon_as_it_is_back(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    await sessions.find_shopper(shop.m, token)
    redis = StumblingRedis(shop.m.settings.redis_url)
    stumbling = replace(shop.m, redis=redis, background=Background())
    await sessions.close_session(stumbling, token)
    await stumbling.background.drain(5)
    assert await name_of(shop.m, token) is None
    await redis.close()


async def test_a_copy_is_not_believed_for_longer_than_a_minute(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    await sessions.find_shopper(shop.m, token)
    away = without_redis(shop.m)
    await sessions.close_session(away, token)  # and this process dies before Redis is back
    await away.background.drain(0)
    assert await name_of(later(shop.m, seconds=TRUST_SECONDS + 1), token) is None


async def test_while_the_database_is_away_a_copy_of_this_redis_is_believed(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    await sessions.find_shopper(shop.m, token)
    redis = CountingRedis(shop.m.settings.redis_url)
    alone = later(replace(without_database(shop.m), redis=redis), seconds=TRUST_SECONDS + 1)
    assert await name_of(alone, token) == "김민지"
    redis.trips = 0
    assert await name_of(alone, token) == "김민지"
    assert redis.trips == 1  # the database is not asked, and not waited for, at every request
    await redis.command("HSET", key_of(token), "run", "another")
    with pytest.raises(DatabaseUnavailableError):
        await sessions.find_shopper(alone, token)
    await redis.close()


async def test_an_unused_session_ends_after_two_weeks(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    await sessions.find_shopper(shop.m, token)
    assert await name_of(later(shop.m, days=13), token) == "김민지"  # and is used again then
    assert await name_of(later(shop.m, days=26), token) == "김민지"
    assert await name_of(later(shop.m, days=26 + 15), token) is None
    assert await name_of(without_redis(shop.m), token) is None


async def test_a_session_ends_after_a_month_however_much_it_is_used(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    await sessions.find_shopper(shop.m, token)
    async with shop.m.db.write() as tx:
        mine = update(rows).where(rows.c.token_hash == ids.fingerprint(token))
        await tx.execute(mine.values(expires_at=shop.m.clock.now()))
    assert await name_of(later(shop.m, seconds=TRUST_SECONDS + 1), token) is None
    left = await shop.m.redis.command("EXISTS", key_of(token))
    assert left == 0


async def test_a_clock_set_back_an_hour_ends_no_session(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    assert await name_of(later(shop.m, hours=1), token) == "김민지"
    assert await name_of(shop.m, token) == "김민지"


async def test_logging_out_everywhere_ends_every_session_and_those_being_opened(shop: Shop) -> None:
    person = await minji(shop.m)
    user = await service.read_account(shop.m, person.user_id)
    tokens = [await open_session(shop.m, person) for _ in range(3)]
    await asyncio.gather(*(sessions.find_shopper(shop.m, token) for token in tokens))
    await sessions.close_all(shop.m, person.user_id)
    tokens.append(await sessions.open_session(shop.m, user, "its password was checked before"))
    assert [await name_of(shop.m, token) for token in tokens] == [None] * 4
    assert await name_of(shop.m, await open_session(shop.m, person)) == "김민지"


async def test_a_closed_account_has_no_session_and_no_way_in(shop: Shop) -> None:
    person = await minji(shop.m)
    token = await open_session(shop.m, person)
    async with shop.m.db.write() as tx:
        mine = update(users).where(users.c.user_id == person.user_id)
        await tx.execute(mine.values(closed_at=shop.m.clock.now()))
    assert await name_of(shop.m, token) is None
    assert await service.log_in(shop.m, person.signup_id, person.password) is None
    assert not await service.is_available(shop.m, person.signup_id)


async def test_rows_of_ended_sessions_are_swept_away_and_the_living_stay(shop: Shop) -> None:
    person = await minji(shop.m)
    ended, expired, living = [await open_session(shop.m, person) for _ in range(3)]
    await sessions.close_session(shop.m, ended)
    async with shop.m.db.write() as tx:
        old = update(rows).where(rows.c.token_hash == ids.fingerprint(expired))
        await tx.execute(old.values(expires_at=shop.m.clock.now()))
    await sessions.purge_expired(shop.m)
    async with shop.m.db.read() as tx:
        left = await tx.execute(select(rows.c.token_hash).where(rows.c.user_id == person.user_id))
        assert left.scalars().all() == [ids.fingerprint(living)]
    assert await name_of(shop.m, ended) is None


async def test_a_session_never_names_a_row_of_another(shop: Shop) -> None:
    token = await open_session(shop.m, await minji(shop.m))
    async with shop.m.db.read() as tx:
        assert await store.select_session(tx, token) is None
        assert await store.select_session(tx, ids.fingerprint(token)) is not None
