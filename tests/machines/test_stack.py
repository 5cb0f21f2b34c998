"""The real machines behind proxies: reached through them, paused, and at the end of their memory."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import aio_pika
import httpx
import pytest
from aio_pika.exceptions import AMQPConnectionError
from sqlalchemy import text

from app.core.clock import Clock
from app.core.errors import CommitUnknownError, DatabaseUnavailableError, RedisUnavailableError
from app.infra.db import Database
from app.infra.redis import Redis
from sandbox.rabbitmq import RabbitMQ
from tests.stack import Machine, Stack, proxied

A_MOMENT = 0.5  # seconds in which no answer must come
SECONDS = 10  # in which one must


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with proxied(tmp_path_factory.mktemp("proxied")) as stack:
        yield stack


async def ask_redis(url: str) -> None:
    redis = Redis(url)
    try:
        await redis.ping()
    finally:
        await redis.close()


async def ask_database(url: str) -> None:
    db = Database(url, Clock())
    try:
        await db.ping()
    finally:
        await db.close()


async def ask_amqp(url: str) -> None:
    async with await aio_pika.connect(url, timeout=SECONDS) as connection:
        await connection.channel()


async def ask_toss(url: str) -> None:
    async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as http:
        await http.get(url)


# How each machine is asked for a sign of life, and what its client says when the connection is reset.
ASKED: dict[str, tuple[str, Callable[[str], Awaitable[None]], type[Exception]]] = {
    "redis": ("REDIS_URL", ask_redis, RedisUnavailableError),
    "amqp": ("AMQP_URL", ask_amqp, AMQPConnectionError),
    "database": ("DATABASE_URL", ask_database, DatabaseUnavailableError),
    "toss": ("TOSS_API_URL", ask_toss, httpx.TransportError),
}


@pytest.mark.parametrize("name", ASKED)
async def test_a_machine_is_reached_through_its_proxy(real: Stack, name: str) -> None:
    setting, ask, trouble = ASKED[name]
    url = real.environment()[setting]
    proxy = getattr(real.proxies, name)
    await ask(url)
    proxy.refuse()
    with pytest.raises(trouble):
        await ask(url)
    proxy.heal()
    await ask(url)


@pytest.mark.parametrize("name", ASKED)
async def test_a_paused_machine_says_nothing_until_it_is_resumed(real: Stack, name: str) -> None:
    setting, ask, _ = ASKED[name]
    url = real.environment()[setting]
    machine: Machine = getattr(real, name)
    machine.pause()
    try:
        with pytest.raises((TimeoutError, RedisUnavailableError)):
            await asyncio.wait_for(ask(url), A_MOMENT)
    finally:
        machine.resume()
    await asyncio.wait_for(ask(url), SECONDS)


async def test_another_database_is_behind_the_proxy_too(real: Stack) -> None:
    assert real.proxies.database.address in real.create_database()


async def test_a_commit_whose_answer_is_dropped_has_an_unknown_outcome(real: Stack) -> None:
    db = Database(real.database_url, Clock())
    real.proxies.database.drop_reply(b"COMMIT", after=b"SELECT 1")
    with pytest.raises(CommitUnknownError):
        async with db.write() as tx:
            await tx.execute(text("SELECT 1"))
    await db.close()


async def test_a_broker_without_memory_blocks_whoever_publishes(real: Stack) -> None:
    assert isinstance(real.amqp, RabbitMQ)
    async with await aio_pika.connect(real.amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("blocked", auto_delete=True)

        async def publish(seconds: float) -> None:
            message = aio_pika.Message(b"")
            await channel.default_exchange.publish(message, queue.name, timeout=seconds)

        real.amqp.alarm()
        await publish(SECONDS)
        with pytest.raises(TimeoutError):
            await publish(A_MOMENT)
        real.amqp.clear_alarm()
        await publish(SECONDS)
