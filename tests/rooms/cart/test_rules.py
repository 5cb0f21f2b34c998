"""The rules of docs/messages.md that no other test here would miss: clocks, restarts, loading, limits."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from app.cart import service, store
from app.cart.hot import Edit, HotCarts
from app.cart.snapshot import SnapLine, Snapshot
from app.core.clock import epoch_us
from app.core.errors import AmqpUnavailableError, RedisUnavailableError
from app.infra import keys
from app.infra.redis import Script
from app.models import carts
from tests.goods import mug
from tests.shop import Shop, eventually

FUTURE = 8_000_000_000_000_000  # a stamp that no clock of ours has reached


def owner() -> str:
    return f"g:{secrets.token_hex(20)}"


def now_us(shop: Shop) -> int:
    return epoch_us(shop.m.clock.now())


async def lines(shop: Shop, who: str) -> dict[int, int]:
    return {line.product_id: line.quantity for line in (await service.snapshot(shop.m, who)).live}


async def in_database(shop: Shop, who: str) -> dict[int, int]:
    async with shop.m.db.read() as tx:
        cart = await store.select_cart(tx, who)
    return {line.product_id: line.quantity for line in cart.live}


async def is_dirty(shop: Shop, who: str) -> bool:
    return await shop.m.redis.command("ZSCORE", keys.dirty(keys.bucket(who)), who) is not None


async def test_a_removed_line_stays_removed_when_an_older_message_comes_late(shop: Shop) -> None:
    who, hot = owner(), shop.m.keep(HotCarts)
    added = (await hot.edit(who, Edit("add", 7, 2, 99))).snapshot
    removed = (await hot.edit(who, Edit("remove", 7))).snapshot
    await service.persist(shop.m, [removed], by="test")
    await service.persist(shop.m, [added], by="test")
    assert await in_database(shop, who) == {}
    assert await lines(shop, who) == {}


async def test_a_stamp_grows_when_the_clock_steps_back(shop: Shop) -> None:
    who, hot = owner(), shop.m.keep(HotCarts)
    await service.persist(shop.m, [Snapshot(who, FUTURE, FUTURE - 5, (SnapLine(7, 1, FUTURE),))], by="test")
    for expected in (1, 2):
        edited = (await hot.edit(who, Edit("set", 7, expected + 1, 99))).snapshot
        assert edited.last == FUTURE + expected
        assert edited.live == (SnapLine(7, expected + 1, FUTURE + expected),)
    await service.persist(shop.m, [edited], by="test")
    assert await in_database(shop, who) == {7: 3}


async def test_a_stamp_is_later_than_what_was_paid_for_when_the_clock_steps_back(shop: Shop) -> None:
    who, hot = owner(), shop.m.keep(HotCarts)
    await hot.edit(who, Edit("read"))
    await shop.m.redis.command("HSET", keys.cart(who), "cl", FUTURE)
    edited = (await hot.edit(who, Edit("add", 7, 1, 99))).snapshot
    assert edited.live == (SnapLine(7, 1, FUTURE + 1),)


async def test_what_the_database_has_repairs_a_redis_that_lost_it(shop: Shop) -> None:
    """A placeholder, an old file: whatever is there takes the newer lines in."""
    who, hot = owner(), shop.m.keep(HotCarts)
    await hot.edit(who, Edit("read"))
    late = Snapshot(who, now_us(shop), 0, (SnapLine(7, 4, now_us(shop)),))
    await service.persist(shop.m, [late], by="test")
    assert await lines(shop, who) == {7: 4}


async def test_the_mark_stays_when_the_cart_was_edited_while_it_was_written(shop: Shop) -> None:
    who, hot = owner(), shop.m.keep(HotCarts)
    first = (await hot.edit(who, Edit("add", 7, 1, 99))).snapshot
    second = (await hot.edit(who, Edit("add", 8, 1, 99))).snapshot
    await service.persist(shop.m, [first], by="test")
    assert await is_dirty(shop, who)
    await service.persist(shop.m, [second], by="test")
    assert not await is_dirty(shop, who)


async def interrupted_load(shop: Shop, who: str, monkeypatch: pytest.MonkeyPatch, meanwhile: Any) -> None:
    """Load the cart, and let something happen between reading the database and telling Redis."""
    run, done = shop.m.redis.run, False

    async def interrupting(script: Script, names: Sequence[str], args: Sequence[str | int] = ()) -> Any:
        nonlocal done
        if script.name == "put_load" and names[0] == keys.cart(who) and not done:
            done = True
            await meanwhile()
        return await run(script, names, args)

    monkeypatch.setattr(shop.m.redis, "run", interrupting)
    await service.snapshot(shop.m, who)
    assert done


async def test_what_was_paid_while_a_cart_was_loaded_does_not_come_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, stamp = owner(), now_us(shop)
    await service.persist(shop.m, [Snapshot(who, stamp, 0, (SnapLine(7, 1, stamp),))], by="test")

    async def pay() -> None:
        async with shop.m.db.write() as tx:
            await service.clear_paid(tx, who, stamp)
        await service.clear_paid_hot(shop.m, who, stamp)

    await interrupted_load(shop, who, monkeypatch, pay)
    assert await lines(shop, who) == {}


async def test_what_was_read_before_a_wipe_is_not_put_after_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, stamp = owner(), now_us(shop)
    await service.persist(shop.m, [Snapshot(who, stamp, 0, (SnapLine(7, 1, stamp),))], by="test")

    async def wipe_and_change() -> None:
        await shop.m.redis.command("DEL", keys.cart(who))
        newer = Snapshot(who, stamp + 9, 0, (SnapLine(7, 5, stamp + 9),))
        await service.persist(shop.m, [newer], by="test")

    await interrupted_load(shop, who, monkeypatch, wipe_and_change)
    assert await lines(shop, who) == {7: 5}


async def test_an_old_file_of_redis_is_joined_with_the_database_before_it_is_shown(shop: Shop) -> None:
    """Restored from yesterday: it says that the cart is loaded, but another life of Redis loaded it."""
    who, hot = owner(), shop.m.keep(HotCarts)
    yesterday = (await hot.edit(who, Edit("add", 7, 1, 99))).snapshot
    today = (await hot.edit(who, Edit("set", 7, 6, 99))).snapshot
    await service.persist(shop.m, [today], by="test")
    line = yesterday.live[0]
    old: dict[str, str | int] = {"p7": f"1:{line.stamp}", "last": yesterday.last, "loaded": "0" * 40}
    for name, value in old.items():
        await shop.m.redis.command("HSET", keys.cart(who), name, value)
    assert await lines(shop, who) == {7: 6}


async def test_a_line_of_long_ago_that_was_purged_does_not_come_back(shop: Shop) -> None:
    who = owner()
    fresh, old = now_us(shop), epoch_us(shop.m.clock.now() - timedelta(days=31))
    removed = Snapshot(who, fresh, 0, (SnapLine(7, 0, fresh), SnapLine(8, 0, fresh)))
    await service.persist(shop.m, [removed], by="test")
    async with shop.m.db.write() as tx:  # thirty-one days pass for one of them
        await tx.execute(update(carts).where(carts.c.owner == who, carts.c.product_id == 7).values(stamp=old))
    await service.purge_tombstones(shop.m)
    async with shop.m.db.read() as tx:
        known = (await store.select_cart(tx, who)).lines
    assert [line.product_id for line in known] == [8], "what was removed lately is remembered"
    await service.persist(shop.m, [Snapshot(who, old - 1, 0, (SnapLine(7, 2, old - 1),))], by="test")
    assert await in_database(shop, who) == {}


async def test_an_edit_prolongs_the_cart_and_reading_does_not(shop: Shop) -> None:
    who, hot = owner(), shop.m.keep(HotCarts)
    await hot.edit(who, Edit("add", 7, 1, 99))
    await shop.m.redis.command("EXPIRE", keys.cart(who), 100)
    await hot.edit(who, Edit("read"))
    assert await shop.m.redis.command("TTL", keys.cart(who)) <= 100
    await hot.edit(who, Edit("set", 7, 2, 99))
    assert await shop.m.redis.command("TTL", keys.cart(who)) > 29 * 86_400
    assert await shop.m.redis.command("TTL", keys.dirty(keys.bucket(who))) == -1
    assert await shop.m.redis.command("TTL", keys.generation(0)) == -1


async def test_no_more_than_ninety_nine_and_no_more_registers_than_a_message_holds(shop: Shop) -> None:
    who, hot = owner(), shop.m.keep(HotCarts)
    for _ in range(3):
        edited = await hot.edit(who, Edit("add", 7, 60, 99))
    assert (edited.outcome, edited.snapshot.total_quantity) == ("CAPPED", 99)
    removed = [word for number in range(499) for word in (f"p{10_000 + number}", f"0:{now_us(shop)}")]
    await shop.m.redis.command("HSET", keys.cart(who), *removed)
    assert (await hot.edit(who, Edit("add", 9, 1, 99))).outcome == "FULL"


async def test_the_last_thirty_two_presses_are_remembered(shop: Shop) -> None:
    who, hot = owner(), shop.m.keep(HotCarts)
    presses = [secrets.token_hex(16) for _ in range(40)]
    for press in presses:
        await hot.edit(who, Edit("add", 7, 1, 99, press))
    for press in presses[-32:]:
        await hot.edit(who, Edit("add", 7, 1, 99, press))
    assert await lines(shop, who) == {7: 40}
    kept = await shop.m.redis.command("HGET", keys.cart(who), "keys")
    assert kept.split() == presses[-32:]


async def test_a_guest_who_logs_in_twice_at_once_leaves_an_empty_cart_that_stays_empty(shop: Shop) -> None:
    guest, member, product = owner(), owner(), await mug(shop.m)
    await service.add_line(shop.m, guest, product, 3, "")
    late = await service.snapshot(shop.m, guest)
    await service.merge_guest(shop.m, guest, member)
    await service.merge_guest(shop.m, guest, member)
    await service.persist(shop.m, [late], by="test")  # a message from before the log-in
    assert (await shop.m.keep(HotCarts).snapshot(guest)).live == ()
    assert await lines(shop, member) == {product: 3}

    async def is_empty() -> bool:
        return await in_database(shop, guest) == {} and not await is_dirty(shop, guest)

    await eventually(is_empty)


async def test_a_late_message_does_not_hide_that_a_guests_lines_went_to_a_member(shop: Shop) -> None:
    """Before the emptied cart was published, its web process died: the mark is all that is left of it."""
    guest, hot = owner(), shop.m.keep(HotCarts)
    late = (await hot.edit(guest, Edit("add", 7, 3, 99))).snapshot
    await hot.move(guest, late.last, owner())
    await service.persist(shop.m, [late], by="test")
    assert await is_dirty(shop, guest)


async def test_a_guests_smaller_quantity_takes_nothing_from_the_member(shop: Shop) -> None:
    guest, member, product = owner(), owner(), await mug(shop.m)
    await service.add_line(shop.m, guest, product, 2, "")
    await service.add_line(shop.m, member, product, 5, "")
    await service.merge_guest(shop.m, guest, member)
    assert await lines(shop, member) == {product: 5}


async def test_what_was_paid_for_is_not_taken_in_again_by_whatever_message(shop: Shop) -> None:
    """Neither from one that was late, nor beside a newer line, nor after the tombstones."""
    who, stamp = owner(), now_us(shop)
    async with shop.m.db.write() as tx:
        await service.clear_paid(tx, who, stamp)
    mixed = Snapshot(
        who, stamp + 5, 0, (SnapLine(7, 2, stamp - 5), SnapLine(8, 2, stamp), SnapLine(9, 1, stamp + 5))
    )
    await service.persist(shop.m, [mixed], by="test")
    assert await in_database(shop, who) == {9: 1}
    assert await lines(shop, who) == {9: 1}


async def test_nothing_is_lost_when_neither_broker_nor_redis_hears_of_it_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written to the database, and Redis was not told: the mark stays, and the sweeper comes back to it."""
    who, hot = owner(), shop.m.keep(HotCarts)
    edited = (await hot.edit(who, Edit("add", 7, 2, 99))).snapshot

    async def away(_snapshot: Snapshot) -> None:
        raise RedisUnavailableError("away")

    with monkeypatch.context() as patched:
        patched.setattr(hot, "merge_back", away)
        await service.persist(shop.m, [edited], by="test")
        assert await in_database(shop, who) == {7: 2}
    monkeypatch.setattr(service, "SWEEP_AGE_US", -10_000_000)
    await service.sweep(shop.m)
    assert not await is_dirty(shop, who)


async def test_a_cart_is_joined_with_the_database_only_once_per_life_of_redis(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, hot = owner(), shop.m.keep(HotCarts)
    await hot.edit(who, Edit("add", 7, 2, 99))
    async with shop.m.db.write() as tx:
        await tx.execute(delete(carts).where(carts.c.owner == who))

    async def unasked(*_: object) -> Snapshot:
        raise AmqpUnavailableError("a warm cart needs Redis only")

    monkeypatch.setattr(store, "select_cart", unasked)
    assert await lines(shop, who) == {7: 2}
