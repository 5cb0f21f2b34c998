"""One-time codes of an authenticator app (RFC 6238), and the picture the app takes the secret from."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import pyotp
import segno
from pyotp.exceptions import OTPVerificationError

from app.core.clock import epoch_us

SECRET_BYTES = 20
WINDOW = 1  # steps of thirty seconds: a phone's clock may be that wrong
QUIET_ZONE = 4


@dataclass(frozen=True, slots=True)
class QrCode:
    """A square picture: its side, its dark parts as the path of an SVG, and the address that it spells."""

    side: int
    path: str
    address: str


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


def draw(secret: str, signup_id: str, issuer: str) -> QrCode:
    """Draw what the app scans."""
    address = pyotp.TOTP(secret).provisioning_uri(name=signup_id, issuer_name=issuer)
    matrix = segno.make(address, micro=False).matrix
    dark = "".join(_draw_row(number + QUIET_ZONE, row) for number, row in enumerate(matrix))
    return QrCode(len(matrix) + 2 * QUIET_ZONE, dark, address)


def _draw_row(number: int, row: Iterable[int]) -> str:
    """Return the dark runs of a row: one short rectangle each."""
    drawn, column = "", QUIET_ZONE
    for is_dark, cells in groupby(row):
        length = len(list(cells))
        if is_dark:
            drawn += f"M{column} {number}h{length}v1h-{length}z"
        column += length
    return drawn
