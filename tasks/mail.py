"""What the mail room does when it is asked to."""

from typing import cast

from app.core.message import Message
from app.machines import Machines
from app.mail import service
from app.mail.messages import SendMail


async def on_send_mail(m: Machines, batch: list[Message]) -> None:
    """Send each mail."""
    for message in cast("list[SendMail]", batch):
        await service.send(m, message)
