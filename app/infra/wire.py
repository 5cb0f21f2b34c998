"""One connection to Redis that everybody's questions share: none waits for another's answer to be asked.

A pooled connection for each question costs three times the processor time, and a system call each way. Here
the questions of one moment leave in one write, and the answers come in the order they were asked in.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

import hiredis
from redis import exceptions
from redis.asyncio.connection import AbstractConnection

SILENCE_SECONDS = 1.0  # with a question open and no answer for so long, nobody is asked on this connection
# These Redis says; any other error is the connection's own.
SAID = (exceptions.ResponseError, exceptions.BusyLoadingError, exceptions.AuthenticationError)
CLOSED = "the handler is closed"  # uvloop's RuntimeError for writing to a connection that was just reset


@dataclass(frozen=True, slots=True)
class _Question:
    """What somebody waits for; since when and until when (s, the loop's clock)."""

    answer: "asyncio.Future[Any]"
    asked_at: float
    until: float


class Wire:
    """A connection in use. Whoever stops waiting keeps their place in line: that answer is dropped."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._outgoing: list[bytes] = []
        self._is_asked = asyncio.Event()
        self._line: deque[_Question] = deque()
        self._heard_at = self._loop.time()
        self._alarm: asyncio.TimerHandle | None = None
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
            self._alarm = self._loop.call_at(until, self._give_up)
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

    def _give_up(self) -> None:
        """Let nobody wait longer than they wanted to."""
        self._alarm = None
        now = self._loop.time()
        for question in self._line:
            if not question.answer.done() and question.until <= now:
                question.answer.set_exception(exceptions.TimeoutError("no answer"))
        waiting = [question.until for question in self._line if not question.answer.done()]
        if waiting:
            self._alarm = self._loop.call_at(min(waiting), self._give_up)

    def _end(self, error: Exception) -> None:
        self._has_ended = True
        if self._alarm is not None:
            self._alarm.cancel()
        while self._line:
            answer = self._line.popleft().answer
            if not answer.done():
                answer.set_exception(exceptions.ConnectionError(str(error)))
