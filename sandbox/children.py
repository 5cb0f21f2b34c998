"""Child servers that die with their parent: spawned, awaited, ended."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

# Run by a bare interpreter that then becomes the server. A preexec_fn would do the same, but forking a
# process that has threads is deprecated since 3.12. 1 is PR_SET_PDEATHSIG, 9 is SIGKILL; a parent that died
# before prctl is seen by getppid.
SHIM = """
import os, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""

# Below the ports the kernel hands to outgoing connections: a server that is down for a moment must not find
# its port taken by a client, least of all by one that retries this very port and so connects to itself.
PORTS = range(20_000, 30_000)

LOOPBACK = "127.0.0.1"
SYSTEM_PATH = ":/usr/local/sbin:/usr/sbin:/sbin:/usr/lib/rabbitmq/bin"


class MissingProgram(RuntimeError):  # noqa: N818 - it reads as a sentence: "a program is missing"
    """A server is not installed; the message names the package."""


class ServerFailed(RuntimeError):  # noqa: N818 - as above
    """A server did not come up; the message ends with its last words."""


def find_program(names: Sequence[str], package: str) -> str:
    """Return the first of the programs that is installed, or say which Debian package has it."""
    search = os.environ.get("PATH", os.defpath) + SYSTEM_PATH
    for name in names:
        if path := shutil.which(name, path=search):
            return path
    raise MissingProgram(f"{names[0]} is not installed: on Debian, apt-get install {package}.")


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    while True:
        port = random.choice(PORTS)  # noqa: S311 - not a secret
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        return port


def spawn(
    argv: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None, hold: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a server in its own process group (Ctrl-C is its parent's business), logging to a file."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(
            "Start servers from the main thread: Linux ends them when the starting thread ends."
        )
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own argument list, no shell
            bound(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=env,
            pass_fds=hold,
            process_group=0,
        )


def bound(argv: Sequence[str | Path]) -> list[str]:
    """Return the command that becomes the given one (its program as an absolute path) and dies with us."""
    return [sys.executable, "-I", "-S", "-c", SHIM, str(os.getpid()), *map(str, argv)]


def await_ready(child: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path, seconds: float) -> None:
    """Ask until the server answers; fail with its last words if it ends or stays silent."""
    deadline = time.monotonic() + seconds
    while not ready():
        try:
            child.wait(0.01)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
            kill(child)
        last_words = log.read_text(errors="replace")[-1500:] if log.exists() else ""
        raise ServerFailed(f"A server did not start; {log} ends with:\n{last_words}")


def listens(port: int) -> bool:
    """Whether something takes connections on a loopback port."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def greeting(port: int, hello: bytes = b"") -> bytes:
    """Return the first bytes a server says to a caller; nothing when it is not there."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=2) as probe:
        probe.sendall(hello)
        return probe.recv(7)
    return b""


def stop(child: subprocess.Popen[bytes], seconds: float) -> None:
    """Ask the server to end, even a paused one; insist after a while."""
    child.send_signal(signal.SIGTERM)
    child.send_signal(signal.SIGCONT)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        kill(child)


def pause(child: subprocess.Popen[bytes]) -> None:
    """Let the server and all it started stand still, its connections open."""
    os.killpg(child.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)  # it may need a moment to stop


def is_running(child: subprocess.Popen[bytes] | None) -> bool:
    """Whether it was started and has not ended."""
    return child is not None and child.poll() is None


def resume(child: subprocess.Popen[bytes]) -> None:
    """Let it go on."""
    os.killpg(child.pid, signal.SIGCONT)


def kill(child: subprocess.Popen[bytes]) -> None:
    """End the server at once, as kill -9 does."""
    child.kill()
    child.wait()
