"""What the mail room is asked to do."""

from dataclasses import dataclass
from typing import Any, ClassVar

from app.core import languages
from app.core.message import Message


@dataclass(frozen=True, slots=True)
class SendMail(Message):
    """Send one mail of a ``kind`` (templates/mail/<kind>.txt) to one address.

    ``number`` names what happened: mails about one event have one Message-ID. ``facts`` is what the text
    needs besides the shop's own. A mail with a link has the ``path`` it leads to, and the ``seed`` of the
    token that is put behind it: the token itself is in no message. ``language`` is the one that was spoken
    where the mail was asked for.
    """

    TYPE: ClassVar[str] = "send.mail"

    kind: str
    to: str
    number: str
    facts: dict[str, Any]
    path: str = ""
    seed: str = ""
    language: str = languages.SOURCE

    @property
    def key(self) -> str:
        """The event."""
        return self.number
