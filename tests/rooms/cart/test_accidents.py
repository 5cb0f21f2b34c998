"""The accidents the cart's rules are there for, each made to happen once, at the instant that hurts."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.cart import service, store
from app.cart.hot import Edit, HotCarts
from app.cart.publisher import CartPublisher
from app.cart.snapshot import SnapLine, Snapshot
from app.cart.store import TOMBSTONE
from app.core.clock import epoch_us
from app.core.errors import RedisUnavailableError
from app.infra import keys
from tests.goods import mug
from tests.shop import Shop, eventually, life_of

HOUR_US = 3600 * 1_000_000


def owner() -> str:
    return f"g:{secrets.token_hex(20)}"


def now_us(shop: Shop) -> int:
    return epoch_us(shop.m.clock.now())


async def in_database(shop: Shop, who: str) -> dict[int, int]:
    async with shop.m.db.read() as tx:
        cart = await store.select_cart(tx, who)
    return {line.product_id: line.quantity for line in cart.live}


async def in_redis(shop: Shop, who: str) -> dict[int, int]:
    return {line.product_id: line.quantity for line in (await service.snapshot(shop.m, who)).live}


async def reaches_the_database(shop: Shop, who: str, lines: dict[int, int]) -> None:
    async def is_there() -> bool:
        return await in_database(shop, who) == lines

    await eventually(is_there)


async def restart_redis(shop: Shop) -> None:
    shop.stack.redis.restart()

    async def answers() -> bool:
        try:
            await shop.m.redis.ping()
        except RedisUnavailableError:
            return False
        return True

    await eventually(answers)


async def test_a_message_that_comes_after_the_cart_was_emptied_brings_nothing_back(shop: Shop) -> None:
    who, bought = owner(), await mug(shop.m)
    ordered = (await shop.m.keep(HotCarts).edit(who, Edit("add", bought, 2, 99))).snapshot
    async with shop.m.db.write() as tx:
        await service.clear_paid(tx, who, ordered.last)
    await service.clear_paid_hot(shop.m, who, ordered.last)
    assert await in_redis(shop, who) == {}
    await service.persist(shop.m, [ordered], by="test")
    assert await in_redis(shop, who) == {}
    assert await in_database(shop, who) == {}


async def test_an_older_message_does_not_make_a_newer_edit_forgotten(shop: Shop) -> None:
    """Only the mark of what the database has may go; the newer edit is written by the sweeper."""
    who, product = owner(), await mug(shop.m)
    hot = shop.m.keep(HotCarts)
    older = (await hot.edit(who, Edit("add", product, 1, 99))).snapshot
    await hot.edit(who, Edit("set", product, 5, 99))  # acknowledged, and the web process dies here
    await service.persist(shop.m, [older], by="test")
    await reaches_the_database(shop, who, {product: 5})


async def test_a_clock_that_was_set_back_loses_no_edit(shop: Shop) -> None:
    who, product = owner(), await mug(shop.m)
    ahead = now_us(shop) + HOUR_US
    await service.persist(shop.m, [Snapshot(who, ahead, 0, (SnapLine(product, 1, ahead),))], by="test")
    assert await in_redis(shop, who) == {product: 1}
    await service.set_quantity(shop.m, who, product, 5)
    await reaches_the_database(shop, who, {product: 5})


async def test_a_load_that_a_wipe_overtook_is_not_believed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading the row and telling Redis, Redis is wiped and another process writes a newer row."""
    who, product = owner(), await mug(shop.m)
    first = now_us(shop)
    await service.persist(shop.m, [Snapshot(who, first, 0, (SnapLine(product, 1, first),))], by="test")
    select, overtaken = store.select_cart, False

    async def select_and_be_overtaken(*args: Any) -> Snapshot:
        nonlocal overtaken
        known = await select(*args)
        if not overtaken:
            overtaken = True
            await shop.m.redis.command("FLUSHALL")
            await shop.m.keep(HotCarts).start_history(await life_of(shop.m))
            newer = Snapshot(who, first + 1, 0, (SnapLine(product, 7, first + 1),))
            await service.persist(shop.m, [newer], by="test")
        return known

    monkeypatch.setattr(store, "select_cart", select_and_be_overtaken)
    assert await in_redis(shop, who) == {product: 7}


async def test_a_redis_with_an_older_disk_is_joined_before_it_is_believed(shop: Shop) -> None:
    who, product = owner(), await mug(shop.m)
    await service.add_line(shop.m, who, product, 1, "")
    older = await shop.m.redis.command("HGETALL", keys.cart(who))
    await service.set_quantity(shop.m, who, product, 6)
    await reaches_the_database(shop, who, {product: 6})
    await restart_redis(shop)
    fields = older.items() if isinstance(older, dict) else zip(older[::2], older[1::2], strict=True)
    await shop.m.redis.command("DEL", keys.cart(who))
    await shop.m.redis.command("HSET", keys.cart(who), *(word for pair in fields for word in pair))
    assert await in_redis(shop, who) == {product: 6}


async def test_a_redis_with_an_older_disk_waits_for_what_is_on_its_way(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit that only the queue knows: whoever read, or ordered, the cart without it would lose it."""
    who, product = owner(), await mug(shop.m)
    await service.add_line(shop.m, who, product, 1, "")
    await reaches_the_database(shop, who, {product: 1})
    older = await shop.m.redis.command("HGETALL", keys.cart(who))
    write, going_on = shop.m.db.retrying, asyncio.Event()

    async def slowly(work: Callable[..., Awaitable[Any]]) -> Any:
        await going_on.wait()
        return await write(work)

    monkeypatch.setattr(shop.m.db, "retrying", slowly)
    await service.set_quantity(shop.m, who, product, 6)
    await shop.m.keep(CartPublisher).flush()
    await restart_redis(shop)
    await shop.m.redis.command("DEL", keys.cart(who), keys.dirty(keys.bucket(who)))
    fields = older.items() if isinstance(older, dict) else zip(older[::2], older[1::2], strict=True)
    await shop.m.redis.command("HSET", keys.cart(who), *(word for pair in fields for word in pair))
    asyncio.get_running_loop().call_later(0.5, going_on.set)
    assert await in_redis(shop, who) == {product: 6}


async def test_a_removal_is_remembered_for_thirty_days_and_nothing_older_comes_back(shop: Shop) -> None:
    who, product, other = owner(), await mug(shop.m), await mug(shop.m)
    ago = epoch_us(shop.m.clock.now() - TOMBSTONE - timedelta(minutes=1))
    recent = epoch_us(shop.m.clock.now() - TOMBSTONE + timedelta(minutes=1))
    removed = Snapshot(who, recent, 0, (SnapLine(other, 0, recent),))
    await service.persist(shop.m, [removed], by="test")
    await service.purge_tombstones(shop.m)
    await service.persist(
        shop.m,
        [Snapshot(who, recent, 0, (SnapLine(product, 3, ago), SnapLine(other, 2, recent - 1)))],
        by="test",
    )
    assert await in_database(shop, who) == {}
