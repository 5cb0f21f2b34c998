"""One-time codes of an authenticator app (RFC 6238), and the picture the app takes the secret from."""

import base64
from datetime import datetime

import pyotp
from pyotp.exceptions import OTPVerificationError

from app.core.clock import epoch_us
from app.infra import qr

SECRET_BYTES = 20
WINDOW = 1  # steps of thirty seconds: a phone's clock may be that wrong


def make_secret(seed: bytes) -> str:
    """Return a secret as authenticator apps write it."""
    return base64.b32encode(seed[:SECRET_BYTES]).decode()


def find_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the number of the half minute a code belongs to; None when it is not of about now."""
    try:
        seconds = epoch_us(now) // 1_000_000
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=seconds, valid_window=WINDOW)
    except OTPVerificationError:
        return None


def code_at(secret: str, now: datetime) -> str:
    """Return the code an authenticator app shows now."""
    return pyotp.TOTP(secret).at(epoch_us(now) // 1_000_000)


def draw(secret: str, signup_id: str, issuer: str) -> qr.QrCode:
    """Draw what the app scans."""
    address = pyotp.TOTP(secret).provisioning_uri(name=signup_id, issuer_name=issuer)
    return qr.draw(address)
