"""Mail as those get it whom the tests write to: a real SMTP server, and the letters of a shop without one."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import Any, cast

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import update

from app.core.clock import Clock
from app.infra.log import OURS
from app.machines import Machines
from app.models import sessions, users
from tests.shop import Shop, eventually
from tests.village import Person

OK = "250 OK"


@dataclass(slots=True)
class Postman:
    """A mail server on this machine: what it was given, and what it answers."""

    port: int = 0
    answer: str = OK
    got: list[tuple[list[str], EmailMessage]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(  # noqa: N802 - the server calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.answer.startswith("5"):
            return self.answer
        envelope.rcpt_tos.append(address)
        return OK

    async def handle_DATA(  # noqa: N802 - as above
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.answer == OK:
            self.got.append((list(envelope.rcpt_tos), read(cast("bytes", envelope.content))))
        return self.answer


@asynccontextmanager
async def postman() -> AsyncIterator[Postman]:
    """Open a mail server."""
    one = Postman()
    factory: Callable[[], SMTP] = partial(SMTP, one, enable_SMTPUTF8=False)
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()


def read(content: bytes) -> EmailMessage:
    """Return a mail as it was sent."""
    return message_from_bytes(content, policy=policy.default)


def text_of(mail: EmailMessage) -> str:
    return str(mail.get_content())


def link_in(mail: EmailMessage) -> str:
    """Return where a mail's link leads, without the address of the shop under test."""
    return path_in(mail, "http://localhost")


def path_in(mail: EmailMessage, home: str) -> str:
    """Return where a mail's link leads, without the shop's address."""
    found = re.search(rf"{re.escape(home)}(/[^\s]+/[\w-]{{43}})\s*$", text_of(mail), re.MULTILINE)
    assert found, text_of(mail)
    return found[1]


def letters_to(shop: Shop, address: str) -> list[EmailMessage]:
    """Return what a shop without a mail server has left for somebody, the oldest first."""
    files = sorted((shop.m.settings.data_path / "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime)
    mails = [read(path.read_bytes()) for path in files]
    return [mail for mail in mails if mail["To"] == address]


async def letter(shop: Shop, address: str, subject: str, seconds: float = 60) -> EmailMessage:
    """Wait for the newest mail with these words in its subject."""

    def found() -> list[EmailMessage]:
        return [mail for mail in letters_to(shop, address) if subject in mail["Subject"]]

    async def came() -> bool:
        return bool(found())

    await eventually(came, seconds)
    return found()[-1]


class LaterClock(Clock):
    """The right time, and so much more."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return super().now() + self.ahead


def later(m: Machines, **ahead: float) -> Machines:
    """The same machines, so much later, the database's clock too."""
    clock, db = LaterClock(timedelta(**ahead)), copy(m.db)
    db.clock = clock
    return replace(m, clock=clock, db=db)


async def give_email(m: Machines, person: Person, email: str = "") -> str:
    """Let somebody have confirmed an address, one that nobody else has when none is given; return it."""
    email = email or f"{person.signup_id}@example.com"
    there = update(users).where(users.c.user_id == person.user_id)
    async with m.db.write() as tx:
        await tx.execute(there.values(email=email, email_confirmed_at=m.clock.now()))
    return email


async def make_stale(m: Machines, person: Person) -> None:
    """Let it be eleven minutes ago that somebody typed their password, in every browser."""
    ago = m.clock.now() - timedelta(minutes=11)
    async with m.db.write() as tx:
        await tx.execute(update(sessions).where(sessions.c.user_id == person.user_id).values(created_at=ago))


def listen_closely(caplog: pytest.LogCaptureFixture) -> None:
    """Hear every word that set_up_log lets through at LOG_LEVEL=DEBUG."""
    caplog.set_level(logging.WARNING)
    for name in OURS:
        caplog.set_level(logging.DEBUG, logger=name)
