"""Carries letters from the outbox to the broker, or, while it is away, straight to their listeners."""

import asyncio
import logging

from app.core.errors import AmqpUnavailableError
from app.core.message import decode
from app.infra import outbox
from app.infra.outbox import Letter
from app.machines import Machines
from tasks.registry import LISTENERS

BATCH = 100
log = logging.getLogger(__name__)


async def relay(m: Machines) -> int:
    """Send the oldest letters; return how many left. A letter may leave twice, never not at all."""
    async with m.db.read() as tx:
        rows = (await tx.execute(outbox.select_letters(BATCH))).all()
    letters = outbox.read_letters(rows)
    results = await asyncio.gather(*(_send(m, letter) for letter in letters), return_exceptions=True)
    sent = []
    for letter, result in zip(letters, results, strict=True):
        if result is None or (isinstance(result, AmqpUnavailableError) and await _deliver(m, letter)):
            sent.append(letter.outbox_id)
    if sent:
        await m.db.retrying(lambda tx: tx.execute(outbox.delete_letters(sent)))
    return len(sent)


async def _send(m: Machines, letter: Letter) -> None:
    await m.amqp.publish(letter.type, letter.body, message_id=letter.message_id, type_=letter.type)


async def _deliver(m: Machines, letter: Letter) -> bool:
    """Hand a letter to its listeners in this process; True when all have handled it."""
    try:
        envelope = decode(letter.body)
        for listener in LISTENERS:
            if envelope.type in listener.queue.bindings:
                await listener.handle(m, [listener.read(envelope)])
    except Exception as error:  # noqa: BLE001 - it stays in the outbox, and is tried again
        log.warning("letter %s stays: %s", letter.message_id, type(error).__name__)
        return False
    return True
