"""Coming to rest: how long until nothing waits any more to be written, sent, emptied or decided."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import aio_pika
from aio_pika.abc import AbstractChannel
from sqlalchemy import func, select

from app.infra import keys
from app.machines import Machines
from app.models import outbox, web_payments
from tasks.registry import LISTENERS
from tests.toss_stand import Stand

POLL = 0.1
DIRTY, QUEUED, LETTERS = "carts not in the database", "messages", "letters"
NOTHING_MORE: Mapping[str, Callable[[], Awaitable[int]]] = {}


async def wait_for_rest(
    m: Machines, limit: float, more: Mapping[str, Callable[[], Awaitable[int]]] = NOTHING_MORE
) -> dict[str, float | None]:
    """Return after how many seconds each kind of waiting work was gone; None: not within the limit."""
    started, gone = time.monotonic(), dict[str, float | None]()
    connection = await aio_pika.connect(m.settings.amqp_url)
    async with connection, connection.channel() as channel:
        while True:
            waiting = await count_waiting(m, channel)
            waiting |= {what: await count() for what, count in more.items()}
            passed = time.monotonic() - started
            for what, number in waiting.items():
                if number:
                    gone[what] = None
                elif gone.get(what) is None:
                    gone[what] = passed
            if passed > limit or not any(waiting.values()):
                return gone
            await asyncio.sleep(POLL)


async def count_waiting(m: Machines, channel: AbstractChannel) -> dict[str, int]:
    """Count what is still to be written and sent."""
    dirty = [await m.redis.command("ZCARD", keys.dirty(number)) for number in range(keys.BUCKETS)]
    async with m.db.read() as tx:
        letters = (await tx.execute(select(func.count()).select_from(outbox))).scalar_one()
    return {
        DIRTY: sum(map(int, dirty)),
        QUEUED: sum([await count_messages(channel, name) for name in queue_names(dead=False)]),
        LETTERS: int(letters),
    }


async def count_undecided(m: Machines, toss: Stand) -> int:
    """Count the attempts whose outcome Toss may know better than we do: being confirmed, or deposited for."""
    charged = (await toss.ledger())["charges"]
    columns = (web_payments.c.payment_no, web_payments.c.payment_status)
    open_ = web_payments.c.payment_status.in_(["CONFIRMING", "WAITING_FOR_DEPOSIT"])
    async with m.db.read() as tx:
        rows = (await tx.execute(select(*columns).where(open_))).all()
    return sum(row.payment_status == "CONFIRMING" or row.payment_no in charged for row in rows)


def queue_names(*, dead: bool) -> list[str]:
    """The queues work waits in, or those nobody takes anything from."""
    names = [(name, listener.queue.dead) for listener in LISTENERS for name in listener.queue.declarations()]
    return [name for name, dead_one in names if (name == dead_one) is dead]


async def count_messages(channel: AbstractChannel, name: str) -> int:
    """Count what waits in a queue."""
    queue = await channel.declare_queue(name, passive=True)
    return queue.declaration_result.message_count or 0


async def count_parked(m: Machines) -> int:
    """Count the messages nobody could handle. There must be none."""
    connection = await aio_pika.connect(m.settings.amqp_url)
    async with connection, connection.channel() as channel:
        return sum([await count_messages(channel, name) for name in queue_names(dead=True)])
