"""The envelope every message travels in, and how it is read back."""

import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self, cast


class BadMessageError(Exception):
    """The bytes are no message of ours, or of a version we do not know. Never retried: parked."""


@dataclass(frozen=True, slots=True)
class Message:
    """A fact (past tense) or a command (imperative). Subclasses are frozen dataclasses of JSON values."""

    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1

    @property
    def key(self) -> str:
        """What the message is about: messages with one key are about one thing."""
        return ""

    @classmethod
    def read(cls, content: dict[str, Any]) -> Self:
        """Build the message from an envelope's data, ignoring fields a newer sender added."""
        names = {field.name for field in dataclasses.fields(cls)}
        try:
            return cls(**{name: value for name, value in content.items() if name in names})
        except (TypeError, ValueError, KeyError) as error:
            raise BadMessageError(f"{cls.__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message on its way: who it is (``id``), what it says (``type``, ``data``) and when it was said."""

    id: str
    type: str
    version: int
    occurred_at: str
    key: str
    trace: str
    data: dict[str, Any]

    def encode(self) -> bytes:
        """Return the JSON that is sent."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, separators=(",", ":")).encode()


def enclose(message: Message, *, id_: str, now: datetime, trace: str) -> Envelope:
    """Put a message into its envelope."""
    content = dataclasses.asdict(message)
    return Envelope(id_, message.TYPE, message.VERSION, now.isoformat(), message.key, trace, content)


def decode(body: bytes) -> Envelope:
    """Read an envelope back. Raises BadMessageError for anything that is not one."""
    try:
        read = cast("object", json.loads(body))
    except (ValueError, RecursionError) as error:
        raise BadMessageError(f"not JSON: {error}") from error
    if not isinstance(read, dict):
        raise BadMessageError("not an object")
    names = {field.name: field.type for field in dataclasses.fields(Envelope)}
    try:
        envelope = Envelope(**{name: read[name] for name in names})
    except KeyError as error:
        raise BadMessageError(f"no {error}") from error
    sound = (
        isinstance(envelope.id, str)
        and isinstance(envelope.type, str)
        and isinstance(envelope.version, int)
        and isinstance(envelope.data, dict)
    )
    if not sound:
        raise BadMessageError("fields of other types")
    return envelope
