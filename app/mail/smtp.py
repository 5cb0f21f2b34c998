"""The SMTP client: the one file that speaks to a mail server."""

import ipaddress
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib

SECONDS = 10.0
PORTS = {"smtp": 587, "smtps": 465}
PERMANENT = range(500, 600)
# What the server says of this mail; what it says of us (who we are, our password) is ours to mend.
OF_THE_MAIL = (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError)


class MailServerError(Exception):
    """The server did not take the mail now: later it may. The text names no address."""


class MailRefusedError(Exception):
    """The server will never take this mail. The text names no address."""


async def post(url: str, message: EmailMessage) -> None:
    """Hand a mail over. Raises MailServerError or MailRefusedError.

    Beyond this machine nothing is said without TLS: smtps:// from the first byte, smtp:// by STARTTLS.
    """
    address = urlsplit(url)
    host, encrypted = address.hostname or "", address.scheme == "smtps"
    try:
        await aiosmtplib.send(
            message,
            hostname=host,
            port=address.port or PORTS[address.scheme],
            username=unquote(address.username) if address.username else None,
            password=unquote(address.password) if address.password else None,
            use_tls=encrypted,
            start_tls=None if encrypted or _is_here(host) else True,
            timeout=SECONDS,
        )
    except (TimeoutError, aiosmtplib.SMTPException, OSError, ValueError) as error:
        # What the server said may repeat the address: only its number is kept.
        code = _code(error)
        said = f"{type(error).__name__} {code}".rstrip()
        if isinstance(error, OF_THE_MAIL) and code in PERMANENT:
            raise MailRefusedError(said) from None
        raise MailServerError(said) from None


def _code(error: BaseException) -> int | str:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else ""


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
