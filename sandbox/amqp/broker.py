"""Exchanges, queues and the ways between them; knows nothing of the wire."""

import copy
import datetime as dt
import uuid
from dataclasses import dataclass, field
from typing import Any

from sandbox.amqp.faults import AmqpFault, not_found, precondition_failed
from sandbox.amqp.queue import Entry, Message, Queue, check_arguments

EXCHANGE_KINDS = ("direct", "fanout", "topic")


@dataclass(slots=True)
class Exchange:
    """A named set of bindings."""

    name: str
    kind: str
    durable: bool
    auto_delete: bool
    internal: bool
    arguments: dict[str, Any]
    bindings: set[tuple[str, str]] = field(default_factory=set)  # (pattern, queue name)

    def route(self, routing_key: str) -> list[str]:
        """Name the queues a routing key leads to."""
        matches = {"direct": _equal, "fanout": _anything, "topic": topic_matches}[self.kind]
        return sorted({queue for pattern, queue in self.bindings if matches(pattern, routing_key)})


class Broker:
    """Everything one server holds."""

    def __init__(self) -> None:
        self.queues: dict[str, Queue] = {}
        self.exchanges = {
            name: Exchange(name, kind, durable=True, auto_delete=False, internal=False, arguments={})
            for name, kind in (("amq.direct", "direct"), ("amq.fanout", "fanout"), ("amq.topic", "topic"))
        }

    def publish(self, message: Message) -> tuple[bool, bool]:
        """Put a message where it belongs; says whether it was routed, and whether every queue took it."""
        queues = self._route(message.exchange, message.routing_key)
        taken = [queue for queue in queues if queue.accepts(message)]
        for queue in taken:
            queue.append(message)
        return bool(queues), len(taken) == len(queues)

    def declare_exchange(self, wanted: Exchange, *, passive: bool) -> None:
        """Make an exchange, or agree that it is the one that is there."""
        known = self.exchanges.get(wanted.name)
        if known is None:
            if passive:
                raise not_found("exchange", wanted.name)
            if wanted.name == "" or wanted.name.startswith("amq."):
                raise AmqpFault(403, f"ACCESS_REFUSED - exchange name '{wanted.name}' is reserved")
            if wanted.kind not in EXCHANGE_KINDS:
                raise AmqpFault(503, f"COMMAND_INVALID - unknown exchange type '{wanted.kind}'", hard=True)
            self.exchanges[wanted.name] = wanted
        elif not passive:
            for name in ("kind", "durable", "auto_delete", "internal", "arguments"):
                _require_same(f"exchange '{wanted.name}'", name, getattr(known, name), getattr(wanted, name))

    def delete_exchange(self, name: str, *, if_unused: bool) -> None:
        """Remove an exchange; a missing one is no error, as in RabbitMQ."""
        exchange = self.exchanges.get(name)
        if exchange is None:
            return
        if name.startswith("amq."):
            raise AmqpFault(403, f"ACCESS_REFUSED - exchange name '{name}' is reserved")
        if if_unused and exchange.bindings:
            raise precondition_failed(f"exchange '{name}' in use")
        del self.exchanges[name]

    def declare_queue(self, wanted: Queue, *, passive: bool) -> Queue:
        """Make a queue, or agree that it is the one that is there."""
        if not wanted.name and not passive:
            wanted.name = f"amq.gen-{uuid.uuid4().hex}"
        elif wanted.name in self.queues or passive:
            known = self.queue(wanted.name, wanted.owner)
            if not passive:
                for name in ("durable", "exclusive", "auto_delete", "arguments"):
                    _require_same(f"queue '{wanted.name}'", name, getattr(known, name), getattr(wanted, name))
            return known
        elif wanted.name.startswith("amq."):
            raise AmqpFault(403, f"ACCESS_REFUSED - queue name '{wanted.name}' is reserved")
        check_arguments(wanted.arguments)
        self.queues[wanted.name] = wanted
        return wanted

    def queue(self, name: str, session: object) -> Queue:
        """Find a queue that this connection may use."""
        queue = self.queues.get(name)
        if queue is None:
            raise not_found("queue", name)
        if queue.exclusive and queue.owner is not session:
            raise AmqpFault(405, f"RESOURCE_LOCKED - queue '{name}' belongs to another connection")
        return queue

    def delete_queue(self, queue: Queue) -> int:
        """Remove a queue with its bindings, telling its consumers; says how many messages went."""
        self.queues.pop(queue.name, None)
        for exchange in self.exchanges.values():
            exchange.bindings = {b for b in exchange.bindings if b[1] != queue.name}
        consumers, queue.consumers = queue.consumers, []
        for consumer in consumers:
            consumer.queue_gone()
        queue.close()
        return queue.purge()

    def exchange(self, name: str) -> Exchange:
        """Find an exchange."""
        if name not in self.exchanges:
            raise not_found("exchange", name)
        return self.exchanges[name]

    def drop_exclusive(self, session: object) -> None:
        """Remove the queues that were to live as long as this connection."""
        for queue in [q for q in self.queues.values() if q.exclusive and q.owner is session]:
            self.delete_queue(queue)

    def dead_letter(self, queue: Queue, entry: Entry, reason: str) -> None:
        """Send a message on its last way; without one, or where nobody can take it, it ends here."""
        name = queue.arguments.get("x-dead-letter-exchange")
        if name is None:
            return
        old = entry.message
        key = queue.arguments.get("x-dead-letter-routing-key", old.routing_key)
        properties = copy.copy(old.properties)
        properties.headers = headers = _with_death(old, queue.name, reason)
        properties.expiration = None
        message = Message(name, key, properties, old.body)
        for target in self._route_quietly(name, key):
            if target.accepts(message) and not _is_cycle(headers["x-death"], target.name):
                target.append(message)

    def close(self) -> None:
        """Stop every timer."""
        for queue in self.queues.values():
            queue.close()

    def _route(self, exchange: str, routing_key: str) -> list[Queue]:
        if not exchange:
            return [self.queues[routing_key]] if routing_key in self.queues else []
        found = self.exchange(exchange)
        if found.internal:
            raise AmqpFault(403, f"ACCESS_REFUSED - cannot publish to internal exchange '{exchange}'")
        return [self.queues[name] for name in found.route(routing_key)]

    def _route_quietly(self, exchange: str, routing_key: str) -> list[Queue]:
        try:
            return self._route(exchange, routing_key)
        except AmqpFault:
            return []


def topic_matches(pattern: str, routing_key: str) -> bool:
    """Compare word by word: `*` is exactly one word, `#` any number of them."""
    reachable = {0}
    words = routing_key.split(".") if routing_key else []
    for part in pattern.split(".") if pattern else []:
        if part == "#":
            reachable = set(range(min(reachable, default=len(words) + 1), len(words) + 1))
        else:
            reachable = {i + 1 for i in reachable if i < len(words) and part in {"*", words[i]}}
    return len(words) in reachable


def _equal(pattern: str, routing_key: str) -> bool:
    return pattern == routing_key


def _anything(_pattern: str, _routing_key: str) -> bool:
    return True


def _require_same(what: str, name: str, known: object, wanted: object) -> None:
    if known != wanted:
        raise precondition_failed(
            f"inequivalent arg '{name}' for {what}: received {wanted!r}, current is {known!r}"
        )


def _with_death(message: Message, queue: str, reason: str) -> dict[str, Any]:
    headers: dict[str, Any] = dict(message.properties.headers or {})
    deaths: list[dict[str, Any]] = [dict(death) for death in headers.get("x-death") or []]
    same = [d for d in deaths if d.get("queue") == queue and d.get("reason") == reason]
    death: dict[str, Any] = {
        "count": 1 + (same[0]["count"] if same else 0),
        "reason": reason,
        "queue": queue,
        "time": dt.datetime.now(dt.UTC),
        "exchange": message.exchange,
        "routing-keys": [message.routing_key],
    }
    if message.properties.expiration is not None:
        death["original-expiration"] = message.properties.expiration
    headers["x-death"] = [death, *[d for d in deaths if d not in same]]
    headers.setdefault("x-first-death-queue", queue)
    headers.setdefault("x-first-death-reason", reason)
    headers.setdefault("x-first-death-exchange", message.exchange)
    return headers


def _is_cycle(deaths: list[dict[str, Any]], target: str) -> bool:
    """Whether a message came round to a queue it died in, nobody having rejected it on the way."""
    queues = [death["queue"] for death in deaths]
    if target not in queues:
        return False
    return all(death["reason"] != "rejected" for death in deaths[: queues.index(target) + 1])
