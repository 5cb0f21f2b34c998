"""One container: stand-ins for missing machines, web processes and a task worker, kept alive together."""

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from app.core.errors import DatabaseUnavailableError
from app.infra import metrics
from app.infra.db import Database
from app.infra.durability import check_durability
from app.infra.migrations import migrate
from app.machines import build_machines
from app.settings import LISTEN_FD, Settings, check_passwords, check_toss
from sandbox import children
from sandbox.amqp import AmqpServer
from sandbox.toss.app import listen, serve_on
from sandbox.toss.config import Config
from sandbox.valkey import Valkey

BACKLOG = 1024
UNTAKEN_MS = 60_000  # whoever takes nothing of an answer for so long holds no connection any more
QUICK_DEATH_SECONDS = 5.0
PAUSE_FIRST, PAUSE_LAST = 0.1, 5.0
MIGRATION_PAUSE = 1.0
log = logging.getLogger(__name__)


async def supervise(settings: Settings, environ: Mapping[str, str], ready: asyncio.Event) -> None:
    """Run the shop until SIGTERM or SIGINT; ``ready`` is set when the first page can be asked for."""
    check_toss(settings)
    check_passwords(settings)
    if settings.missing_seller:
        log.warning("every page must say who sells here: set %s", ", ".join(settings.missing_seller))
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as running:
        ours = await running.enter_async_context(_stand_ins(settings))
        # A child must not find both NAME and NAME_FILE: what came from a file, we have read already.
        env = {
            name: value for name, value in environ.items() if name.removesuffix("_FILE") not in ours
        } | ours
        await running.enter_async_context(_checked(settings, env))
        door = _open_door(settings.address)
        running.callback(door.close)
        env[LISTEN_FD] = str(door.fileno())
        env[metrics.FOLDER] = running.enter_context(_metrics_folder())
        children_ = [
            _Child("web", ["-m", "app", "web"], env | {metrics.PLACE: f"web-{number}"}, door)
            for number in range(settings.web_workers)
        ]
        children_.append(_Child("worker", ["-m", "tasks"], env | {metrics.PLACE: "worker"}, None))
        kept = [asyncio.create_task(child.keep(stopping)) for child in children_]
        asking = asyncio.create_task(_announce(settings.local_address, ready))
        await stopping.wait()
        asking.cancel()
        # Web first: what a last request leaves in the outbox or the queue, the worker may still take.
        for name in ("web", "worker"):
            await asyncio.gather(
                *(child.stop(settings.drain_seconds) for child in children_ if child.name == name)
            )
        await asyncio.gather(*kept)


def _metrics_folder() -> "tempfile.TemporaryDirectory[str]":
    """Return a fresh folder for the counters, in memory where there is one: a full disk must end nobody.

    The counters are mapped files: a page that cannot be written kills whoever counts.
    """
    memory = Path("/dev/shm")  # nosec B108 # noqa: S108 - the folder in it gets a name of its own, and is ours alone
    here = memory if os.access(memory, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="madang-metrics-", dir=here)


@asynccontextmanager
async def _stand_ins(settings: Settings) -> AsyncIterator[dict[str, str]]:
    """Start what no address was given for; yield the addresses as environment."""
    env = {
        "SECRET_KEY": settings.secret_key,
        "PASSWORD_PEPPER": settings.password_pepper,
        "PUBLIC_URL": settings.base_url,
    }
    async with AsyncExitStack() as running:
        if not settings.redis_url:
            valkey = Valkey()
            env["REDIS_URL"] = valkey.start(settings.data_path / "valkey")
            running.callback(valkey.stop)
            running.callback(asyncio.create_task(_keep_valkey(valkey)).cancel)
        if not settings.amqp_url:
            broker = AmqpServer()
            port = await broker.start(children.LOOPBACK, 0)
            running.push_async_callback(broker.stop)
            env["AMQP_URL"] = f"amqp://guest:guest@{children.LOOPBACK}:{port}/"
        if not settings.toss_secret_key:
            env |= await running.enter_async_context(_toss_sandbox(settings))
        yield env


async def _keep_valkey(valkey: Valkey) -> None:
    """Start it again, on the same files and address, whenever it dies."""
    while valkey.child is not None:
        code = await asyncio.to_thread(valkey.child.wait)
        log.error("valkey ended with %s: starting it again", code)
        valkey.restart()


@asynccontextmanager
async def _toss_sandbox(settings: Settings) -> AsyncIterator[dict[str, str]]:
    config = Config(shop_name=settings.shop_name, webhook_url=f"{settings.base_url}/payments/toss/webhook")
    host, _, port = settings.toss_sandbox_bind.rpartition(":")
    listening = listen(host, int(port))
    port = listening.getsockname()[1]
    seen_as = children.LOOPBACK if host == children.LOOPBACK else urlsplit(settings.base_url).hostname
    shutdown = asyncio.Event()
    serving = asyncio.create_task(serve_on(config, listening, shutdown))
    yield {
        "TOSS_API_URL": f"http://{children.LOOPBACK}:{port}",
        "TOSS_SDK_URL": f"http://{seen_as}:{port}/v2/standard",
        "TOSS_CLIENT_KEY": config.client_key,
        "TOSS_SECRET_KEY": config.secret_key,
    }
    shutdown.set()
    await serving


@asynccontextmanager
async def _checked(settings: Settings, env: Mapping[str, str]) -> AsyncIterator[None]:
    """Refuse to open on machines that would lose something, and bring the schema up to date.

    A database that is away is no reason not to open: /readyz says so, and it is migrated when it comes.
    Raises SettingError.
    """
    m = build_machines(replace(settings, redis_url=env.get("REDIS_URL", "")))
    later = None
    try:
        await check_durability(m.db, m.redis, settings.cart_ack)
        try:
            await migrate(m.db)
        except DatabaseUnavailableError as error:
            log.warning("the schema is brought up to date later: %s", error)
            later = asyncio.create_task(_migrate_later(m.db))
        yield
    finally:
        if later:
            later.cancel()
        await m.close()


async def _migrate_later(db: Database) -> None:
    """Bring the schema up to date as soon as there is a database."""
    done = False
    while not done:
        await asyncio.sleep(MIGRATION_PAUSE)
        try:
            await migrate(db)
            done = True
        except DatabaseUnavailableError:
            continue
        except Exception:
            log.exception("the schema is not brought up to date")
    log.warning("the schema is up to date")


class _Child:
    """A process that is started again whenever it dies."""

    def __init__(
        self, name: str, words: list[str], env: Mapping[str, str], door: socket.socket | None
    ) -> None:
        self.name = name
        self._command = children.bound([sys.executable, *words])
        self._env = env
        self._door = door
        self._process: asyncio.subprocess.Process | None = None

    async def keep(self, stopping: asyncio.Event) -> None:
        """Start it, and start it again until told to stop; one that dies at once is given a pause."""
        pause = PAUSE_FIRST
        while not stopping.is_set():
            started = time.monotonic()
            # Its own group: Ctrl-C reaches only us, and we end our children in order.
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._env,
                cwd=Path(__file__).parent.parent,
                pass_fds=() if self._door is None else (self._door.fileno(),),
                process_group=0,
            )
            code = await self._process.wait()
            if stopping.is_set():
                return
            log.error("%s ended with %s: starting it again", self.name, code)
            pause = (
                PAUSE_FIRST
                if time.monotonic() - started > QUICK_DEATH_SECONDS
                else min(pause * 2, PAUSE_LAST)
            )
            await asyncio.sleep(pause)

    async def stop(self, seconds: float) -> None:
        """Ask it to finish, and end it when it takes longer than allowed."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        except TimeoutError:
            log.warning("%s did not finish in %.0f s: killed", self.name, seconds)
            process.kill()
            await process.wait()


def _open_door(address: tuple[str, int]) -> socket.socket:
    """Listen before any web process runs: a shopper waits, and is not refused, while one restarts."""
    door = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform == "linux":  # each connection inherits it
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN_MS)
    door.bind(address)
    door.listen(BACKLOG)
    door.set_inheritable(True)
    return door


async def _announce(address: tuple[str, int], ready: asyncio.Event) -> None:
    """Ask for a page; the door queues the question until a web process answers it."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    await reader.readline()
    writer.close()
    ready.set()
