"""Messages nobody can read: parked at once with a reason and an alarm, while those beside them flow."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import pytest
import pytest_asyncio
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from prometheus_client import REGISTRY
from sqlalchemy import delete, insert, select

from app.cart import store
from app.cart.hot import Edit, HotCarts
from app.cart.messages import CartChanged
from app.core.clock import epoch_us
from app.core.errors import AmqpUnavailableError
from app.core.ids import idempotency_key
from app.core.message import enclose
from app.infra import deliveries
from app.infra.queues import EXCHANGE
from app.models import outbox
from app.orders.messages import OrderPaid
from tasks.registry import LISTENERS
from tasks.relay import relay
from tests.goods import mug
from tests.shop import Shop, eventually

PERSIST = next(listener.queue for listener in LISTENERS if listener.name == "cart.persist")


def body(shop: Shop, who: str, product: int, **changed: Any) -> bytes:
    """What announces two of a product in somebody's cart; ``changed`` fields of the envelope."""
    lines = [[product, 2, epoch_us(shop.m.clock.now())]]
    cart = {"owner": who, "last": lines[0][2], "cleared": 0, "lines": lines, "added_later": 1}
    envelope = enclose(CartChanged([cart]), id_=idempotency_key(), now=shop.m.clock.now(), trace="")
    content = json.loads(envelope.encode())
    return json.dumps(content | {"added_later": 1} | changed).encode()


def cart(**changed: Any) -> dict[str, Any]:
    return {"carts": [{"owner": "g:x", "last": 1, "cleared": 0, "lines": [[1, 2, 3]]} | changed]}


def message(**changed: Any) -> bytes:
    sound = {
        "id": "1", "type": "cart.changed", "version": 1, "occurred_at": "", "key": "", "trace": "",
        "data": cart(),
    }  # fmt: skip
    return json.dumps(sound | changed).encode()


POISON = {
    "nothing": (b"", "not JSON"),
    "half an object": (b'{"id": "1", "type": "cart.cha', "not JSON"),
    "bytes": (bytes(range(256)), "not JSON"),
    "too deep": (b"[" * 100_000, "not JSON"),
    "ten megabytes": (b'"' + b"x" * 10_000_000 + b'"', "10000002 bytes"),
    "a list": (b"[]", "not an object"),
    "no envelope": (b"{}", "no 'id'"),
    "a number for an id": (message(id=1), "id is int"),
    "a list for a trace": (message(trace=[]), "trace is list"),
    "true for a version": (message(version=True), "version is bool"),
    "a list for data": (message(data=[]), "data is list"),
    "another type": (message(type="cart.unheard_of"), "does not know cart.unheard_of version 1"),
    "a type of a megabyte": (message(type="x" * 1_000_000), "does not know xxx"),
    "a version of long ago": (message(version=0), "does not know cart.changed version 0"),
    "no carts": (message(data={}), "missing 1 required"),
    "a number for carts": (message(data={"carts": 5}), "carts is int"),
    "a number for a cart": (message(data={"carts": [5]}), "no snapshot"),
    "a cart of nobody": (message(data=cart(owner="nobody")), "no snapshot"),
    "a member of words": (message(data=cart(owner="u:x")), "no snapshot"),
    "a number for lines": (message(data=cart(lines=5)), "no snapshot"),
    "half a line": (message(data=cart(lines=[[1, 2]])), "no snapshot"),
    "a line of words": (message(data=cart(lines=[["one", "two", "three"]])), "no snapshot"),
    "a quantity below zero": (message(data=cart(lines=[[1, -2, 3]])), "no snapshot"),
    "a stamp of the far future": (message(data=cart(last=2**63)), "no snapshot"),
}


@pytest_asyncio.fixture
async def channel(shop: Shop) -> AsyncIterator[AbstractChannel]:
    async def is_connected() -> bool:
        return shop.m.amqp.connected

    await eventually(is_connected)
    await shop.m.amqp.declare([PERSIST])
    async with await aio_pika.connect(shop.stack.amqp_url) as connection, connection.channel() as channel:
        for name in (PERSIST.dead, *(PERSIST.retry(seconds) for seconds in PERSIST.retry_seconds)):
            await (await channel.get_queue(name, ensure=False)).purge()
        yield channel


async def send(channel: AbstractChannel, *bodies: bytes) -> None:
    exchange = await channel.get_exchange(EXCHANGE, ensure=False)
    for one in bodies:
        await exchange.publish(aio_pika.Message(one), "cart.changed")


async def take(channel: AbstractChannel, name: str) -> AbstractIncomingMessage:
    queue = await channel.get_queue(name, ensure=False)
    async with asyncio.timeout(10):
        while (got := await queue.get(fail=False)) is None:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.02)
    await got.ack()
    return got


def alarms(kind: str) -> float:
    return REGISTRY.get_sample_value("madang_alarms_total", {"kind": kind}) or 0.0


async def has(shop: Shop, who: str, product: int) -> bool:
    async with shop.m.db.read() as tx:
        found = await store.select_cart(tx, who)
    return [(line.product_id, line.quantity) for line in found.live] == [(product, 2)]


@pytest.mark.parametrize("what", POISON)
async def test_poison_is_parked_at_once_and_what_is_beside_it_flows(
    shop: Shop, channel: AbstractChannel, what: str
) -> None:
    before, after, product = f"g:{secrets.token_hex(20)}", f"g:{secrets.token_hex(20)}", await mug(shop.m)
    poison, reason = POISON[what]
    parked = alarms("parked_message")
    await send(channel, body(shop, before, product), poison, body(shop, after, product))
    dead = await take(channel, PERSIST.dead)
    assert dead.body == poison
    said = dead.headers["x-reason"]
    assert isinstance(said, str)
    assert reason in said
    assert len(said) <= deliveries.REASON_LENGTH

    async def arrived() -> bool:
        beside = await has(shop, before, product) and await has(shop, after, product)
        return beside and alarms("parked_message") == parked + 1

    await eventually(arrived)


async def test_a_message_of_the_next_release_waits_for_it(shop: Shop, channel: AbstractChannel) -> None:
    who, other, product = f"g:{secrets.token_hex(20)}", f"g:{secrets.token_hex(20)}", await mug(shop.m)
    newer, parked = alarms("newer_message"), alarms("parked_message")
    await shop.m.keep(HotCarts).edit(who, Edit("add", product, 2, 99))
    next_one = body(shop, who, product, version=2, data={"baskets": {}})
    await send(channel, next_one, body(shop, other, product))

    async def swept() -> bool:
        counted = (alarms("newer_message"), alarms("parked_message")) == (newer + 1, parked)
        return counted and await has(shop, who, product) and await has(shop, other, product)

    waiting = await take(channel, PERSIST.retry(PERSIST.retry_seconds[0]))
    assert (waiting.body, waiting.headers["x-attempt"]) == (next_one, 1)
    await eventually(swept)  # the dirty mark kept the cart safe


async def test_a_message_of_a_release_that_never_came_is_parked_at_last(
    shop: Shop, channel: AbstractChannel
) -> None:
    newer, parked = alarms("newer_message"), alarms("parked_message")
    exchange = await channel.get_exchange(EXCHANGE, ensure=False)
    last = aio_pika.Message(message(version=2), headers={"x-attempt": len(PERSIST.retry_seconds)})
    await exchange.publish(last, "cart.changed")
    dead = await take(channel, PERSIST.dead)
    assert dead.headers["x-reason"] == "cart.persist does not know cart.changed version 2"

    async def is_counted() -> bool:
        return (alarms("newer_message"), alarms("parked_message")) == (newer + 1, parked + 1)

    await eventually(is_counted)


async def test_a_letter_nobody_can_read_does_not_stop_the_others_while_the_broker_is_away(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody_there(*_: object, **__: object) -> None:
        raise AmqpUnavailableError("away")

    monkeypatch.setattr(shop.m.amqp, "publish", nobody_there)
    junk = {
        "message_id": secrets.token_hex(16),
        "type": "order.paid",
        "body": "{",
        "created_at": shop.m.clock.now(),
    }
    async with shop.m.db.write() as tx:
        await tx.execute(insert(outbox), junk)
        await tx.announce(OrderPaid("1", "g:nobody", 1))
    await relay(shop.m)
    async with shop.m.db.read() as tx:
        left = (await tx.execute(select(outbox.c.message_id))).scalars().all()
    assert list(left) == [junk["message_id"]]
    async with shop.m.db.write() as tx:
        await tx.execute(delete(outbox))
