"""Which message wakes whom."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from app.accounts.messages import ResetAsked
from app.cart.messages import CartBarrierRaised, CartChanged
from app.core.message import BadMessageError, Envelope, Message, NewerMessageError
from app.infra.queues import Queue
from app.machines import Machines
from app.mail.messages import SendMail
from app.orders.messages import OrderPaid
from app.payments.messages import WebhookReceived
from tasks import accounts, cart, mail, payments

Handle = Callable[[Machines, list[Message]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Listener:
    """One queue ``<room>.<what it does>``, the messages that go there, and who handles them."""

    name: str
    messages: tuple[type[Message], ...]
    handle: Handle
    batch: int = 1
    alone: bool = False  # in their order, however many workers there are
    queue: Queue = field(init=False)

    def __post_init__(self) -> None:
        """Name the queue as the broker knows it."""
        bindings = tuple(message.TYPE for message in self.messages)
        queue = Queue(self.name, bindings, prefetch=max(16, self.batch), one_consumer=self.alone)
        object.__setattr__(self, "queue", queue)

    def read(self, envelope: Envelope) -> Message:
        """Return the message an envelope holds.

        Raises BadMessageError for one we do not know, NewerMessageError for one the next release will know.
        """
        stranger = f"{self.name} does not know {envelope.type[:100]} version {envelope.version}"
        for message in self.messages:
            if (envelope.type, envelope.version) == (message.TYPE, message.VERSION):
                return message.read(envelope.data)
            if envelope.type == message.TYPE and envelope.version > message.VERSION:
                raise NewerMessageError(stranger)
        raise BadMessageError(stranger)


LISTENERS: Sequence[Listener] = (
    # Alone, because a barrier says that everything before it is in the database.
    Listener("cart.persist", (CartChanged, CartBarrierRaised), cart.on_cart_messages, batch=300, alone=True),
    Listener("cart.empty", (OrderPaid,), cart.on_order_paid),
    Listener("payments.ask_toss", (WebhookReceived,), payments.on_webhook_received),
    Listener("accounts.send_links", (ResetAsked,), accounts.on_reset_asked),
    Listener("mail.send", (SendMail,), mail.on_send_mail),
)
