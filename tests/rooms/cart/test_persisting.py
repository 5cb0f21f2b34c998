"""The cart's way to the database and back: messages, the sweeper, loading, merging, clearing."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cart import service, store
from app.cart.hot import Edit, HotCarts
from app.cart.snapshot import SnapLine, Snapshot, join
from app.core.clock import epoch_us
from app.core.errors import RedisLostError
from app.infra import keys
from app.infra.redis import Script
from tests.goods import mug
from tests.shop import Shop, eventually

lines_of_a_cart = st.lists(
    st.builds(SnapLine, st.integers(1, 4), st.integers(0, 3), st.integers(1, 9)), max_size=6
).map(lambda lines: tuple({line.product_id: line for line in lines}.values()))
snapshots = st.builds(Snapshot, st.just("g:x"), st.integers(0, 9), st.integers(0, 9), lines_of_a_cart).map(
    lambda one: replace(one, lines=tuple(sorted(line for line in one.lines if line.stamp > one.cleared)))
)


def agree(one: Snapshot) -> Snapshot:
    """A stamp names one edit: two lines with one stamp are the same line."""
    lines = tuple(
        SnapLine(line.product_id, (line.product_id + line.stamp) % 4, line.stamp) for line in one.lines
    )
    return replace(one, lines=lines)


@given(snapshots.map(agree), snapshots.map(agree), snapshots.map(agree))
def test_a_join_does_not_care_for_order_or_repetition(one: Snapshot, two: Snapshot, three: Snapshot) -> None:
    assert join(one, two) == join(two, one)
    assert join(join(one, two), three) == join(one, join(two, three))
    assert join(one, one) == one


def owner() -> str:
    return f"g:{secrets.token_hex(20)}"


async def in_database(shop: Shop, who: str) -> dict[int, int]:
    async with shop.m.db.read() as tx:
        cart = await store.select_cart(tx, who)
    return {line.product_id: line.quantity for line in cart.live}


async def test_an_edit_reaches_the_database_by_message(shop: Shop) -> None:
    who, product = owner(), await mug(shop.m)
    await service.add_line(shop.m, who, product, 3, "")

    async def arrived() -> bool:
        return await in_database(shop, who) == {product: 3}

    await eventually(arrived)

    async def clean() -> bool:
        return who not in await shop.m.keep(HotCarts).dirty_owners(2**52, 10_000)

    await eventually(clean)


async def test_messages_may_come_twice_and_in_any_order(shop: Shop) -> None:
    who, product, other = owner(), await mug(shop.m), await mug(shop.m)
    seen = []
    for quantity in (1, 2, 3):
        await service.add_line(shop.m, who, product, 1, "")
        await service.add_line(shop.m, who, other, quantity, "")
        seen.append(await service.snapshot(shop.m, who))
    await service.remove_line(shop.m, who, other)
    seen.append(await service.snapshot(shop.m, who))
    for one in (seen[3], seen[0], seen[2], seen[0], seen[3], seen[1]):
        await service.persist(shop.m, [one, one], by="test")
    assert await in_database(shop, who) == {product: 3}


async def test_a_batch_joins_snapshots_of_one_cart_instead_of_keeping_the_newest(shop: Shop) -> None:
    """Across a wipe of Redis the newest snapshot may lack a line that an older one has."""
    who, first, second = owner(), await mug(shop.m), await mug(shop.m)
    before_wipe = Snapshot(who, 10, 0, (SnapLine(first, 1, now_us(shop)),))
    after_wipe = Snapshot(who, 20, 0, (SnapLine(second, 1, now_us(shop)),))
    await service.persist(shop.m, [after_wipe, before_wipe], by="test")
    assert await in_database(shop, who) == {first: 1, second: 1}


async def test_the_sweeper_writes_what_no_message_wrote(shop: Shop) -> None:
    who, product = owner(), await mug(shop.m)
    hot = shop.m.keep(HotCarts)
    await hot.edit(who, Edit("add", product, 2, 99))  # acknowledged, and the web process dies here

    async def swept() -> bool:
        return await in_database(shop, who) == {product: 2}

    await eventually(swept)


async def test_the_sweeper_writes_what_is_of_a_time_that_is_not_yet(shop: Shop) -> None:
    """The clock was an hour ahead and was set right: a cart's stamps go on from where they were."""
    who, product = owner(), await mug(shop.m)
    hour = 3600 * 1_000_000
    hot = shop.m.keep(HotCarts)
    await hot.edit(who, Edit("read"))
    await shop.m.redis.command("HSET", keys.cart(who), "last", now_us(shop) + hour)
    await hot.edit(who, Edit("add", product, 2, 99))  # acknowledged, and the web process dies here

    async def swept() -> bool:
        clean = who not in await hot.dirty_owners(2**52, 10_000)
        return clean and await in_database(shop, who) == {product: 2}

    await eventually(swept)


async def test_a_wiped_redis_loads_the_cart_again_and_a_late_message_changes_nothing(shop: Shop) -> None:
    who, product = owner(), await mug(shop.m)
    await service.add_line(shop.m, who, product, 2, "")
    old = await service.snapshot(shop.m, who)
    await service.set_quantity(shop.m, who, product, 5)
    await service.persist(shop.m, [await service.snapshot(shop.m, who)], by="test")
    await shop.m.redis.command("FLUSHALL")
    assert (await service.view(shop.m, who)).total_quantity == 5
    await service.persist(shop.m, [old], by="test")
    assert (await service.view(shop.m, who)).total_quantity == 5


async def test_what_was_paid_for_goes_and_a_later_edit_stays(shop: Shop) -> None:
    who, bought, later = owner(), await mug(shop.m), await mug(shop.m)
    await service.add_line(shop.m, who, bought, 2, "")
    ordered = await service.snapshot(shop.m, who)
    await service.add_line(shop.m, who, later, 1, "")
    async with shop.m.db.write() as tx:
        await service.clear_paid(tx, who, ordered.last)
    await service.persist(shop.m, [ordered], by="test")  # a message that took its time
    await service.clear_paid_hot(shop.m, who, ordered.last)
    await service.clear_paid_hot(shop.m, who, ordered.last)
    assert [line.product_id for line in (await service.view(shop.m, who)).lines] == [later]
    await service.persist(shop.m, [await service.snapshot(shop.m, who)], by="test")
    assert await in_database(shop, who) == {later: 1}


async def test_what_was_removed_after_the_order_can_be_brought_back_when_the_paid_goods_go_late(
    shop: Shop,
) -> None:
    who, bought, later = owner(), await mug(shop.m), await mug(shop.m)
    await service.add_line(shop.m, who, bought, 2, "")
    ordered = await service.snapshot(shop.m, who)
    await service.add_line(shop.m, who, later, 3, "")
    await service.remove_line(shop.m, who, later)
    await service.clear_paid_hot(shop.m, who, ordered.last)  # the message says it again, whenever it comes
    assert (await service.undo(shop.m, who)).note == ""
    assert {line.product_id: line.quantity for line in (await service.view(shop.m, who)).lines} == {later: 3}


async def test_what_was_removed_before_the_order_cannot_be_brought_back_once_it_is_paid(shop: Shop) -> None:
    who, bought, removed = owner(), await mug(shop.m), await mug(shop.m)
    await service.add_line(shop.m, who, bought, 2, "")
    await service.add_line(shop.m, who, removed, 3, "")
    await service.remove_line(shop.m, who, removed)
    await service.clear_paid_hot(shop.m, who, (await service.snapshot(shop.m, who)).last)
    assert (await service.undo(shop.m, who)).note == "되돌릴 상품이 없습니다."


async def test_a_guests_cart_joins_the_members_once(shop: Shop) -> None:
    guest, member = owner(), owner()
    both, only_guest = await mug(shop.m), await mug(shop.m)
    await service.add_line(shop.m, guest, both, 3, "")
    await service.add_line(shop.m, guest, only_guest, 1, "")
    await service.add_line(shop.m, member, both, 2, "")
    await asyncio.gather(*(service.merge_guest(shop.m, guest, member) for _ in range(4)))
    cart = await service.view(shop.m, member)
    assert {line.product_id: line.quantity for line in cart.lines} == {both: 3, only_guest: 1}
    assert (await service.view(shop.m, guest)).lines == ()


async def test_what_a_guest_puts_in_while_the_carts_are_joined_is_not_left_behind(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guest's cookie goes with the log-in: nobody would ever see that cart again."""
    guest, member = owner(), owner()
    early, late = await mug(shop.m), await mug(shop.m)
    await service.add_line(shop.m, guest, early, 1, "")
    hot, others = shop.m.keep(HotCarts), [late]
    clear = hot.clear

    async def clear_after_another_tab(*args: Any, **named: Any) -> None:
        while others:
            await service.add_line(shop.m, guest, others.pop(), 1, "")
        await clear(*args, **named)

    monkeypatch.setattr(hot, "clear", clear_after_another_tab)
    await service.merge_guest(shop.m, guest, member)
    assert {line.product_id for line in (await service.snapshot(shop.m, member)).live} == {early, late}
    assert (await service.snapshot(shop.m, guest)).live == ()


async def test_two_hundred_edits_at_once_lose_no_line(shop: Shop) -> None:
    who = owner()
    goods = [await mug(shop.m) for _ in range(5)]
    await service.view(shop.m, who)
    await asyncio.gather(*(service.add_line(shop.m, who, goods[n % 5], 1, "") for n in range(200)))
    cart = await service.view(shop.m, who)
    assert {line.product_id: line.quantity for line in cart.lines} == dict.fromkeys(goods, 40)


async def test_a_lost_answer_is_asked_for_again_and_counts_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, product = owner(), await mug(shop.m)
    await service.view(shop.m, who)
    run, lost = shop.m.redis.run, 0

    async def lossy(script: Script, keys: Sequence[str], args: Sequence[str | int] = ()) -> Any:
        nonlocal lost
        answer = await run(script, keys, args)
        if script.name == "edit" and args[0] == who and lost == 0:
            lost += 1
            raise RedisLostError("executed, and the answer lost")
        return answer

    monkeypatch.setattr(shop.m.redis, "run", lossy)
    await service.add_line(shop.m, who, product, 2, "d" * 32)
    assert lost == 1
    assert (await service.snapshot(shop.m, who)).total_quantity == 2
    lost = 0
    with pytest.raises(RedisLostError):  # without a key nobody can tell: the shopper decides
        await service.add_line(shop.m, who, product, 2, "")


async def test_a_hundred_lines_and_no_more(shop: Shop) -> None:
    who = owner()
    product = await mug(shop.m)
    hot = shop.m.keep(HotCarts)
    await service.view(shop.m, who)
    for number in range(100):
        await hot.edit(who, Edit("add", 10**8 + number, 1, 99))
    edited = await service.add_line(shop.m, who, product, 1, "")
    assert "100가지까지" in edited.note
    assert len((await service.snapshot(shop.m, who)).live) == 100


def now_us(shop: Shop) -> int:
    return epoch_us(shop.m.clock.now())
