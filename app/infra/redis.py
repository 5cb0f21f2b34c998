"""Redis: one connection pool, short time-outs, no retries behind our back, and the Lua scripts' loader."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import exceptions
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as Client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from app.core.errors import RedisLostError, RedisUnavailableError

TIMEOUT_SECONDS = 0.5
CONNECTIONS = 32
FAILURES = (exceptions.RedisError, OSError, TimeoutError)
CLOSED = "the handler is closed"  # uvloop's RuntimeError for writing to a connection that was just reset


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


class Redis:
    """The hot store. Every failure is a RedisUnavailableError; nothing is sent twice by itself."""

    def __init__(self, url: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            # The client's own retry would run an INCR or an edit again after a lost answer.
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
            # On (the default), the pool no longer looks whether a pooled connection was closed by the server:
            # after a restart of Redis each of them would fail one shopper.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
            decode_responses=True,
        )
        self._client = Client(connection_pool=pool)
        self._pool = pool

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | int] = ()) -> Any:
        """Run a script by its SHA, sending its text only to a Redis that does not know it yet."""
        try:
            try:
                return await self._client.evalsha(script.sha, len(keys), *keys, *args)
            except exceptions.NoScriptError:  # refused before it ran: sending the text is no repetition
                return await self._client.eval(script.text, len(keys), *keys, *args)
        except (*FAILURES, RuntimeError) as error:
            raise _name_failure(script.name, error) from error

    async def command(self, *words: str | int) -> Any:
        """Run one command."""
        try:
            return await self._client.execute_command(*words)  # type: ignore[no-untyped-call]
        except (*FAILURES, RuntimeError) as error:
            raise _name_failure(str(words[0]), error) from error

    async def ping(self) -> None:
        """Ask Redis for a sign of life. Raises RedisUnavailableError."""
        await self.command("PING")

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
        await self._pool.aclose()


def _name_failure(doing: str, error: Exception) -> RedisUnavailableError:
    if isinstance(error, RuntimeError) and CLOSED not in str(error):
        raise error
    lost = isinstance(error, exceptions.ConnectionError | RuntimeError) and not isinstance(
        error, exceptions.MaxConnectionsError
    )
    kind = RedisLostError if lost else RedisUnavailableError
    return kind(f"{doing}: {type(error).__name__}: {error}")
