"""Forms are ours, and sent by our pages: a token bound to the browser's own secret, and fetch metadata."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from quart import g, request

from app.core.errors import ForbiddenError
from app.core.languages import marked
from app.settings import Settings
from app.web import current

FIELD = "csrf"
HEADER = "X-CSRF-Token"
DIGEST_BYTES = 16  # as hard to guess as a key, and each page carries half as much that cannot be packed


class SessionEndedError(ForbiddenError):
    """The form was drawn for somebody whose session has ended since."""

    title = marked("로그인이 끝났습니다")
    default_say = marked(
        "오래 쓰지 않아 로그인이 끝났습니다. 변경된 내용은 없습니다. 다시 로그인해 주십시오."
    )


def form_token() -> str:
    """Return the token for this answer's forms, masked anew for each answer.

    The mask keeps a compressed page from betraying the token byte by byte (BREACH).
    """
    token: str | None = g.get("form_token")
    if token is None:
        token = g.form_token = mask(_digest())
    return token


def digest(settings: Settings, binding: str) -> bytes:
    """Return what the form tokens of a browser are made of."""
    whole = hmac.digest(settings.secret_key.encode(), b"csrf\0" + binding.encode(), hashlib.sha256)
    return whole[:DIGEST_BYTES]


def mask(digest_: bytes) -> str:
    """Return a token made of a digest."""
    veil = secrets.token_bytes(DIGEST_BYTES)
    return base64.urlsafe_b64encode(veil + _mix(veil, digest_)).decode()


def fits(token: str, digest_: bytes) -> bool:
    """Whether a token that was sent is made of this digest."""
    try:
        raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    is_whole = len(raw) == 2 * DIGEST_BYTES
    sent = _mix(raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]) if is_whole else b""
    return hmac.compare_digest(sent, digest_)


async def check() -> None:
    """Refuse a request that changes something and was not sent by a page of ours. Raises ForbiddenError."""
    _check_origin()
    token = request.headers.get(HEADER) or (await request.form).get(FIELD, "")
    if not fits(token, _digest()):
        await _keep_typed()
        raise _who_sent_it()
    g.form_is_ours = True


async def _keep_typed() -> None:
    """Let the answer offer what was typed once more, where the browser vouches that our own page sent it.

    So it is when the shopper logged in or out in another tab. Passwords are not written into pages.
    """
    form = await request.form
    ours = request.headers.get("Sec-Fetch-Site") == "same-origin"
    if ours and not any("password" in name for name in form):
        g.typed = [(name, value) for name, value in form.items(multi=True) if name != FIELD]


def _who_sent_it() -> ForbiddenError:
    """Tell whose session has ended since the page was drawn from whose token is none."""
    if current.cookie(current.SESSION_COOKIE) and g.get("shopper") is None and "operator_token" not in g:
        return SessionEndedError("session ended")
    return ForbiddenError("csrf token")


def _check_origin() -> None:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site != "same-origin":
            raise ForbiddenError("sec-fetch-site")
        return
    origin = request.headers.get("Origin")
    if origin is None:
        return
    sent = urlsplit(origin)
    downgraded = current.machines().settings.is_https and sent.scheme != "https"
    if sent.netloc != request.host or downgraded:
        raise ForbiddenError("foreign origin")


def _mix(one: bytes, other: bytes) -> bytes:
    """Return two digests, bit by bit exclusive."""
    mixed = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return mixed.to_bytes(DIGEST_BYTES, "big")


def _digest() -> bytes:
    """Return what form tokens of this browser are made of; both ends of a request ask for it."""
    binding = current.binding()
    known: tuple[str, bytes] | None = g.get("form_digest")
    if known is None or known[0] != binding:  # logging in and out changes it
        known = g.form_digest = binding, digest(current.machines().settings, binding)
    return known[1]
