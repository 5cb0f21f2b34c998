"""A TCP proxy in front of one machine, which can be told to be any kind of bad network."""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar

from sandbox import children
from sandbox.children import LOOPBACK
from tests.clients import is_killed, pids_behind

CHUNK_BYTES = 65_536
CHUNKS_UNDER_WAY = 64  # more, and the sender has to wait, as with a full socket buffer
LONGEST_MATCH = 256
PIECES_PER_SECOND = 20  # how finely a throttled chunk is cut
SECONDS_FOR_THE_PROXY = 10.0
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time at all

Answer = TypeVar("Answer")
Side = Literal["request", "reply"]


@dataclass(eq=False, kw_only=True)
class Trap:
    """What happens when a client sends certain bytes: its answer is cut short."""

    match: bytes
    after: bytes = b""  # what must have been sent before on the same connection
    times: int = 1
    after_bytes: int = 0
    ready: "set[Connection]" = field(default_factory=set)  # those that have sent it

    def __post_init__(self) -> None:
        assert max(len(self.match), len(self.after)) <= LONGEST_MATCH

    def takes(self, connection: "Connection", chunk: bytes) -> bool:
        """Whether a chunk is one it waits for."""
        if connection.now_says(self.after, chunk):
            self.ready.add(connection)
        return self.times > 0 and connection in self.ready and connection.now_says(self.match, chunk)


@dataclass(eq=False, kw_only=True)
class Breakpoint(Trap):
    """A place at which one chunk is held, so that its client can be killed at that very instant."""

    proxy: "FaultProxy"
    side: Side
    of: Callable[[], Collection[int]] | None
    answer: bytes = b""  # what the held reply says: a heartbeat may come first
    pids: set[int] = field(default_factory=set)  # whose chunk is held
    reached: threading.Event = field(default_factory=threading.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def takes(self, connection: "Connection", chunk: bytes) -> bool:
        """As above, and only from the clients it was told."""
        return super().takes(connection, chunk) and (self.of is None or bool(connection.pids(self.of())))

    async def hit(self, seconds: float = 10.0) -> None:
        """Wait, in any loop, until a chunk is held."""
        if not await asyncio.to_thread(self.reached.wait, seconds):
            raise AssertionError(
                f"No {self.side} with {self.match!r} passed the proxy of {self.proxy.name} in {seconds:g} s."
            )

    def release(self) -> None:
        """Let the chunk go on; what a killed client has sent is dropped. Without a chunk: wait no more."""
        if not self.released.is_set():
            self.proxy.do(self.let_go)

    async def hold(self, connection: "Connection") -> None:
        """Hold the chunk that has come."""
        self.pids = connection.pids()
        connection.held = True
        self.reached.set()
        await self.released.wait()
        connection.held = False
        if any(is_killed(pid) for pid in self.pids):
            raise ConnectionResetError("Its client was killed meanwhile.")

    async def let_go(self) -> None:
        """Release, in the proxy's own loop."""
        self.times = 0
        self.released.set()


class Connection:
    """One client and its connection to the server."""

    def __init__(
        self, proxy: "FaultProxy", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.proxy = proxy
        self.reader = reader
        self.writers = [writer]
        self.port: int = writer.get_extra_info("peername")[1]
        self.task = asyncio.current_task()
        self.tail = b""  # the last bytes of what the client sent before
        self.held = False
        self.trap: Trap | None = None  # waits for the answer to a request that went on ...
        self.since = 0.0  # ... at this time
        self.allowed: int | None = None  # how many bytes of the answer may still pass

    def pids(self, among: Collection[int] | None = None) -> set[int]:
        """Return the processes of the client; usually one."""
        return pids_behind(self.port, self.proxy.port, among)

    def now_says(self, text: bytes, chunk: bytes) -> bool:
        """Whether a text ends in the chunk that has come; it may have begun in those before."""
        begun = self.tail[max(0, len(self.tail) + 1 - len(text)) :]
        return text in begun + chunk

    async def serve(self) -> None:
        """Carry both directions until both have ended; reset both sides when one of them fails."""
        try:
            await self.proxy.flowing.wait()
            if self.proxy.refusing:
                raise ConnectionResetError
            server_reader, server_writer = await asyncio.open_connection(*self.proxy.upstream)
            self.writers.append(server_writer)
            for writer in self.writers:
                writer.transport.set_write_buffer_limits(0)  # so that what was drained is really sent
            async with asyncio.TaskGroup() as both:
                both.create_task(self.carry(self.reader, server_writer, self.take_request))
                both.create_task(self.carry(server_reader, self.writers[0], self.take_reply))
        except* (OSError, asyncio.CancelledError):
            self.reset()
        else:
            for writer in self.writers:
                writer.close()

    def reset(self) -> None:
        """Close both sides so that they are told."""
        for writer in self.writers:
            with suppress(OSError):
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE
                )
            writer.transport.abort()

    async def carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        take: Callable[[float, bytes], Awaitable[None]],
    ) -> None:
        """Carry one direction: reading goes on while earlier chunks are delayed or held."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_UNDER_WAY)

        async def read() -> None:
            while True:
                chunk = await reader.read(CHUNK_BYTES)
                if not chunk and reader is self.reader and self.held:
                    raise ConnectionResetError("The client left while its chunk was held.")
                await under_way.put((asyncio.get_running_loop().time(), chunk))
                if not chunk:
                    return

        async with asyncio.TaskGroup() as reading:
            reading.create_task(read())
            while True:
                arrived, chunk = await under_way.get()
                await self.wait_until(arrived + self.proxy.next_delay())
                if not chunk:
                    break
                await take(arrived, chunk)
        await self.proxy.flowing.wait()
        writer.write_eof()

    async def take_request(self, _arrived: float, chunk: bytes) -> None:
        """Pass a client's chunk on, unless a trap waits for it."""
        traps = [trap for trap in self.proxy.traps if trap.takes(self, chunk)]
        self.tail = (self.tail + chunk)[-LONGEST_MATCH:]
        for trap in traps[:1]:
            trap.times -= 1
            if isinstance(trap, Breakpoint) and trap.side == "request":
                await trap.hold(self)
            else:
                self.trap, self.since = trap, asyncio.get_running_loop().time()
        await self.forward(chunk, self.writers[1])

    async def take_reply(self, arrived: float, chunk: bytes) -> None:
        """Pass a server's chunk on; the first after a trapped request meets its fate."""
        trap = self.trap
        if isinstance(trap, Breakpoint):
            if arrived >= self.since and trap.answer in chunk:
                self.trap = None
                await trap.hold(self)
        elif trap and arrived >= self.since:
            self.trap, self.allowed = None, trap.after_bytes
        if self.allowed is None:
            await self.forward(chunk, self.writers[0])
            return
        await self.forward(chunk[: self.allowed], self.writers[0])
        self.allowed -= len(chunk)
        if self.allowed <= 0:
            raise ConnectionResetError("The rest of the answer is cut off.")

    async def forward(self, chunk: bytes, writer: asyncio.StreamWriter) -> None:
        """Send a chunk on, as fast as the proxy lets it."""
        while chunk:
            rate = self.proxy.rate
            size = max(1, rate // PIECES_PER_SECOND) if rate else len(chunk)
            piece, chunk = chunk[:size], chunk[size:]
            if rate:
                await asyncio.sleep(len(piece) / rate)
            await self.proxy.flowing.wait()
            writer.write(piece)
            await writer.drain()

    async def wait_until(self, due: float) -> None:
        """Sleep until a time of the loop's clock."""
        seconds = due - asyncio.get_running_loop().time()
        if seconds > 0:
            await asyncio.sleep(seconds)


class FaultProxy:
    """In a thread and a loop of its own, so that a blocked test does not block it; call it from anywhere."""

    def __init__(self, host: str, port: int) -> None:
        self.upstream = (host, port)
        self.name = f"{host}:{port}"
        self.port = children.free_port()
        self.address = f"{LOOPBACK}:{self.port}"
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.delay = 0.0
        self.uneven = 0.0
        self.chance = random.Random(0)
        self.rate = 0
        self.refusing = False
        self.traps: list[Trap] = []
        self.connections: set[Connection] = set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Take connections."""
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(
            target=self.loop.run_forever, name=f"proxy of {self.name}", daemon=True
        )
        self.thread.start()
        self.server = self.do(lambda: asyncio.start_server(self._serve, LOOPBACK, self.port))

    def stop(self) -> None:
        """Reset whoever is connected, and end."""
        self.heal()
        self.do(self._end)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def latency(self, seconds: float) -> None:
        """Delay every chunk, in each direction."""
        self.delay = seconds

    def jitter(self, seconds: float, seed: int) -> None:
        """Delay every chunk by a time of its own, up to so many seconds."""
        self.uneven, self.chance = seconds, random.Random(seed)

    def next_delay(self) -> float:
        """How long the next chunk is on its way."""
        return self.delay + self.uneven * self.chance.random()

    def throttle(self, bytes_per_second: int) -> None:
        """Let no more through, on each connection and in each direction."""
        self.rate = bytes_per_second

    def blackhole(self) -> None:
        """Let nothing through; connections stay open, and new ones are accepted."""

        async def clear() -> None:
            self.flowing.clear()

        self.do(clear)

    def refuse(self) -> None:
        """Reset all connections, and every new one."""
        self.refusing = True
        self.reset_all()

    def reset_all(self) -> None:
        """Reset the connections there are."""
        self.do(self._reset_all)

    def drop_reply(self, match: bytes = b"", times: int = 1, *, after: bytes = b"") -> None:
        """Let a request that contains ``match`` be done, then swallow the answer and reset the connection.

        With ``after``, only on a connection that has sent this before: the COMMIT after an INSERT.
        """
        self.cut_reply(0, match, times, after=after)

    def cut_reply(self, after_bytes: int, match: bytes = b"", times: int = 1, *, after: bytes = b"") -> None:
        """Let only the first bytes of such an answer through, then reset the connection."""
        self.traps.append(Trap(match=match, after=after, times=times, after_bytes=after_bytes))

    def heal(self) -> None:
        """Be a good network again, and release what is held."""
        self.delay, self.uneven, self.rate, self.refusing = 0.0, 0.0, 0, False
        self.do(self._release_all)

    @contextmanager
    def breakpoint(
        self,
        match: bytes,
        *,
        after: bytes = b"",
        side: Side = "request",
        answer: bytes = b"",
        of: Callable[[], Collection[int]] | None = None,
    ) -> Iterator[Breakpoint]:
        """Hold the next request that contains ``match`` on its way to the server, or the answer to it.

        With ``answer``, replies that do not contain it pass: a broker's heartbeat is no confirm.
        """
        stop = Breakpoint(match=match, after=after, side=side, answer=answer, of=of, proxy=self)
        self.traps.append(stop)
        try:
            yield stop
        finally:
            stop.release()

    def do(self, step: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """Do something in the proxy's own loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(step(), self.loop).result(SECONDS_FOR_THE_PROXY)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self, reader, writer)
        self.connections.add(connection)
        try:
            await connection.serve()
        finally:
            self.connections.discard(connection)

    async def _reset_all(self) -> None:
        await cancel({connection.task for connection in self.connections if connection.task})

    async def _end(self) -> None:
        self.server.close()
        await cancel(asyncio.all_tasks() - {asyncio.current_task()})

    async def _release_all(self) -> None:
        for trap in self.traps:
            if isinstance(trap, Breakpoint):
                await trap.let_go()
        self.traps.clear()
        self.flowing.set()


async def cancel(tasks: Collection["asyncio.Task[Any]"]) -> None:
    """End connections, and wait until their sockets are closed."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # a transport closes its socket one turn of the loop later
