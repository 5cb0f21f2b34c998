"""One queue: order, consumers in turn, time to live, bounds."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from pamqp.commands import Basic

from sandbox.amqp.faults import AmqpFault, precondition_failed

ONCE_A_DAY = 86_400.0
KNOWN_TYPES = ("classic", "quorum")


@dataclass(frozen=True, slots=True)
class Message:
    """What was published, once, however many queues hold it."""

    exchange: str
    routing_key: str
    properties: Basic.Properties
    body: bytes


@dataclass(slots=True)
class Entry:
    """A message's place in one queue."""

    message: Message
    position: int
    deadline: float | None
    redelivered: bool = False


class Consumer(Protocol):
    """Whoever takes messages from a queue; lives in a channel."""

    def ready(self) -> bool:
        """Whether another delivery may be sent."""

    def deliver(self, queue: "Queue", entry: Entry) -> None:
        """Send one."""

    def queue_gone(self) -> None:
        """Hear that the queue was deleted."""


@dataclass(slots=True)
class Queue:
    """Ready messages in order; what is being worked on is remembered by the channel that took it."""

    name: str
    durable: bool
    exclusive: bool
    auto_delete: bool
    arguments: dict[str, Any]
    owner: object | None
    dead_letter: Callable[["Queue", Entry, str], None]
    entries: deque[Entry] = field(default_factory=deque)
    ready_bytes: int = 0
    consumers: list[Consumer] = field(default_factory=list)
    next_position: int = 0
    timer: asyncio.TimerHandle | None = None

    def accepts(self, message: Message) -> bool:
        """Whether a publisher is to be confirmed, by the bound on bytes."""
        limit = self.arguments.get("x-max-length-bytes")
        rejecting = self.arguments.get("x-overflow") == "reject-publish"
        return limit is None or not rejecting or self.ready_bytes + len(message.body) <= limit

    def append(self, message: Message) -> None:
        """Take in a message."""
        self.next_position += 1
        self.entries.append(Entry(message, self.next_position, self._deadline(message)))
        self.ready_bytes += len(message.body)
        self.pump()
        self._drop_what_is_over()

    def put_back(self, entry: Entry) -> None:
        """Return a message to its old place, marked as seen before."""
        entry.redelivered = True
        place = next((i for i, other in enumerate(self.entries) if other.position > entry.position), None)
        self.entries.insert(len(self.entries) if place is None else place, entry)
        self.ready_bytes += len(entry.message.body)

    def pop(self) -> Entry | None:
        """Take the head off, unless it has run out."""
        self._expire()
        if not self.entries:
            return None
        entry = self.entries.popleft()
        self.ready_bytes -= len(entry.message.body)
        return entry

    def pump(self) -> None:
        """Hand out what can be handed out, to the consumers in turn, or to the first alone."""
        alone = self.arguments.get("x-single-active-consumer") is True
        while self.entries:
            consumer = next((c for c in self.consumers[: 1 if alone else None] if c.ready()), None)
            entry = self.pop() if consumer is not None else None
            if consumer is None or entry is None:
                break
            if not alone:
                self.consumers.remove(consumer)
                self.consumers.append(consumer)
            consumer.deliver(self, entry)
        self._expire()

    def purge(self) -> int:
        """Drop what is ready; says how many that were."""
        count = len(self.entries)
        self.entries.clear()
        self.ready_bytes = 0
        return count

    def close(self) -> None:
        """Stop the timer."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def _deadline(self, message: Message) -> float | None:
        limits = [self.arguments.get("x-message-ttl"), message.properties.expiration]
        milliseconds = [int(limit) for limit in limits if limit is not None]
        return time.monotonic() + min(milliseconds) / 1000 if milliseconds else None

    def _expire(self) -> None:
        """Dead-letter what has run out at the head; as in RabbitMQ, nothing expires behind a younger head."""
        self.close()
        while self.entries:
            deadline = self.entries[0].deadline
            if deadline is None:
                return
            wait = deadline - time.monotonic()
            if wait > 0:
                loop = asyncio.get_running_loop()
                self.timer = loop.call_later(min(wait, ONCE_A_DAY), self._expire)
                return
            self._drop_head("expired")

    def _drop_what_is_over(self) -> None:
        limit = self.arguments.get("x-max-length-bytes")
        while limit is not None and self.entries and self.ready_bytes > limit:
            self._drop_head("maxlen")

    def _drop_head(self, reason: str) -> None:
        entry = self.entries.popleft()
        self.ready_bytes -= len(entry.message.body)
        self.dead_letter(self, entry, reason)


def check_arguments(arguments: dict[str, Any]) -> None:
    """Refuse arguments RabbitMQ would refuse."""
    for name in ("x-message-ttl", "x-max-length-bytes"):
        value = arguments.get(name)
        if value is not None and (not isinstance(value, int) or value < 0):
            raise precondition_failed(f"invalid arg '{name}'")
    if not isinstance(arguments.get("x-single-active-consumer", False), bool):
        raise precondition_failed("invalid arg 'x-single-active-consumer'")
    if arguments.get("x-overflow", "drop-head") not in {"drop-head", "reject-publish"}:
        raise precondition_failed("invalid arg 'x-overflow'")
    if arguments.get("x-queue-type", "classic") not in KNOWN_TYPES:
        raise precondition_failed("invalid arg 'x-queue-type'")
    if "x-dead-letter-routing-key" in arguments and "x-dead-letter-exchange" not in arguments:
        raise precondition_failed("routing_key argument, but no dead-letter exchange")


def check_expiration(properties: Basic.Properties) -> None:
    """Refuse an expiration that is no number."""
    if properties.expiration is not None and not properties.expiration.isdecimal():
        raise AmqpFault(406, f"PRECONDITION_FAILED - invalid expiration '{properties.expiration}'")
