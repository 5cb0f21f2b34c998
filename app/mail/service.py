"""Writes the shop's mails and sends them; without a server a developer finds them in DATA_DIR/mail."""

import asyncio
import hashlib
import logging
import os
import re
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.core import ids, languages
from app.core.clock import to_kst
from app.core.message import BadMessageError
from app.machines import Machines
from app.mail.messages import SendMail
from app.mail.smtp import MailRefusedError, post

TEMPLATES = Path(__file__).parent.parent / "templates" / "mail"
KIND = re.compile(r"[a-z_]{1,40}", re.ASCII)
ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x20\x7f-\U0010ffff]{1,64}@[A-Za-z0-9.-]{1,190}", re.ASCII)
log = logging.getLogger(__name__)


class Writer:
    """The templates of mails: plain text, a subject line first."""

    def __init__(self, m: Machines) -> None:
        self._env = Environment(  # nosec B701 - plain text: there is no markup to escape
            loader=FileSystemLoader(TEMPLATES),
            autoescape=False,  # noqa: S701 - as above
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._env.globals.update(_=languages.gettext, ngettext=languages.ngettext)
        self._m = m

    def write(self, wish: SendMail) -> EmailMessage:
        """Return the mail. Raises BadMessageError for one that cannot be written."""
        if not KIND.fullmatch(wish.kind) or not ADDRESS.fullmatch(wish.to):
            raise BadMessageError("no mail of ours")
        settings = self._m.settings
        token = ids.derive_token(settings.secret_key, wish.seed) if wish.seed else ""
        with languages.speaking(wish.language):
            shop_name = languages.find(settings.shop_name)
            text = self._env.get_template(f"{wish.kind}.txt").render(
                shop_name=shop_name,
                shop_phone=settings.shop_phone,
                shop_email=settings.shop_email,
                home=settings.base_url,
                link=f"{settings.base_url}{wish.path}{token}",
                **wish.facts,
            )
        subject, _, body = text.partition("\n")
        mail = EmailMessage(policy=SMTP)
        try:
            mail["From"] = Address(shop_name, addr_spec=settings.sender)
            mail["To"] = Address(addr_spec=wish.to)
            mail["Subject"] = subject.strip()
            mail["Date"] = format_datetime(to_kst(self._m.clock.now()))
            mail["Message-ID"] = f"<{_event(wish)}@{settings.mail_domain}>"
            mail["Auto-Submitted"] = "auto-generated"
        except (MessageError, ValueError) as error:
            raise BadMessageError(f"mail {wish.kind}: {type(error).__name__}") from None
        mail.set_content(body.strip() + "\n", cte="base64")
        mail["Content-Language"] = wish.language  # after the content, which takes such headers away
        return mail


async def send(m: Machines, wish: SendMail) -> None:
    """Send a mail; it may leave twice, never not at all. Raises MailServerError: try again later.

    Neither the address nor the link ever reaches the log.
    """
    mail = m.keep(Writer).write(wish)
    if not m.settings.smtp_url:
        log.warning("mail %s not sent: no server", wish.kind)
        if not m.settings.is_https:  # a developer's shop: real shoppers' links lie in no file
            await asyncio.to_thread(_leave, m.settings.data_path / "mail", f"{_event(wish)}.eml", mail)
        return
    try:
        await post(m.settings.smtp_url, mail)
    except MailRefusedError as error:
        log.warning("mail %s refused: %s", wish.kind, error)  # the same would be refused again


def _event(wish: SendMail) -> str:
    """Name the event in the Message-ID: the same for the mail's every copy, and nothing to be read in it."""
    return hashlib.sha256(f"{wish.kind}\0{wish.to}\0{wish.number}".encode()).hexdigest()[:32]


def _leave(folder: Path, name: str, mail: EmailMessage) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(mail.as_bytes())
