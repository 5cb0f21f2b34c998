"""What accounts announce to themselves."""

from dataclasses import dataclass
from typing import ClassVar

from app.core import languages
from app.core.message import Message


@dataclass(frozen=True, slots=True)
class ResetAsked(Message):
    """Somebody asked for a new password for whoever has this e-mail address.

    Announced for every address, so that the door takes as long for one that nobody has. ``seed`` is random,
    one per request: the links' tokens are derived from it. ``language`` is what the mail will be written in.
    """

    TYPE: ClassVar[str] = "password.reset_asked"

    email: str
    seed: str
    language: str = languages.SOURCE

    @property
    def key(self) -> str:
        """The request."""
        return self.seed
