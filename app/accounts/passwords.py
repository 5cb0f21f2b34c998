"""Passwords: peppered, hashed with bcrypt beside the event loop, a bounded number at a time."""

import asyncio
import base64
import hashlib
import hmac
import os
import unicodedata

import bcrypt

from app.infra.gate import Gate
from app.machines import Machines

QUEUE = 20
HASH_LENGTH = 31  # characters after the salt


class Passwords:
    """Hashes and verifies, as many at once as there are cores. Beyond the queue: TooManyError."""

    def __init__(self, m: Machines) -> None:
        self._pepper = m.settings.password_pepper.encode()
        self._cost = m.settings.bcrypt_cost
        self._gate = Gate(os.cpu_count() or 1, QUEUE)
        self._nobody = bcrypt.gensalt(self._cost) + b"." * HASH_LENGTH

    async def hash(self, password: str) -> str:
        """Return what the database keeps of a password."""
        async with self._gate.enter():
            hashed = await asyncio.to_thread(
                bcrypt.hashpw, self._digest(password), bcrypt.gensalt(self._cost)
            )
        return hashed.decode()

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password is the stored one; without one, False after just as long."""
        hashed = self._nobody if stored is None else stored.encode()
        async with self._gate.enter():
            matches = await asyncio.to_thread(bcrypt.checkpw, self._digest(password), hashed)
        return matches and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether a stored hash was made at a lower cost than today's."""
        return int(stored.split("$")[2]) < self._cost

    def _digest(self, password: str) -> bytes:
        # bcrypt takes 72 bytes, which is 24 Hangul: a keyed digest of fixed length has no such edge.
        text = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
        return base64.b64encode(hmac.digest(self._pepper, text, hashlib.sha384))
