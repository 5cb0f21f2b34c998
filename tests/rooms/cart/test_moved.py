"""A guest's cart that has moved into a member's: who still comes with the old cookie, and who is late."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

import pytest
from quart import Response

from app.cart import service, store
from app.cart.hot import HotCarts
from app.cart.snapshot import Snapshot
from app.core import ids
from app.core.errors import UnavailableError
from app.infra import keys
from app.infra.redis import Script
from app.web import current
from tests.goods import mug
from tests.shop import Shop, Visitor, eventually
from tests.village import minji

MINUTE_US = 60 * 1_000_000


def owner() -> str:
    return f"g:{secrets.token_hex(20)}"


async def lines(shop: Shop, who: str) -> dict[int, int]:
    """What lies in this cart itself."""
    there = await shop.m.keep(HotCarts).snapshot(who)
    return {line.product_id: line.quantity for line in there.live}


async def in_database(shop: Shop, who: str) -> dict[int, int]:
    async with shop.m.db.read() as tx:
        cart = await store.select_cart(tx, who)
    return {line.product_id: line.quantity for line in cart.live}


async def age_mark(shop: Shop, guest: str, micros: int) -> None:
    """Let the guest's cart have moved earlier than it did."""
    mark = await shop.m.redis.command("HGET", keys.cart(guest), "to")
    to, _, at = mark.rpartition(":")
    await shop.m.redis.command("HSET", keys.cart(guest), "to", f"{to}:{int(at) - micros}")


async def move(shop: Shop, quantity: int = 3) -> tuple[str, str, int]:
    """Return a guest and the member whose cart the guest's line went into."""
    guest, member, product = owner(), owner(), await mug(shop.m)
    await service.add_line(shop.m, guest, product, quantity, "")
    await service.merge_guest(shop.m, guest, member)
    return guest, member, product


async def test_an_edit_with_the_old_cookie_lands_in_the_members_cart(shop: Shop) -> None:
    guest, member, product = await move(shop)
    late = await mug(shop.m)
    edited = await service.add_line(shop.m, guest, late, 2, "")
    assert {line.product_id: line.quantity for line in edited.cart.lines} == {product: 3, late: 2}
    assert await lines(shop, guest) == {}
    assert await lines(shop, member) == {product: 3, late: 2}

    async def is_written() -> bool:
        return await in_database(shop, member) == {product: 3, late: 2}

    await eventually(is_written)
    assert await in_database(shop, guest) == {}
    await service.remove_line(shop.m, guest, product)
    assert await lines(shop, member) == {late: 2}


async def test_an_empty_guests_cart_moves_too(shop: Shop) -> None:
    """Its first line may be put in after the log-in has looked."""
    guest, member, product = owner(), owner(), await mug(shop.m)
    await service.merge_guest(shop.m, guest, member)
    await service.add_line(shop.m, guest, product, 1, "")
    assert await lines(shop, member) == {product: 1}


async def test_a_press_that_the_guests_cart_counted_does_not_count_again(shop: Shop) -> None:
    guest, member, product = owner(), owner(), await mug(shop.m)
    await service.add_line(shop.m, guest, product, 2, "a" * 32)
    await service.merge_guest(shop.m, guest, member)
    again = await service.add_line(shop.m, guest, product, 2, "a" * 32)
    assert again.cart.total_quantity == 2
    assert await lines(shop, member) == {product: 2}


async def test_an_old_cookie_reaches_the_members_cart_for_a_minute_only(shop: Shop) -> None:
    guest, member, product = await move(shop)
    late = await mug(shop.m)
    await age_mark(shop, guest, MINUTE_US - 20_000_000)
    assert (await service.view(shop.m, guest)).total_quantity == 3
    await age_mark(shop, guest, 20_000_000)
    assert (await service.view(shop.m, guest)).lines == ()
    await service.add_line(shop.m, guest, late, 2, "")
    assert await lines(shop, guest) == {late: 2}
    assert await lines(shop, member) == {product: 3}
    assert await shop.m.redis.command("HGET", keys.cart(guest), "to") is None


async def test_a_mark_from_a_clock_that_stepped_back_is_not_for_ever(shop: Shop) -> None:
    guest, _, _ = await move(shop)
    await age_mark(shop, guest, -2 * MINUTE_US)
    assert (await service.view(shop.m, guest)).lines == ()


async def test_what_a_guest_puts_in_after_that_minute_goes_along_at_the_next_log_in(shop: Shop) -> None:
    guest, member, product = await move(shop)
    late = await mug(shop.m)
    await age_mark(shop, guest, MINUTE_US)
    await service.add_line(shop.m, guest, late, 2, "")
    await service.merge_guest(shop.m, guest, member)
    assert await lines(shop, member) == {product: 3, late: 2}
    assert await lines(shop, guest) == {}


@pytest.mark.parametrize("stalls", ["merge_guest", "move"])
async def test_a_stalled_log_in_brings_back_nothing_that_was_removed_since(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, stalls: str
) -> None:
    guest, member, product, other = owner(), owner(), await mug(shop.m), await mug(shop.m)
    await service.add_line(shop.m, guest, product, 3, "")
    await service.add_line(shop.m, guest, other, 1, "")
    run, held, goes_on = shop.m.redis.run, asyncio.Event(), asyncio.Event()

    async def stall(script: Script, names: Sequence[str], args: Sequence[str | int] = ()) -> Any:
        if script.name == stalls and not held.is_set():
            held.set()
            await goes_on.wait()
        return await run(script, names, args)

    monkeypatch.setattr(shop.m.redis, "run", stall)
    slow = asyncio.create_task(service.merge_guest(shop.m, guest, member))
    await held.wait()
    await service.merge_guest(shop.m, guest, member)
    await service.remove_line(shop.m, member, product)
    goes_on.set()
    await slow
    assert await lines(shop, member) == {other: 1}

    async def is_written() -> bool:
        return await in_database(shop, member) == {other: 1}

    await eventually(is_written)


async def test_a_log_in_that_died_between_its_scripts_loses_nothing(shop: Shop) -> None:
    guest, member, product, late = owner(), owner(), await mug(shop.m), await mug(shop.m)
    hot = shop.m.keep(HotCarts)
    await service.add_line(shop.m, guest, product, 3, "")
    read = await service.snapshot(shop.m, guest)
    await hot.take_guest(member, read)
    # Here it dies: the guest's cart is the guest's still, and what was taken can be removed.
    await service.remove_line(shop.m, member, product)
    await service.add_line(shop.m, guest, late, 1, "")
    assert await lines(shop, guest) == {product: 3, late: 1}
    await service.merge_guest(shop.m, guest, member)
    assert await lines(shop, member) == {late: 1}
    assert await lines(shop, guest) == {}


async def test_a_guest_is_sent_on_only_when_the_member_has_every_line(shop: Shop) -> None:
    guest, member, product, late = owner(), owner(), await mug(shop.m), await mug(shop.m)
    hot = shop.m.keep(HotCarts)
    await service.add_line(shop.m, guest, product, 3, "")
    read = await service.snapshot(shop.m, guest)
    await hot.take_guest(member, read)
    await service.add_line(shop.m, guest, late, 1, "")
    assert (await hot.move(guest, read.last, member)).outcome == "LATER"
    # Here it dies.
    assert (await service.view(shop.m, guest)).total_quantity == 1
    await service.merge_guest(shop.m, guest, member)
    assert await lines(shop, member) == {product: 3, late: 1}


async def test_a_guest_who_is_too_quick_keeps_the_cart(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    guest, member = owner(), owner()
    goods = [await mug(shop.m) for _ in range(service.MERGES + 1)]
    await service.add_line(shop.m, guest, goods[0], 1, "")
    hot, others = shop.m.keep(HotCarts), goods[1:]
    take = hot.take_guest

    async def take_before_another_tab(who: str, read: Snapshot) -> Any:
        taken = await take(who, read)
        await service.add_line(shop.m, guest, others.pop(), 1, "")
        return taken

    monkeypatch.setattr(hot, "take_guest", take_before_another_tab)
    with pytest.raises(UnavailableError):
        await service.merge_guest(shop.m, guest, member)
    assert {*await lines(shop, guest), *await lines(shop, member)} == set(goods)


async def test_what_was_taken_is_remembered_for_an_hour(shop: Shop) -> None:
    _, member, _ = await move(shop)
    mark = keys.cart(member)
    [old] = [field for field in await shop.m.redis.command("HKEYS", mark) if field.startswith("from:")]
    stamp, _, at = (await shop.m.redis.command("HGET", mark, old)).partition(":")
    await shop.m.redis.command("HSET", mark, old, f"{stamp}:{int(at) - 61 * MINUTE_US}")
    guest, product = owner(), await mug(shop.m)
    await service.add_line(shop.m, guest, product, 1, "")
    await service.merge_guest(shop.m, guest, member)
    left = [field for field in await shop.m.redis.command("HKEYS", mark) if field.startswith("from:")]
    assert left == [f"from:{guest}"]


async def test_no_snapshot_carries_a_mark(shop: Shop) -> None:
    guest, member, product = await move(shop)
    hot = shop.m.keep(HotCarts)
    for who in (guest, member):
        there = await hot.snapshot(who)
        assert Snapshot.from_json(there.to_json()) == there
    assert [line.product_id for line in (await hot.snapshot(member)).lines] == [product]


@pytest.mark.parametrize("mark", ["", "x", "u:1", "u:1; DROP:1700000000000000", f"g:{'a' * 200}:1"])
async def test_a_mark_that_none_of_us_wrote_sends_nobody_anywhere(shop: Shop, mark: str) -> None:
    guest, product = owner(), await mug(shop.m)
    await service.add_line(shop.m, guest, product, 2, "")
    await shop.m.redis.command("HSET", keys.cart(guest), "to", mark, "from:g:x", mark)
    assert (await service.view(shop.m, guest)).total_quantity == 2
    assert not {"to", "from:g:x"} & set(await shop.m.redis.command("HKEYS", keys.cart(guest)))


async def test_another_tab_with_the_old_cookie_edits_and_does_not_order_the_members_cart(shop: Shop) -> None:
    """Else what it pays for would stay in the member's cart."""
    person, visitor, other = await minji(shop.m), shop.visitor(), shop.visitor()
    token, product, late = ids.token(), await mug(shop.m), await mug(shop.m)
    for tab in (visitor, other):
        tab.client.set_cookie("localhost", "gid", token)
    await visitor.post("/cart/lines", product_id=product, quantity=1, key="")
    await visitor.post("/login", signup_id=person.signup_id, password=person.password)
    answer = await other.post("/cart/lines", product_id=late, quantity=1, key="")
    assert answer.status_code == 303
    assert await lines(shop, person.owner) == {product: 1, late: 1}
    assert await lines(shop, current.guest_owner(token)) == {}
    answer = await order(other)
    assert answer.status_code == 409
    assert "로그인하신 회원의 장바구니" in await answer.get_data(as_text=True)
    assert await lines(shop, person.owner) == {product: 1, late: 1}


async def order(visitor: Visitor) -> Response:
    form: dict[str, Any] = {
        "recipient_name": "김민지",
        "recipient_phone": "010-1234-5678",
        "postcode": "04524",
        "address1": "서울 중구 세종대로 110",
        "confirmed": "1",
        "seen_total": 24000,
    }
    return await visitor.post("/checkout", **form)
