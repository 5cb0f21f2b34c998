"""A cart in which something lies that none of us wrote: it is dropped, and what MySQL has is kept."""

import secrets
from typing import Any

import pytest
from prometheus_client import REGISTRY

from app.cart import service, store
from app.cart.hot import Edit, HotCarts
from app.cart.snapshot import SnapLine, Snapshot
from app.infra import keys
from app.web import current
from tests.goods import mug
from tests.shop import Shop, eventually

# What lies in the hash, by field; {p} is the product that is in the cart.
FIELDS: dict[str, dict[str, Any]] = {
    "a register of words": {"p{p}": "three:yesterday"},
    "an empty register": {"p{p}": ""},
    "a register without a stamp": {"p{p}": "2"},
    "a negative quantity": {"p{p}": "-2:1700000000000000"},
    "a hundred thousand": {"p{p}": "100000:1700000000000000"},
    "a stamp no double holds": {"p{p}": "2:9999999999999999"},
    "bytes that are no text": {"p{p}": b"\xff\xfe:\x00"},
    "a product no database holds": {"p99999999999999999999": "1:1700000000000000"},
    "a product of nothing": {"p0": "1:1700000000000000"},
    "no last": {"last": "yesterday"},
    "a last of no number": {"last": "nan"},
    "a last no double holds": {"last": "9999999999999999"},
    "a last in hexadecimal": {"last": "0x10"},
    "no watermark": {"cl": "inf"},
    "an undo of words": {"undo": "everything"},
    "an undo of too much": {"undo": "7:1000:1700000000000000"},
    "keys of noise": {"keys": b"\xff" * 100},
    "keys without end": {"keys": "a" * 1_000_000},
    "a price of words": {"c{p}": "cheap"},
    "a price without end": {"c{p}": "9" * 13},
    "everything at once": {
        "p{p}": "x",
        "c{p}": "x",
        "last": "x",
        "cl": "x",
        "undo": "x",
        "keys": "x y z",
        "": "x",
    },
}
# Whole keys of another type: the commands that make them.
KEYS: dict[str, list[Any]] = {
    "a text for a cart": ["SET", "cart", "x"],
    "a list for a cart": ["RPUSH", "cart", "x"],
    "a text for the marks": ["SET", "dirty", "x"],
    "a hash for the marks": ["HSET", "dirty", "x", "y"],
}


def owner() -> str:
    return f"g:{secrets.token_hex(20)}"


def alarms() -> float:
    return REGISTRY.get_sample_value("madang_alarms_total", {"kind": "corrupt_cart"}) or 0.0


async def in_database(shop: Shop, who: str) -> dict[int, int]:
    async with shop.m.db.read() as tx:
        cart = await store.select_cart(tx, who)
    return {line.product_id: line.quantity for line in cart.live}


async def cart_of(shop: Shop, quantity: int = 3) -> tuple[str, int]:
    """Somebody's cart with one line, which the database has."""
    who, product = owner(), await mug(shop.m)
    edited = await shop.m.keep(HotCarts).edit(who, Edit("add", product, quantity, 99))
    await service.persist(shop.m, [edited.snapshot], by="test")
    return who, product


async def spoil(shop: Shop, who: str, product: int, what: str) -> None:
    redis, places = shop.m.redis, {"cart": keys.cart(who), "dirty": keys.dirty(keys.bucket(who))}
    if what in FIELDS:
        for name, value in FIELDS[what].items():
            await redis.command("HSET", places["cart"], name.format(p=product), value)
        return
    command, place, *rest = KEYS[what]
    await redis.command("DEL", places[place])
    await redis.command(command, places[place], *rest)


ALL = [*FIELDS, *KEYS]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweeper need not wait to see whether a message comes."""
    monkeypatch.setattr(service, "SWEEP_AGE_US", -10_000_000)


@pytest.mark.parametrize("what", ALL)
async def test_a_broken_cart_is_shown_as_the_database_has_it(shop: Shop, what: str) -> None:
    who, product = await cart_of(shop)
    before = alarms()
    await spoil(shop, who, product, what)
    cart = await service.view(shop.m, who)
    assert {line.product_id: line.quantity for line in cart.lines} == {product: 3}
    if what in FIELDS or "cart" in what:
        assert alarms() == before + 1
        await service.view(shop.m, who)
        assert alarms() == before + 1, "it was repaired, and said once"


@pytest.mark.parametrize("what", ALL)
async def test_an_edit_of_a_broken_cart_builds_on_what_the_database_has(shop: Shop, what: str) -> None:
    who, product = await cart_of(shop)
    await spoil(shop, who, product, what)
    edited = await service.add_line(shop.m, who, product, 1, secrets.token_hex(16))
    assert {line.product_id: line.quantity for line in edited.cart.lines} == {product: 4}

    async def arrived() -> bool:
        return await in_database(shop, who) == {product: 4}

    await eventually(arrived)
    await service.remove_line(shop.m, who, product)
    assert (await service.view(shop.m, who)).lines == ()
    assert (await service.undo(shop.m, who)).cart.total_quantity == 4


@pytest.mark.parametrize("what", ["everything at once", "a text for a cart", "a text for the marks"])
async def test_other_carts_flow_while_one_is_broken(shop: Shop, what: str, at_once: None) -> None:
    who, product = await cart_of(shop)
    other = next(one for one in iter(owner, "") if keys.bucket(one) == keys.bucket(who))
    await spoil(shop, who, product, what)
    await shop.m.keep(HotCarts).edit(other, Edit("add", product, 2, 99))  # no message: the sweeper's business

    async def swept() -> bool:
        return await in_database(shop, other) == {product: 2}

    await eventually(swept)


async def test_sound_edits_beside_a_broken_part_reach_the_database(shop: Shop, at_once: None) -> None:
    """The broken ``last`` must not hide from the sweeper that the cart was edited."""
    who, product = await cart_of(shop)
    other = await mug(shop.m)
    hot = shop.m.keep(HotCarts)
    await hot.edit(who, Edit("add", other, 2, 99))
    await spoil(shop, who, product, "no last")

    async def swept() -> bool:
        clean = who not in await hot.dirty_owners(2**52, 10_000)
        return clean and await in_database(shop, who) == {product: 3, other: 2}

    await eventually(swept)


@pytest.mark.parametrize("what", ["everything at once", "a text for a cart"])
async def test_what_was_paid_for_leaves_a_broken_cart(shop: Shop, what: str) -> None:
    who, product = await cart_of(shop)
    stamp = (await service.snapshot(shop.m, who)).last
    await spoil(shop, who, product, what)
    async with shop.m.db.write() as tx:
        await service.clear_paid(tx, who, stamp)
    await service.clear_paid_hot(shop.m, who, stamp)
    assert (await service.view(shop.m, who)).lines == ()


async def test_a_guest_with_a_broken_cart_logs_in_with_what_the_database_has(shop: Shop) -> None:
    guest, product = await cart_of(shop)
    member, _ = await cart_of(shop, 1)
    await spoil(shop, guest, product, "everything at once")
    await spoil(shop, member, product, "no watermark")
    await service.merge_guest(shop.m, guest, member)
    cart = await service.view(shop.m, member)
    assert cart.total_quantity == 4


async def test_a_mark_that_is_nobodys_stops_nobody(shop: Shop, at_once: None) -> None:
    who, product = owner(), await mug(shop.m)
    marks = keys.dirty(keys.bucket(who))
    strangers = ["", "u:", "u:x", "nobody", "g:" + "a" * 200, "u:99999999999999999999"]
    for stranger in strangers:
        await shop.m.redis.command("ZADD", marks, 1, stranger)
    await shop.m.keep(HotCarts).edit(who, Edit("add", product, 2, 99))

    async def swept() -> bool:
        return await in_database(shop, who) == {product: 2}

    await eventually(swept)
    assert set(await shop.m.redis.command("ZRANGE", marks, 0, -1)).isdisjoint(strangers)


async def test_the_page_of_a_broken_cart_is_no_error(shop: Shop) -> None:
    visitor, product = shop.visitor(), await mug(shop.m)
    await visitor.post("/cart/lines", product_id=product, quantity=2, key="")
    token = next(cookie.value for cookie in visitor.client.cookie_jar or () if cookie.name == "gid")
    key = keys.cart(current.guest_owner(token or ""))
    await shop.m.redis.command("HSET", key, "undo", "x", "keys", "!", "", "x", "p٣", "1:1")
    page = await visitor.get("/cart")
    assert page.status_code == 200
    assert (await visitor.post(f"/cart/lines/{product}", quantity=5, htmx=True)).status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"owner": 7, "last": 1, "cleared": 0, "lines": []},
        {"owner": "u:x", "last": 1, "cleared": 0, "lines": []},
        {"owner": "u:1; DROP", "last": 1, "cleared": 0, "lines": []},
        {"owner": "g:x", "last": "1", "cleared": 0, "lines": []},
        {"owner": "g:x", "last": True, "cleared": 0, "lines": []},
        {"owner": "g:x", "last": 1.5, "cleared": 0, "lines": []},
        {"owner": "g:x", "last": 2**63, "cleared": 0, "lines": []},
        {"owner": "g:x", "last": 1, "cleared": None, "lines": []},
        {"owner": "g:x", "last": 1, "cleared": 0, "lines": 5},
        {"owner": "g:x", "last": 1, "cleared": 0, "lines": [[1, 2]]},
        {"owner": "g:x", "last": 1, "cleared": 0, "lines": [["1", 2, 3]]},
        {"owner": "g:x", "last": 1, "cleared": 0, "lines": [[0, 2, 3]]},
        {"owner": "g:x", "last": 1, "cleared": 0, "lines": [[1, 100, 3]]},
        {"owner": "g:x", "last": 1, "cleared": 0, "lines": [[1, -1, 3]]},
    ],
)
def test_what_is_no_snapshot_is_not_taken_for_one(content: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Snapshot.from_json(content)


def test_a_snapshot_is_read_as_it_was_written_whatever_a_newer_release_added() -> None:
    one = Snapshot("u:17", 9, 2, (SnapLine(1, 0, 3), SnapLine(2, 99, 4)))
    assert Snapshot.from_json(one.to_json() | {"added_later": 1}) == one
