# ruff: noqa: D102  # a handler is the protocol method of its name
"""One channel: what a client asks for on it, and what it holds unacknowledged."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pamqp import commands as c
from pamqp.base import Frame

from sandbox.amqp.broker import Broker, Exchange
from sandbox.amqp.faults import AmqpFault, not_implemented, precondition_failed
from sandbox.amqp.publication import Publication
from sandbox.amqp.queue import Consumer, Entry, Message, Queue


class Wire(Protocol):
    """The connection, as far as a channel needs it."""

    broker: Broker

    def send(self, channel: int, frame: Frame) -> None:
        """Write one method."""

    def send_content(self, channel: int, frame: Frame, message: Message) -> None:
        """Write one method with its message."""

    def writable(self) -> bool:
        """Whether the client keeps up with reading."""


@dataclass(slots=True)
class Unacked:
    """A delivery the client has not answered yet."""

    queue: Queue
    entry: Entry
    consumer: "ChannelConsumer | None"


class ChannelConsumer(Consumer):
    """A subscription with its own prefetch window."""

    def __init__(self, channel: "Channel", tag: str, queue: Queue, *, no_ack: bool) -> None:
        self.channel = channel
        self.tag = tag
        self.queue = queue
        self.no_ack = no_ack
        self.prefetch = channel.prefetch
        self.in_flight = 0

    def ready(self) -> bool:
        """Whether the window has room and the client reads."""
        has_room = self.no_ack or not self.prefetch or self.in_flight < self.prefetch
        return has_room and self.channel.flowing and self.channel.wire.writable()

    def deliver(self, queue: Queue, entry: Entry) -> None:
        """Send one message."""
        tag = self.channel.remember(queue, entry, None if self.no_ack else self, keep=not self.no_ack)
        self.in_flight += not self.no_ack
        message = entry.message
        frame = c.Basic.Deliver(self.tag, tag, entry.redelivered, message.exchange, message.routing_key)
        self.channel.wire.send_content(self.channel.number, frame, message)

    def queue_gone(self) -> None:
        """Tell the client that its queue was deleted."""
        self.channel.consumers.pop(self.tag, None)
        self.channel.wire.send(self.channel.number, c.Basic.Cancel(self.tag, nowait=True))


class Channel:
    """The state of one channel and the answer to each of its methods."""

    def __init__(self, wire: Wire, number: int) -> None:
        self.wire = wire
        self.broker = wire.broker
        self.number = number
        self.flowing = True
        self.closing = False
        self.prefetch = 0
        self.consumers: dict[str, ChannelConsumer] = {}
        self._unacked: dict[int, Unacked] = {}
        self._delivery_tag = 0
        self._publish_tag: int | None = None
        self._publication: Publication | None = None

    def handle(self, frame: object) -> None:
        """Answer one frame; raises AmqpFault where the client is wrong."""
        if self._publication is not None:
            self._collect(self._publication, frame)
            return
        handler = HANDLERS.get(type(frame))
        if handler is None:
            raise not_implemented(f"method {getattr(frame, 'name', frame)!s}")
        handler(self, frame)

    def remember(self, queue: Queue, entry: Entry, consumer: ChannelConsumer | None, *, keep: bool) -> int:
        """Number a delivery, and keep it until it is answered."""
        self._delivery_tag += 1
        if keep:
            self._unacked[self._delivery_tag] = Unacked(queue, entry, consumer)
        return self._delivery_tag

    def shut(self) -> None:
        """Stop consuming and return what is held, in its old order."""
        self.closing = True
        queues = {consumer.queue.name: consumer.queue for consumer in self.consumers.values()}
        for consumer in list(self.consumers.values()):
            self._drop_consumer(consumer)
        held, self._unacked = list(self._unacked.values()), {}
        for unacked in held:
            unacked.queue.put_back(unacked.entry)
            queues[unacked.queue.name] = unacked.queue
        for queue in queues.values():
            queue.pump()

    def open(self, _frame: c.Channel.Open) -> None:
        self._send(c.Channel.OpenOk())

    def flow(self, frame: c.Channel.Flow) -> None:
        self.flowing = bool(frame.active)
        self._send(c.Channel.FlowOk(self.flowing))
        self.pump()

    def pump(self) -> None:
        """Let this channel's queues hand out again."""
        for consumer in list(self.consumers.values()):
            consumer.queue.pump()

    def declare_exchange(self, frame: c.Exchange.Declare) -> None:
        wanted = Exchange(
            frame.exchange,
            frame.exchange_type,
            bool(frame.durable),
            bool(frame.auto_delete),
            bool(frame.internal),
            dict(frame.arguments or {}),
        )
        self.broker.declare_exchange(wanted, passive=bool(frame.passive))
        self._answer(frame, c.Exchange.DeclareOk())

    def delete_exchange(self, frame: c.Exchange.Delete) -> None:
        self.broker.delete_exchange(frame.exchange, if_unused=bool(frame.if_unused))
        self._answer(frame, c.Exchange.DeleteOk())

    def declare_queue(self, frame: c.Queue.Declare) -> None:
        wanted = Queue(
            frame.queue,
            bool(frame.durable),
            bool(frame.exclusive),
            bool(frame.auto_delete),
            dict(frame.arguments or {}),
            self.wire,
            self.broker.dead_letter,
        )
        queue = self.broker.declare_queue(wanted, passive=bool(frame.passive))
        self._answer(frame, c.Queue.DeclareOk(queue.name, len(queue.entries), len(queue.consumers)))

    def bind_queue(self, frame: c.Queue.Bind) -> None:
        self._queue(frame.queue)
        self.broker.exchange(frame.exchange).bindings.add((frame.routing_key, frame.queue))
        self._answer(frame, c.Queue.BindOk())

    def unbind_queue(self, frame: c.Queue.Unbind) -> None:
        self._queue(frame.queue)
        self.broker.exchange(frame.exchange).bindings.discard((frame.routing_key, frame.queue))
        self._send(c.Queue.UnbindOk())

    def purge_queue(self, frame: c.Queue.Purge) -> None:
        self._answer(frame, c.Queue.PurgeOk(self._queue(frame.queue).purge()))

    def delete_queue(self, frame: c.Queue.Delete) -> None:
        count = 0
        if frame.queue in self.broker.queues:
            queue = self._queue(frame.queue)
            if (frame.if_unused and queue.consumers) or (frame.if_empty and queue.entries):
                raise precondition_failed(f"queue '{queue.name}' in use or not empty")
            count = self.broker.delete_queue(queue)
        self._answer(frame, c.Queue.DeleteOk(count))

    def qos(self, frame: c.Basic.Qos) -> None:
        if frame.global_:
            raise not_implemented("a prefetch for the whole channel")
        self.prefetch = frame.prefetch_count or 0
        self._send(c.Basic.QosOk())

    def consume(self, frame: c.Basic.Consume) -> None:
        queue = self._queue(frame.queue)
        tag = frame.consumer_tag or f"amq.ctag-{uuid.uuid4().hex}"
        if tag in self.consumers:
            raise AmqpFault(530, f"NOT_ALLOWED - attempt to reuse consumer tag '{tag}'", hard=True)
        consumer = ChannelConsumer(self, tag, queue, no_ack=bool(frame.no_ack))
        self.consumers[tag] = consumer
        queue.consumers.append(consumer)
        self._answer(frame, c.Basic.ConsumeOk(tag))
        queue.pump()

    def cancel(self, frame: c.Basic.Cancel) -> None:
        tag = frame.consumer_tag or ""
        if tag in self.consumers:
            self._drop_consumer(self.consumers[tag])
        self._answer(frame, c.Basic.CancelOk(tag))

    def get(self, frame: c.Basic.Get) -> None:
        queue = self._queue(frame.queue)
        entry = queue.pop()
        if entry is None:
            self._send(c.Basic.GetEmpty())
            return
        tag = self.remember(queue, entry, None, keep=not frame.no_ack)
        m = entry.message
        answer = c.Basic.GetOk(tag, entry.redelivered, m.exchange, m.routing_key, len(queue.entries))
        self.wire.send_content(self.number, answer, m)

    def ack(self, frame: c.Basic.Ack) -> None:
        for unacked in self._settle(frame.delivery_tag or 0, multiple=bool(frame.multiple)):
            unacked.queue.pump()

    def reject(self, frame: c.Basic.Reject) -> None:
        self._refuse(self._settle(frame.delivery_tag or 0, multiple=False), requeue=bool(frame.requeue))

    def nack(self, frame: c.Basic.Nack) -> None:
        settled = self._settle(frame.delivery_tag or 0, multiple=bool(frame.multiple))
        self._refuse(settled, requeue=bool(frame.requeue))

    def recover(self, frame: c.Basic.Recover) -> None:
        if not frame.requeue:
            raise not_implemented("recover without requeue")
        self._refuse(self._settle(0, multiple=True), requeue=True)
        self._send(c.Basic.RecoverOk())

    def select_confirms(self, frame: c.Confirm.Select) -> None:
        self._publish_tag = self._publish_tag or 0
        self._answer(frame, c.Confirm.SelectOk())

    def publish(self, frame: c.Basic.Publish) -> None:
        if frame.immediate:
            raise not_implemented("immediate=true")
        self._publication = Publication(frame)

    def _collect(self, publication: Publication, frame: object) -> None:
        message = publication.add(frame)
        if message is None:
            return
        self._publication = None
        routed, taken = self.broker.publish(message)
        if publication.method.mandatory and not routed:
            returned = c.Basic.Return(312, "NO_ROUTE", message.exchange, message.routing_key)
            self.wire.send_content(self.number, returned, message)
        if self._publish_tag is not None:
            self._publish_tag += 1
            tag = self._publish_tag
            self._send(c.Basic.Ack(tag) if taken else c.Basic.Nack(tag, requeue=False))

    def _queue(self, name: str) -> Queue:
        return self.broker.queue(name, self.wire)

    def _settle(self, tag: int, *, multiple: bool) -> list[Unacked]:
        """Take deliveries off the books, by tag or up to it (0: all)."""
        if multiple:
            tags = [t for t in self._unacked if t <= tag or not tag]
        elif tag in self._unacked:
            tags = [tag]
        else:
            raise precondition_failed(f"unknown delivery tag {tag}")
        settled = [self._unacked.pop(t) for t in tags]
        for unacked in settled:
            if unacked.consumer is not None:
                unacked.consumer.in_flight -= 1
        return settled

    def _refuse(self, settled: list[Unacked], *, requeue: bool) -> None:
        for unacked in settled:
            if requeue:
                unacked.queue.put_back(unacked.entry)
            else:
                self.broker.dead_letter(unacked.queue, unacked.entry, "rejected")
        for unacked in settled:
            unacked.queue.pump()

    def _drop_consumer(self, consumer: ChannelConsumer) -> None:
        del self.consumers[consumer.tag]
        queue = consumer.queue
        if consumer in queue.consumers:
            queue.consumers.remove(consumer)
            if queue.auto_delete and not queue.consumers:
                self.broker.delete_queue(queue)

    def _answer(self, frame: Any, answer: Frame) -> None:
        if not frame.nowait:
            self._send(answer)

    def _send(self, frame: Frame) -> None:
        self.wire.send(self.number, frame)


HANDLERS: dict[type, Callable[[Channel, Any], None]] = {
    c.Channel.Open: Channel.open,
    c.Channel.Flow: Channel.flow,
    c.Exchange.Declare: Channel.declare_exchange,
    c.Exchange.Delete: Channel.delete_exchange,
    c.Queue.Declare: Channel.declare_queue,
    c.Queue.Bind: Channel.bind_queue,
    c.Queue.Unbind: Channel.unbind_queue,
    c.Queue.Purge: Channel.purge_queue,
    c.Queue.Delete: Channel.delete_queue,
    c.Basic.Qos: Channel.qos,
    c.Basic.Consume: Channel.consume,
    c.Basic.Cancel: Channel.cancel,
    c.Basic.Get: Channel.get,
    c.Basic.Ack: Channel.ack,
    c.Basic.Reject: Channel.reject,
    c.Basic.Nack: Channel.nack,
    c.Basic.Recover: Channel.recover,
    c.Basic.Publish: Channel.publish,
    c.Confirm.Select: Channel.select_confirms,
}
