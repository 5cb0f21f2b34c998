"""What payments do when something happened."""

from typing import cast

from app.core.message import Message
from app.machines import Machines
from app.payments import service
from app.payments.messages import WebhookReceived


async def on_webhook_received(m: Machines, batch: list[Message]) -> None:
    """Ask Toss about the payment each webhook named; the webhook itself is not believed."""
    for message in cast("list[WebhookReceived]", batch):
        await service.handle_webhook(m, message.webhook_event_id)
