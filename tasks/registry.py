"""Which message wakes whom."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from app.cart.messages import CartBarrierRaised, CartChanged
from app.core.message import BadMessageError, Envelope, Message
from app.infra.queues import Queue
from app.machines import Machines
from app.orders.messages import OrderPaid
from app.payments.messages import WebhookReceived
from tasks import cart, payments

Handle = Callable[[Machines, list[Message]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Listener:
    """One queue ``<room>.<what it does>``, the messages that go there, and who handles them."""

    name: str
    messages: tuple[type[Message], ...]
    handle: Handle
    batch: int = 1
    queue: Queue = field(init=False)

    def __post_init__(self) -> None:
        """Name the queue as the broker knows it."""
        bindings = tuple(message.TYPE for message in self.messages)
        object.__setattr__(self, "queue", Queue(self.name, bindings, prefetch=max(16, self.batch)))

    def read(self, envelope: Envelope) -> Message:
        """Return the message an envelope holds. Raises BadMessageError for one we do not know."""
        for message in self.messages:
            if (envelope.type, envelope.version) == (message.TYPE, message.VERSION):
                return message.read(envelope.data)
        raise BadMessageError(f"{self.name} does not know {envelope.type} version {envelope.version}")


LISTENERS: Sequence[Listener] = (
    Listener("cart.persist", (CartChanged, CartBarrierRaised), cart.on_cart_messages, batch=300),
    Listener("cart.empty", (OrderPaid,), cart.on_order_paid),
    Listener("payments.ask_toss", (WebhookReceived,), payments.on_webhook_received),
)
