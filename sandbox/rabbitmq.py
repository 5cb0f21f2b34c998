"""A private RabbitMQ node with an epmd of its own."""

import os
import shutil
import subprocess
from pathlib import Path

from sandbox import children
from sandbox.children import LOOPBACK

SECONDS_TO_START = 90  # it takes 3 on an idle machine, 11 on a busy one
SECONDS_TO_STOP = 30
DEFAULT_WATERMARK = "0.4"  # of the machine's memory


class RabbitMQ:
    """One RabbitMQ node, with an epmd of its own."""

    def __init__(self, directory: Path) -> None:
        # /usr/sbin has a wrapper that insists on the user rabbitmq; the script behind it does not.
        search = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
        self.program = children.find_program(search, "rabbitmq-server")
        search = ("/usr/lib/rabbitmq/bin/rabbitmqctl", "rabbitmqctl")
        self.control_program = children.find_program(search, "rabbitmq-server")
        self.epmd_program = children.find_program(("epmd",), "rabbitmq-server")
        self.directory = directory
        self.port, self.node_port, self.epmd_port = (children.free_port() for _ in range(3))
        self.url = f"amqp://guest:guest@{LOOPBACK}:{self.port}/"
        self.env: dict[str, str] = {}  # given to it when it starts, besides our own
        self.child: subprocess.Popen[bytes] | None = None
        self.epmd: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Start without waiting."""
        for name in ("home", "mnesia", "logs", "schema", "generated"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "plugins").write_text("[].\n")
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {LOOPBACK}:{self.port}\ndisk_free_limit.absolute = 50MB\n"
        )
        if not self.epmd or self.epmd.poll() is not None:
            # In the foreground and first: otherwise Erlang leaves a daemon of its own behind.
            argv = [self.epmd_program, "-port", str(self.epmd_port), "-address", LOOPBACK]
            self.epmd = children.spawn(argv, self.directory / "epmd.log")
            children.await_ready(self.epmd, self.names_nodes, self.directory / "epmd.log", SECONDS_TO_START)
        self.child = children.spawn([self.program], self.directory / "log", self.environment() | self.env)

    def await_ready(self) -> None:
        """Wait until it answers."""
        if self.child:
            children.await_ready(self.child, self.answers, self.directory / "log", SECONDS_TO_START)

    def stop(self) -> None:
        """End it in order."""
        if self.child:
            children.stop(self.child, SECONDS_TO_STOP)
            self.child = None
        self.stop_epmd()

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self.child:
            children.kill(self.child)
            self.child = None
        self.stop_epmd()  # it would remember the dead node's name for a while

    def stop_epmd(self) -> None:
        """End the name server."""
        if self.epmd:
            children.kill(self.epmd)
            self.epmd = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return children.is_running(self.child)

    def pause(self) -> None:
        """Let it stand still, its connections open."""
        if self.child:
            children.pause(self.child)

    def resume(self) -> None:
        """Let it go on."""
        if self.child:
            children.resume(self.child)

    def restart(self) -> None:
        """End it if it runs, and start it on the same port and files."""
        self.stop()
        self.start()

    def alarm(self) -> None:
        """Let it have no memory left: it takes one more message of a connection, then reads no more of it."""
        self.control("set_vm_memory_high_watermark", "0")

    def clear_alarm(self) -> None:
        """Let it have memory again."""
        self.control("set_vm_memory_high_watermark", DEFAULT_WATERMARK)

    def control(self, *command: str) -> None:
        """Tell the running node something."""
        done = subprocess.run(  # noqa: S603 - our own argument list
            [self.control_program, "--quiet", *command],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise children.ServerFailed(f"rabbitmqctl {command[0]} failed:\n{done.stdout}{done.stderr}")

    def wipe(self) -> None:
        """Kill it and lose its disk."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """Everything under our directory and on the loopback, nothing of the machine's own RabbitMQ."""
        here = self.directory
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))
        }
        return kept | {
            "HOME": str(here / "home"),
            "RUNNING_UNDER_SYSTEMD": "1",  # the script becomes the server, so that our signals reach it
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_NODENAME": "madang@localhost",
            "RABBITMQ_DIST_PORT": str(self.node_port),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(here / "none"),
            "RABBITMQ_MNESIA_BASE": str(here / "mnesia"),
            "RABBITMQ_LOG_BASE": str(here / "logs"),
            "RABBITMQ_SCHEMA_DIR": str(here / "schema"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(here / "generated"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "plugins"),
            "RABBITMQ_PID_FILE": str(here / "pid"),
            # The node's own port on the loopback, and no busy waiting: a test machine has few cores.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}"
            " +sbwt none +sbwtdcpu none +sbwtdio none",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
        }

    def names_nodes(self) -> bool:
        """Whether epmd listens."""
        return children.listens(self.epmd_port)

    def answers(self) -> bool:
        """Whether it opens an AMQP conversation."""
        return children.greeting(self.port, b"AMQP\x00\x00\x09\x01") != b""
