"""Private real MariaDB, Redis and RabbitMQ on free loopback ports, with the durability a shop needs."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from sandbox import children
from sandbox.mariadb import MariaDB
from sandbox.rabbitmq import RabbitMQ
from sandbox.valkey import SERVERS as REDIS_SERVERS
from sandbox.valkey import Valkey


class Servers:
    """The three of them under one directory."""

    def __init__(self, directory: str | Path) -> None:
        here = Path(directory).resolve()
        self.mariadb = MariaDB(here / "mariadb")
        self.redis = Redis(here / "redis")
        self.rabbitmq = RabbitMQ(here / "rabbitmq")

    def start(self) -> Self:
        """Start all, the slow ones beside each other."""
        try:
            self.rabbitmq.launch()
            self.mariadb.launch()
            self.redis.start()
            self.mariadb.await_ready()
            self.rabbitmq.await_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """End all in order, beside each other."""
        for child in (self.mariadb.child, self.rabbitmq.child):
            if child:
                child.send_signal(signal.SIGTERM)
        for machine in (self.redis, self.mariadb, self.rabbitmq):
            machine.stop()

    def kill(self) -> None:
        """End all as kill -9 does."""
        for machine in (self.redis, self.mariadb, self.rabbitmq):
            machine.kill()

    def wipe(self) -> None:
        """Kill all and lose their disks."""
        for machine in (self.redis, self.mariadb, self.rabbitmq):
            machine.wipe()

    def environment(self) -> dict[str, str]:
        """The addresses, as the settings that carry them."""
        return {
            "DATABASE_URL": self.mariadb.url,
            "REDIS_URL": self.redis.url,
            "AMQP_URL": self.rabbitmq.url,
        }


class Redis:
    """One Redis (or Valkey) on a TCP port, with the flags of the embedded one."""

    def __init__(self, directory: Path) -> None:
        program = children.find_program(REDIS_SERVERS[::-1], "redis-server")
        self.directory = directory
        self.server = Valkey(program, children.free_port())
        self.url = self.server.url
        self.env = self.server.env

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.server.start(self.directory)

    def stop(self) -> None:
        """End it in order."""
        self.server.stop()

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.server.kill()

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.server.is_running

    def pause(self) -> None:
        """Let it stand still, its connections open."""
        self.server.pause()

    def resume(self) -> None:
        """Let it go on."""
        self.server.resume()

    def restart(self) -> None:
        """End it if it runs, and start it on the same port and files."""
        self.server.restart()

    def wipe(self) -> None:
        """Kill it and lose its disk."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def main(directory: str, *command: str) -> int:
    """Run a command with the three servers behind its DATABASE_URL, REDIS_URL and AMQP_URL."""
    try:
        servers = Servers(directory).start()
    except (children.MissingProgram, children.ServerFailed) as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1
    try:
        child = subprocess.Popen(children.bound(command), env=os.environ | servers.environment())  # noqa: S603 - our caller's own command
        # Ctrl-C reaches the child by itself; what is sent to us alone we pass on.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        return child.wait()
    finally:
        servers.stop()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
