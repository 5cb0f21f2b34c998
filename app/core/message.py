"""The envelope every message travels in, and how it is read back."""

import dataclasses
import functools
import json
from dataclasses import dataclass
from datetime import datetime
from types import GenericAlias
from typing import Any, ClassVar, Self, cast, get_origin, get_type_hints

MOST_BYTES = 4 * 1024 * 1024  # the largest of ours, a hundred carts full of lines, has half of that
_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class BadMessageError(Exception):
    """The bytes are no message of ours, or of a version we have forgotten. Never retried: parked."""


class NewerMessageError(Exception):
    """A message of a release after this one, which will know it: retried later, and parked at last."""


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
        kinds = _kinds(cast("type", cls))
        found = {name: content[name] for name in kinds if name in content}
        try:
            return cls(**_checked(cls, found))
        except TypeError as error:  # a field is missing, and has no default
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
        return _write(_fields(self)).encode()


def enclose(message: Message, *, id_: str, now: datetime, trace: str) -> Envelope:
    """Put a message into its envelope."""
    return Envelope(id_, message.TYPE, message.VERSION, now.isoformat(), message.key, trace, _fields(message))


def decode(body: bytes) -> Envelope:
    """Read an envelope back. Raises BadMessageError for anything that is not one."""
    if len(body) > MOST_BYTES:
        raise BadMessageError(f"{len(body)} bytes")
    try:
        read = cast("object", json.loads(body))
    except (ValueError, RecursionError) as error:
        raise BadMessageError(f"not JSON: {error}") from error
    if not isinstance(read, dict):
        raise BadMessageError("not an object")
    try:
        found = {name: read[name] for name in _kinds(Envelope)}
    except KeyError as error:
        raise BadMessageError(f"no {error}") from error
    return Envelope(**_checked(Envelope, found))


def _fields(one: Message | Envelope) -> dict[str, Any]:
    """Return what is said, as it stands: asdict would copy every line of every cart."""
    return {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}


@functools.cache
def _kinds(cls: type) -> dict[str, Any]:
    """Return what JSON type each field has, or may have."""
    hints = get_type_hints(cls)
    kinds = {field.name: hints[field.name] for field in dataclasses.fields(cls)}
    return {
        name: get_origin(kind) if isinstance(kind, GenericAlias) else kind for name, kind in kinds.items()
    }


def _checked(cls: type, found: dict[str, Any]) -> dict[str, Any]:
    kinds = _kinds(cls)
    for name, value in found.items():
        if not isinstance(value, kinds[name]) or (isinstance(value, bool) and kinds[name] is not bool):
            raise BadMessageError(f"{cls.__name__}: {name} is {type(value).__name__}")
    return found
