"""Redis: one wire for all scripts, a pool for the rest, short time-outs, no retries behind our back.

A pooled connection for each script costs three times the processor time, and a system call each way. On the
wire the questions of one moment leave in one write, and the answers come in the order they were asked in.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hiredis
from redis import exceptions
from redis.asyncio import ConnectionPool
from redis.asyncio import Redis as Client
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from app.core.errors import RedisLostError, RedisTypeError, RedisUnavailableError
from app.infra.breaker import Breaker, OpenError

TIMEOUT_SECONDS = 0.5
CONNECTIONS = 32
BREAKER_FAILURES, BREAKER_SECONDS = 3, 1.0
# Rounds of the loop from bytes that lie there to the hands of who waits for them: read, parsed, and one over.
ROUNDS = 3
SILENCE_SECONDS = 1.0  # with a question open and no answer for so long, nobody is asked on this connection
# These Redis says; any other error is the connection's own.
SAID = (exceptions.ResponseError, exceptions.BusyLoadingError, exceptions.AuthenticationError)
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


@dataclass(frozen=True, slots=True)
class _Question:
    """What somebody waits for; since when and until when (s, the loop's clock)."""

    answer: "asyncio.Future[Any]"
    asked_at: float
    until: float


class _Wire:
    """A connection in use. Whoever stops waiting keeps their place in line: that answer is dropped."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._outgoing: list[bytes] = []
        self._is_asked = asyncio.Event()
        self._line: deque[_Question] = deque()
        self._heard_at = self._loop.time()
        self._alarm: asyncio.Handle | None = None
        self._has_ended = False
        self._tasks = [self._loop.create_task(work, name="redis") for work in (self._write(), self._read())]

    @property
    def is_usable(self) -> bool:
        """Whether a question may be sent here."""
        if self._has_ended or not self._line:
            return not self._has_ended
        silent_since = max(self._heard_at, self._line[0].asked_at)
        return self._loop.time() - silent_since < SILENCE_SECONDS

    async def ask(self, words: tuple[str | int, ...], until: float) -> Any:
        """Send a command and return the answer.

        Raises what Redis says, ConnectionError when the answer was lost, TimeoutError at ``until`` (s, the
        loop's clock).
        """
        if self._has_ended:
            raise exceptions.ConnectionError("hung up")
        question = _Question(self._loop.create_future(), self._loop.time(), until)
        self._line.append(question)
        self._outgoing.append(hiredis.pack_command(words))  # type: ignore[arg-type] # its stub: one word
        self._is_asked.set()
        if self._alarm is None:
            self._alarm = self._loop.call_at(until, self._give_up, ROUNDS)
        return await question.answer

    async def close(self) -> None:
        """Hang up. Whoever still waits hears that their answer is lost."""
        self._end(exceptions.ConnectionError("hung up"))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._connection.disconnect(nowait=True)

    async def _write(self) -> None:
        try:
            while True:
                await self._is_asked.wait()
                self._is_asked.clear()
                leaving, self._outgoing = b"".join(self._outgoing), []
                await self._connection.send_packed_command(leaving, check_health=False)
        except (exceptions.RedisError, OSError) as error:
            self._end(error)
        except RuntimeError as error:
            if CLOSED not in str(error):
                raise
            self._end(error)

    async def _read(self) -> None:
        try:
            while True:
                try:
                    answer = await self._connection.read_response(disconnect_on_error=False)
                except SAID as said:
                    self._hear().set_exception(said)
                else:
                    self._hear().set_result(answer)
        except (exceptions.RedisError, OSError) as error:
            self._end(error)

    def _hear(self) -> "asyncio.Future[Any]":
        """Return where the next answer belongs; one that nobody waits for any more belongs nowhere."""
        if not self._line:
            raise exceptions.InvalidResponse("an answer to no question")
        self._heard_at = self._loop.time()
        answer = self._line.popleft().answer
        return self._loop.create_future() if answer.done() else answer

    def _give_up(self, rounds: int) -> None:
        """Let nobody wait longer than they wanted to, once what came while we were busy has been read."""
        if rounds:
            self._alarm = self._loop.call_soon(self._give_up, rounds - 1)
            return
        self._alarm = None
        now = self._loop.time()
        for question in self._line:
            if not question.answer.done() and question.until <= now:
                question.answer.set_exception(exceptions.TimeoutError("no answer"))
        waiting = [question.until for question in self._line if not question.answer.done()]
        if waiting:
            self._alarm = self._loop.call_at(min(waiting), self._give_up, ROUNDS)

    def _end(self, error: Exception) -> None:
        self._has_ended = True
        if self._alarm is not None:
            self._alarm.cancel()
        while self._line:
            answer = self._line.popleft().answer
            if not answer.done():
                answer.set_exception(exceptions.ConnectionError(str(error)))


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
        self._wire: _Wire | None = None
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

    async def _connect(self, until: float) -> _Wire:
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
                self._wire = _Wire(connection)
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
