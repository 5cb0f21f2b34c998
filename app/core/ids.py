"""Numbers and tokens that people and machines are given."""

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime

from app.core.clock import to_kst

# Crockford's base32: no I, L, O, U, so that a number can be read aloud.
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # 256 bits in base64


def order_no(now: datetime) -> str:
    """Return an order number for people: the Korean date, then 7 random characters (35 bits)."""
    tail = "".join(secrets.choice(CROCKFORD) for _ in range(7))
    return f"{to_kst(now):%Y%m%d}-{tail}"


def payment_no() -> str:
    """Return an unguessable number for one attempt to pay (160 bits); Toss calls it ``orderId``."""
    return "".join(secrets.choice(CROCKFORD) for _ in range(32))


def token() -> str:
    """Return a bearer secret of 256 bits, safe in a cookie or a URL."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """Return the SHA-256 of a bearer secret in hex: what we store instead of the secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def idempotency_key() -> str:
    """Return a key that makes one request safe to repeat (128 bits)."""
    return secrets.token_hex(16)


def is_token(text: str) -> bool:
    """Whether ``text`` has the shape of a token of ours. Anything else is never adopted."""
    return TOKEN.fullmatch(text) is not None


def derive_token(secret_key: str, seed: str) -> str:
    """Return the token (256 bits) that a seed stands for: who reads the seed without our key has nothing.

    A message may wait in a queue with the seed in it, and comes to the same token however often it is read.
    """
    digest = hmac.digest(secret_key.encode(), b"link\0" + seed.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
