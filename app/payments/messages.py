"""What payments announce to themselves and others."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.message import Message


@dataclass(frozen=True, slots=True)
class WebhookReceived(Message):
    """Toss (or somebody who says so) told us that a payment changed: ask Toss."""

    TYPE: ClassVar[str] = "webhook.received"

    webhook_event_id: int

    @property
    def key(self) -> str:
        """The webhook."""
        return str(self.webhook_event_id)
