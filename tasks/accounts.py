"""What accounts do when something happened."""

from typing import cast

from app.accounts import service
from app.accounts.messages import ResetAsked
from app.core.message import Message
from app.machines import Machines


async def on_reset_asked(m: Machines, batch: list[Message]) -> None:
    """Mail a link to whoever has an account with the address, if anybody has."""
    for message in cast("list[ResetAsked]", batch):
        await service.answer_reset(m, message)
