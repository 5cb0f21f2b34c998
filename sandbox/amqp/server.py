"""Connections: handshake, frames in and out, heartbeats, back pressure."""

import asyncio
import contextlib
import struct
import time
from collections.abc import Coroutine
from typing import TypeVar

from pamqp import commands as c
from pamqp import constants
from pamqp import frame as framing
from pamqp.base import Frame
from pamqp.body import ContentBody
from pamqp.common import FieldTable
from pamqp.exceptions import PAMQPException
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from sandbox.amqp.broker import Broker
from sandbox.amqp.channel import Channel
from sandbox.amqp.faults import AmqpFault
from sandbox.amqp.queue import Message

T = TypeVar("T", bound=Frame)
PROTOCOL = b"AMQP\0\0\x09\x01"
FRAME_OVERHEAD = constants.FRAME_HEADER_SIZE + 1
FRAME_MAX = 131_072
CHANNEL_MAX = 2047
HEARTBEAT = 60
WRITE_BUFFER = 1024 * 1024  # unsent bytes above which a connection gets no further deliveries
HANDSHAKE_SECONDS = 10
CAPABILITIES: FieldTable = {
    "publisher_confirms": True,
    "basic.nack": True,
    "consumer_cancel_notify": True,
    "per_consumer_qos": True,
    "authentication_failure_close": True,
}


class AmqpServer:
    """Listens on one port; every start begins with nothing in it."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._broker = Broker()
        self._sessions: dict[Session, asyncio.Task[None]] = {}

    async def start(self, host: str, port: int = 0) -> int:
        """Listen; says on which port."""
        self._broker = Broker()
        self._server = await asyncio.start_server(self._accept, host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Tell every client, and end."""
        if self._server is None:
            return
        self._server.close()
        tasks = list(self._sessions.values())
        for session in list(self._sessions):
            session.fail(AmqpFault(320, "CONNECTION_FORCED - broker is going away", hard=True))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._broker.close()
        self._server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self._broker, reader, writer)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a stream callback always runs in a task
        self._sessions[session] = task
        try:
            with contextlib.suppress(
                asyncio.CancelledError
            ):  # only `stop` cancels, and it is waiting for the end
                await session.run()
        finally:
            del self._sessions[session]


class Session:
    """One connection."""

    def __init__(self, broker: Broker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.broker = broker
        self._reader = reader
        self._writer = writer
        self._channels: dict[int, Channel] = {}
        self._frame_max = FRAME_MAX
        self._heartbeat = HEARTBEAT
        self._last_heard = time.monotonic()
        self._closing = False
        self._background: set[asyncio.Task[None]] = set()
        self._draining = False

    async def run(self) -> None:
        """Live until either side ends it."""
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await self._shake_hands()
            self._spawn(self._beat())
            while await self._step():
                await self._writer.drain()
        except AmqpFault as fault:
            self.fail(fault)
        except (PAMQPException, struct.error, ValueError) as error:
            self.fail(AmqpFault(502, f"SYNTAX_ERROR - {error}", hard=True))
        except (OSError, EOFError, TimeoutError):
            pass  # the client went away, or never spoke: there is nobody to tell
        finally:
            await self._end()

    def fail(self, fault: AmqpFault) -> None:
        """Say why this connection ends."""
        self._closing = True
        self.send(0, c.Connection.Close(fault.code, fault.text[:255], 0, 0))

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._writer.transport.abort()

    def send(self, channel: int, frame: Frame) -> None:
        """Write one method."""
        if not self._writer.is_closing():
            self._writer.write(framing.marshal(frame, channel))

    def send_content(self, channel: int, frame: Frame, message: Message) -> None:
        """Write method, header and body, the body in frames no longer than agreed."""
        if self._writer.is_closing():
            return
        size, body = self._frame_max - FRAME_OVERHEAD, message.body
        header = ContentHeader(0, len(body), message.properties)
        parts: list[framing.FrameTypes] = [
            ContentBody(body[at : at + size]) for at in range(0, len(body), size)
        ]
        self._writer.write(b"".join(framing.marshal(part, channel) for part in [frame, header, *parts]))

    def writable(self) -> bool:
        """Whether deliveries may go out; when not, they go on as soon as the client has read."""
        if self._closing or self._writer.is_closing():
            return False
        if self._writer.transport.get_write_buffer_size() <= WRITE_BUFFER:
            return True
        if not self._draining:
            self._draining = True
            self._spawn(self._resume())
        return False

    async def _shake_hands(self) -> None:
        if await self._reader.readexactly(len(PROTOCOL)) != PROTOCOL:
            self._writer.write(PROTOCOL)
            raise EOFError
        properties: FieldTable = {"product": "sandbox", "version": "0.9.1", "capabilities": CAPABILITIES}
        self.send(0, c.Connection.Start(0, 9, properties, "PLAIN", "en_US"))
        await self._expect(c.Connection.StartOk)
        self.send(0, c.Connection.Tune(CHANNEL_MAX, FRAME_MAX, HEARTBEAT))
        tuned = await self._expect(c.Connection.TuneOk)
        self._frame_max = min(tuned.frame_max or FRAME_MAX, FRAME_MAX)
        self._heartbeat = tuned.heartbeat or 0
        opened = await self._expect(c.Connection.Open)
        if opened.virtual_host != "/":
            raise AmqpFault(530, f"NOT_ALLOWED - vhost {opened.virtual_host} not found", hard=True)
        self.send(0, c.Connection.OpenOk())

    async def _expect(self, wanted: type[T]) -> T:
        _, frame = await self._read_frame()
        if not isinstance(frame, wanted):
            raise AmqpFault(503, f"COMMAND_INVALID - expected {wanted.__name__}", hard=True)
        return frame

    async def _step(self) -> bool:
        """Handle one frame; False when the connection has ended."""
        number, frame = await self._read_frame()
        if isinstance(frame, Heartbeat):
            return True
        if number == 0:
            if isinstance(frame, c.Connection.Close):
                self.send(0, c.Connection.CloseOk())
            return not isinstance(frame, c.Connection.Close | c.Connection.CloseOk)
        self._dispatch(number, frame)
        return True

    def _dispatch(self, number: int, frame: framing.FrameTypes) -> None:
        channel = self._channels.get(number)
        if isinstance(frame, c.Channel.Open):
            if channel is not None:
                raise AmqpFault(504, "CHANNEL_ERROR - second 'channel.open' seen", hard=True)
            channel = self._channels[number] = Channel(self, number)
        if channel is None:
            raise AmqpFault(504, f"CHANNEL_ERROR - expected 'channel.open' on {number}", hard=True)
        if isinstance(frame, c.Channel.CloseOk):
            del self._channels[number]
        elif isinstance(frame, c.Channel.Close):
            self._channels.pop(number).shut()
            self.send(number, c.Channel.CloseOk())
        elif not channel.closing:
            self._try(channel, frame)

    def _try(self, channel: Channel, frame: framing.FrameTypes) -> None:
        try:
            channel.handle(frame)
        except AmqpFault as fault:
            if fault.hard:
                raise
            channel.shut()
            self.send(channel.number, c.Channel.Close(fault.code, fault.text[:255], 0, 0))

    async def _read_frame(self) -> tuple[int, framing.FrameTypes]:
        head = await self._reader.readexactly(constants.FRAME_HEADER_SIZE)
        _, number, size = struct.unpack(">BHI", head)
        if size > self._frame_max:
            raise AmqpFault(501, f"FRAME_ERROR - {size} bytes are more than was agreed", hard=True)
        rest = await self._reader.readexactly(size + 1)
        self._last_heard = time.monotonic()
        _, _, frame = framing.unmarshal(head + rest)
        return number, frame

    async def _beat(self) -> None:
        """Send heartbeats, and give up a client of whom two are missing."""
        while self._heartbeat:
            await asyncio.sleep(self._heartbeat / 2)
            if time.monotonic() - self._last_heard > 2 * self._heartbeat:
                self.abort()
                return
            self._writer.write(Heartbeat.marshal())

    async def _resume(self) -> None:
        try:
            with contextlib.suppress(OSError):
                await self._writer.drain()
        finally:
            self._draining = False
        for channel in list(self._channels.values()):
            channel.pump()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _end(self) -> None:
        self._closing = True
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        for channel in list(self._channels.values()):
            channel.shut()
        self._channels.clear()
        self.broker.drop_exclusive(self)
        self._writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._writer.wait_closed()
