"""Lets a few in at a time, and turns people away when the queue is long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.core.errors import TooManyError


class Gate:
    """At most ``width`` at work and ``queue`` waiting; more are refused at once."""

    def __init__(self, width: int, queue: int) -> None:
        self._inside = asyncio.Semaphore(width)
        self._limit = width + queue
        self._present = 0

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Wait for a place. Raises TooManyError when the queue is full."""
        if self._present >= self._limit:
            raise TooManyError("gate full")
        self._present += 1
        try:
            async with self._inside:
                yield
        finally:
            self._present -= 1
