"""Secrets of operators: sealed before they are stored, or derived from the session and not stored at all.

The library is loaded with the first secret: it takes 6 MB of every process, and operators bring one.
"""

import base64
import binascii
import hashlib
import hmac
import secrets

NONCE_BYTES = 12


def seal(secret_key: str, text: str, owner: int) -> str:
    """Encrypt what only the shop may read; it opens for the same owner's row alone."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as said above

    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(derive(secret_key, "seal")).encrypt(nonce, text.encode(), str(owner).encode())
    return base64.b64encode(nonce + sealed).decode()


def unseal(secret_key: str, sealed: str, owner: int) -> str | None:
    """Return what was sealed; None when it is another's, was touched, or SECRET_KEY is another one."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    try:
        raw = base64.b64decode(sealed, validate=True)
        nonce, body = raw[:NONCE_BYTES], raw[NONCE_BYTES:]
        return AESGCM(derive(secret_key, "seal")).decrypt(nonce, body, str(owner).encode()).decode()
    except (binascii.Error, ValueError, InvalidTag):
        return None


def derive(secret_key: str, purpose: str, *parts: str) -> bytes:
    """Return 32 bytes that only who knows SECRET_KEY and every part can make."""
    words = "\0".join(("operators", purpose, *parts))
    return hmac.digest(secret_key.encode(), words.encode(), hashlib.sha256)
