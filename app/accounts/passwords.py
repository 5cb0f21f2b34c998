"""Passwords: peppered, hashed with bcrypt beside the event loop, a bounded number at a time."""

import asyncio
import base64
import hashlib
import hmac
import os
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from app.infra.gate import Gate
from app.machines import Machines

QUEUE = 20
HASH_LENGTH = 31  # characters after the salt
NICE = 10  # pages get a core ten times as soon as a hash does
T = TypeVar("T")


class Passwords:
    """Hashes and verifies, as many at once as there are cores. Beyond the queue: TooManyError.

    Each takes a core for a quarter of a second, on threads that step aside for whoever draws pages.
    """

    def __init__(self, m: Machines) -> None:
        self._pepper = m.settings.password_pepper.encode()
        self._cost = m.settings.bcrypt_cost
        width = os.cpu_count() or 1
        self._gate = Gate(width, QUEUE)
        self._threads = ThreadPoolExecutor(width, "bcrypt", _step_aside)

    async def hash(self, password: str) -> str:
        """Return what the database keeps of a password."""
        hashed = await self._run(lambda: bcrypt.hashpw(self._digest(password), bcrypt.gensalt(self._cost)))
        return hashed.decode()

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password is the stored one; without one, False after just as long."""
        hashed = self._nobody(self._cost) if stored is None else stored.encode()

        def check() -> bool:
            digest = self._digest(password)
            if bcrypt.checkpw(digest, hashed):
                return stored is not None
            # One made at a lower cost would say by its speed that there is such an account. Each step up
            # takes twice as long, so the steps between add up to what is missing.
            for cost in range(_cost_of(hashed), self._cost):
                bcrypt.checkpw(digest, self._nobody(cost))
            return False

        return await self._run(check)

    def is_outdated(self, stored: str) -> bool:
        """Whether a stored hash was made at a lower cost than today's."""
        return _cost_of(stored.encode()) < self._cost

    async def _run(self, work: Callable[[], T]) -> T:
        async with self._gate.enter():
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _nobody(self, cost: int) -> bytes:
        """Return a hash that no password has."""
        return bcrypt.gensalt(cost) + b"." * HASH_LENGTH

    def _digest(self, password: str) -> bytes:
        # bcrypt takes 72 bytes, which is 24 Hangul: a keyed digest of fixed length has no such edge.
        text = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
        return base64.b64encode(hmac.digest(self._pepper, text, hashlib.sha384))


def _cost_of(hashed: bytes) -> int:
    return int(hashed.split(b"$")[2])


def _step_aside() -> None:
    """Let this thread run when nobody else wants to. Only on Linux has a thread a priority of its own."""
    if sys.platform == "linux":
        os.nice(NICE)
