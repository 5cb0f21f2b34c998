"""Redis: one wire for scripts, a pool for the rest, short time-outs, no retries behind our back."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import exceptions
from redis.asyncio import ConnectionPool
from redis.asyncio import Redis as Client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from app.core.errors import RedisLostError, RedisTypeError, RedisUnavailableError
from app.infra.breaker import Breaker, OpenError
from app.infra.wire import CLOSED, Wire

TIMEOUT_SECONDS = 0.5
CONNECTIONS = 32
BREAKER_FAILURES, BREAKER_SECONDS = 3, 1.0


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and its SHA-1, by which Redis remembers it."""

    name: str
    text: str
    sha: str


def load_script(path: Path, *parts: Path) -> Script:
    """Read a script from its file, after the ``parts`` it builds upon."""
    text = "\n".join(part.read_text(encoding="utf-8") for part in (*parts, path))
    # Redis names scripts by SHA-1; nothing is secured by it.
    return Script(path.stem, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


class _NotConnectedError(exceptions.ConnectionError):
    """There was nobody to send anything to."""


SILENCES = (exceptions.TimeoutError, OSError, _NotConnectedError)
ANSWERS = (exceptions.ResponseError, exceptions.BusyLoadingError)


class _Pool(ConnectionPool):
    """Tells a connection that could not be made from one that was lost while we waited for an answer."""

    async def ensure_connection(self, connection: Any) -> None:
        """Connect. Raises _NotConnectedError."""
        try:
            await super().ensure_connection(connection)
        except exceptions.BusyLoadingError:
            raise
        except exceptions.ConnectionError as error:
            raise _NotConnectedError(str(error)) from error


class Redis:
    """The hot store. Every failure is a RedisUnavailableError; nothing is sent twice by itself."""

    def __init__(self, url: str) -> None:
        self._pool = _Pool.from_url(
            url,
            max_connections=CONNECTIONS,
            socket_timeout=None,  # the wire reads as long as it lives; who asks has a time-out
            socket_connect_timeout=TIMEOUT_SECONDS,
            # No greeting before the first question: far away, its round trips alone would use up the time.
            protocol=2,
            driver_info=None,
            # The client's own retry would run an INCR or an edit again after a lost answer.
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
            # On (the default), the pool no longer looks whether a pooled connection was closed by the server:
            # after a restart of Redis each of them would fail one shopper.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
            decode_responses=True,
            encoding_errors="replace",  # bytes that no one of us wrote must reach whoever can judge them
        )
        self._client = Client(connection_pool=self._pool)
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._wire: Wire | None = None
        self._connecting = asyncio.Lock()
        self._breaker = Breaker(
            "redis",
            failures=BREAKER_FAILURES,
            open_seconds=BREAKER_SECONDS,
        )

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | int] = ()) -> Any:
        """Run a script by its SHA, sending its text only to a Redis that does not know it yet."""
        until = asyncio.get_running_loop().time() + TIMEOUT_SECONDS
        try:
            with self._breaker.asking(silences=SILENCES, answers=ANSWERS):
                wire = self._wire
                if wire is None or not wire.is_usable:
                    wire = await self._connect(until)
                try:
                    return await wire.ask(("EVALSHA", script.sha, len(keys), *keys, *args), until)
                except exceptions.NoScriptError:  # refused before it ran: sending the text is no repetition
                    return await wire.ask(("EVAL", script.text, len(keys), *keys, *args), until)
        except (exceptions.RedisError, OSError, OpenError) as error:
            raise _name_failure(script.name, error) from error

    async def command(self, *words: str | int) -> Any:
        """Run one command."""
        until = asyncio.get_running_loop().time() + TIMEOUT_SECONDS
        try:
            async with asyncio.timeout_at(until):
                await self._places.acquire()
            try:
                # Asked only now: those who waited in line hear what came of those before them.
                with self._breaker.asking(silences=SILENCES, answers=ANSWERS):
                    async with asyncio.timeout_at(until):
                        return await self._client.execute_command(*words)  # type: ignore[no-untyped-call]
            finally:
                self._places.release()
        except (exceptions.RedisError, OSError, OpenError) as error:
            raise _name_failure(str(words[0]), error) from error
        except RuntimeError as error:
            if CLOSED not in str(error):
                raise
            raise RedisLostError(f"{words[0]}: {error}") from error

    async def ping(self) -> None:
        """Ask Redis for a sign of life. Raises RedisUnavailableError."""
        await self.command("PING")

    async def close(self) -> None:
        """Close every connection."""
        if self._wire is not None:
            await self._wire.close()
        await self._client.aclose()
        await self._pool.aclose()

    async def _connect(self, until: float) -> Wire:
        """Return a wire that can be used; the first who needs one makes it for all. Raises TimeoutError."""
        async with asyncio.timeout_at(until), self._connecting:
            if self._wire is None or not self._wire.is_usable:
                if self._wire is not None:
                    await self._wire.close()
                    self._wire = None
                connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
                try:
                    await self._pool.ensure_connection(connection)
                except BaseException:
                    await connection.disconnect(nowait=True)
                    raise
                self._wire = Wire(connection)
            return self._wire


def _name_failure(doing: str, error: Exception) -> RedisUnavailableError:
    kind = RedisUnavailableError
    if isinstance(error, exceptions.ResponseError) and "WRONGTYPE" in str(error):
        kind = RedisTypeError
    elif isinstance(error, exceptions.ConnectionError) and not isinstance(
        error, _NotConnectedError | exceptions.BusyLoadingError | exceptions.AuthenticationError
    ):
        kind = RedisLostError
    return kind(f"{doing}: {type(error).__name__}: {error}")
