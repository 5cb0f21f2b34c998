"""Several workers on one shop: one of them writes carts, in order, and another takes over when it dies."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractConnection, AbstractQueue
from aio_pika.exceptions import ChannelPreconditionFailed
from prometheus_client import REGISTRY

from app.cart import service, store
from app.cart.hot import Edit, HotCarts
from app.cart.messages import CartBarrierRaised, CartChanged
from app.cart.snapshot import SnapLine, Snapshot
from app.core.clock import epoch_us
from app.core.ids import idempotency_key
from app.core.message import Message, enclose
from app.infra import keys
from app.infra.migrations import migrate
from app.infra.queues import EXCHANGE
from app.machines import Machines, build_machines
from sandbox.rabbitmq import RabbitMQ
from tasks.dead_letters import count_dead_letters
from tasks.registry import LISTENERS
from tasks.worker import work
from tests.goods import mug
from tests.shop import Shop, eventually, life_of, settings_for
from tests.stack import ROOT, STACKS, EmbeddedRedis, Stack, StandIn
from tests.stack import Machine as Server

pytestmark = pytest.mark.real_first

PERSIST = next(listener.queue for listener in LISTENERS if listener.name == "cart.persist")
BACK_SECONDS = 30.0  # whoever loses a queue closes a channel, declares and pauses, each up to 5 s
TRIES = 20
BROKERS: dict[str, Callable[[Path], Server]] = {
    "embedded": lambda folder: StandIn("sandbox.amqp", folder),
    "real": RabbitMQ,
}


def owner() -> str:
    return f"g:{secrets.token_hex(20)}"


def alarms(kind: str) -> float:
    return REGISTRY.get_sample_value("madang_alarms_total", {"kind": kind}) or 0.0


async def quantity(m: Machines, who: str) -> int:
    async with m.db.read() as tx:
        return (await store.select_cart(tx, who)).total_quantity


async def publish(m: Machines, message: Message) -> None:
    envelope = enclose(message, id_=idempotency_key(), now=m.clock.now(), trace="")
    await m.amqp.publish(message.TYPE, envelope.encode(), message_id=envelope.id, type_=message.TYPE)


def changed(m: Machines, who: str) -> CartChanged:
    stamp = epoch_us(m.clock.now())
    return CartChanged([Snapshot(who, stamp, 0, (SnapLine(7, 2, stamp),)).to_json()])


async def consumers(url: str) -> int:
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        queue = await channel.declare_queue(PERSIST.name, passive=True)
        return queue.declaration_result.consumer_count or 0


@asynccontextmanager
async def second_worker(shop: Shop) -> AsyncIterator[Machines]:
    m = build_machines(settings_for(shop.stack, shop.m.settings.data_path))
    stopping = asyncio.Event()
    working = asyncio.create_task(work(m, stopping))

    async def at_work() -> bool:
        return m.amqp.connected and await consumers(shop.stack.amqp_url) == 2

    try:
        await eventually(at_work)
        yield m
    finally:
        stopping.set()
        await working
        await m.close()


async def test_a_barrier_does_not_overtake_a_snapshot_that_another_worker_writes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a shopper would see an older cart for a moment after Redis was wiped."""
    who = owner()
    write, slow = shop.m.db.retrying, asyncio.Event()

    async def slowly(work: Callable[..., Awaitable[Any]]) -> Any:
        await slow.wait()
        return await write(work)

    async with second_worker(shop) as other:
        monkeypatch.setattr(shop.m.db, "retrying", slowly)
        await publish(other, changed(other, who))
        await shop.m.redis.command("DEL", keys.generation(0))
        await publish(other, CartBarrierRaised(await life_of(other)))
        asyncio.get_running_loop().call_later(1.5, slow.set)

        async def is_passed() -> bool:
            return bool(await other.redis.command("EXISTS", keys.generation(0)))

        await eventually(is_passed)
        assert await quantity(other, who) == 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", BROKERS)
async def test_when_the_worker_that_writes_is_killed_the_other_takes_over(tmp_path: Path, kind: str) -> None:
    redis, broker = EmbeddedRedis(tmp_path / "redis"), BROKERS[kind](tmp_path / "amqp")
    redis.start()
    broker.start()
    stack = Stack(
        name=kind,
        database_url=f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}",
        redis=redis,
        amqp=broker,
        toss=broker,  # nobody asks it
        database=None,
        create_database=str,
    )
    m = build_machines(settings_for(stack, tmp_path))
    workers: list[subprocess.Popen[bytes]] = []

    async def passes_a_barrier(who: str) -> None:
        await m.redis.command("DEL", keys.generation(0))
        await publish(m, changed(m, who))
        await publish(m, CartBarrierRaised(await life_of(m)))

        async def is_passed() -> bool:
            return bool(await m.redis.command("EXISTS", keys.generation(0)))

        await eventually(is_passed, 20)
        assert await quantity(m, who) == 2

    try:
        await migrate(m.db)
        await m.amqp.start()
        await m.amqp.declare([PERSIST])
        env = os.environ | stack.environment() | {"DATA_DIR": str(tmp_path), "SECRET_KEY": "s"}
        for number in (1, 2):
            workers.append(subprocess.Popen([sys.executable, "-m", "tasks"], cwd=ROOT, env=env))  # noqa: ASYNC220

            async def at_work(number: int = number) -> bool:
                return m.amqp.connected and await consumers(broker.url) == number

            await eventually(at_work, 20)
        await passes_a_barrier(owner())
        workers[0].send_signal(signal.SIGKILL)
        await passes_a_barrier(owner())
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
        await m.close()
        broker.kill()
        redis.stop()


async def take_over(connection: AbstractConnection, arguments: dict[str, Any]) -> AbstractQueue:
    """Declare the queue otherwise, before the worker does, who misses it at once and declares it as ever."""
    for _ in range(TRIES):
        channel = await connection.channel()
        await channel.queue_delete(PERSIST.name)
        with suppress(ChannelPreconditionFailed):
            return await channel.declare_queue(PERSIST.name, durable=True, arguments=arguments)
    raise AssertionError("the worker is always quicker")


async def test_a_full_queue_costs_no_edit(shop: Shop) -> None:
    """The broker refuses, the publish counts as not done, and the sweeper writes the cart."""
    who, product = owner(), await mug(shop.m)
    dropped = REGISTRY.get_sample_value("madang_cart_publishes_dropped_total") or 0.0
    full: dict[str, Any] = {"x-max-length-bytes": 1, "x-overflow": "reject-publish"}
    async with await aio_pika.connect(shop.stack.amqp_url) as connection:
        queue = await take_over(connection, full)
        for binding in PERSIST.bindings:
            await queue.bind(EXCHANGE, binding)
        try:
            edited = await service.add_line(shop.m, who, product, 2, "")
            assert edited.cart.total_quantity == 2

            async def is_written() -> bool:
                return await quantity(shop.m, who) == 2

            await eventually(is_written)
            assert REGISTRY.get_sample_value("madang_cart_publishes_dropped_total") == dropped + 1
        finally:
            await queue.delete(if_unused=False, if_empty=False)

    async def is_as_ever() -> bool:
        try:
            return await consumers(shop.stack.amqp_url) == 1
        except aio_pika.exceptions.ChannelNotFoundEntity:
            return False

    await eventually(is_as_ever, BACK_SECONDS)


async def test_dead_messages_are_counted_and_said_when_they_become_more(shop: Shop) -> None:
    async with await aio_pika.connect(shop.stack.amqp_url) as connection, connection.channel() as channel:
        dead = await channel.get_queue(PERSIST.dead, ensure=False)
        await dead.purge()
        await count_dead_letters(shop.m)
        said = alarms("dead_messages")
        for number in (1, 2):
            await channel.default_exchange.publish(aio_pika.Message(b"?"), PERSIST.dead)
            for _ in range(2):
                await count_dead_letters(shop.m)
                assert waiting() == number
                assert alarms("dead_messages") == said + number, "once for each that came"
        await dead.purge()
        await count_dead_letters(shop.m)
        assert waiting() == 0
        assert alarms("dead_messages") == said + 2


def waiting() -> float | None:
    return REGISTRY.get_sample_value("madang_dead_messages", {"queue": PERSIST.dead})


async def test_a_lost_history_is_said_once_with_what_it_may_mean(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    who = owner()
    hot = shop.m.keep(HotCarts)
    await hot.edit(who, Edit("add", 7, 1, 99))
    said = alarms("redis_history_lost")
    await shop.m.redis.command("FLUSHALL")
    await asyncio.gather(*(hot.edit(owner(), Edit("read")) for _ in range(5)))
    assert alarms("redis_history_lost") == said + 1
    assert "what was edited in the last moments is missing if" in caplog.text
    again = build_machines(settings_for(shop.stack, shop.m.settings.data_path))  # a process just started
    await shop.m.redis.command("FLUSHALL")
    try:
        await service.prepare(again)
    finally:
        await again.close()
    assert alarms("redis_history_lost") == said + 2, "the database knows that there were carts"


async def test_a_first_start_is_no_loss(tmp_path: Path) -> None:
    with STACKS["embedded"](tmp_path) as stack:
        m = build_machines(settings_for(stack, tmp_path))
        await migrate(m.db)
        await m.amqp.start()
        said = alarms("redis_history_lost")
        await service.prepare(m)
        assert alarms("redis_history_lost") == said
        await m.close()
