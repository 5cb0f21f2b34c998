"""The outbox: messages that leave after, and only after, the transaction that made them."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Delete, Insert, Select, delete, insert, select

from app.core.message import Message, enclose
from app.models import outbox


@dataclass(frozen=True, slots=True)
class Letter:
    """One message waiting to leave."""

    outbox_id: int
    message_id: str
    type: str
    body: bytes


def insert_messages(
    messages: Iterable[tuple[Message, str]], now: datetime
) -> tuple[Insert, list[dict[str, Any]]]:
    """Return the statement and rows that leave messages in the outbox, each with its trace."""
    return insert(outbox), [_row(message, traced, now) for message, traced in messages]


def select_letters(limit: int) -> Select[Any]:
    """Return the query for the oldest letters."""
    return select(outbox).order_by(outbox.c.outbox_id).limit(limit)


def read_letters(rows: Sequence[Any]) -> list[Letter]:
    """Return the rows of ``select_letters`` as letters."""
    return [Letter(row.outbox_id, row.message_id, row.type, row.body.encode()) for row in rows]


def delete_letters(ids: Sequence[int]) -> Delete:
    """Return the statement that forgets letters once the broker has confirmed them."""
    return delete(outbox).where(outbox.c.outbox_id.in_(ids))


def _row(message: Message, traced: str, now: datetime) -> dict[str, Any]:
    id_ = uuid.uuid4().hex
    body = enclose(message, id_=id_, now=now, trace=traced).encode().decode()
    return {"message_id": id_, "type": message.TYPE, "body": body, "created_at": now}
