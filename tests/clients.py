"""Who is at the other end of a connection on this machine, and whether it still lives."""

import os
import signal
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

SIGKILL_BIT = 1 << (signal.SIGKILL - 1)


def pids_behind(port: int, peer_port: int, among: Collection[int] | None = None) -> set[int]:
    """Return the processes that hold the loopback socket between two ports, its own one first."""
    inode = inode_of(port, peer_port)
    return {pid for pid in (all_pids() if among is None else among) if inode and holds(pid, inode)}


def inode_of(port: int, peer_port: int) -> str:
    """Return the number the kernel has given to a socket; nothing when it is closed."""
    ends = [f"0100007F:{port:04X}", f"0100007F:{peer_port:04X}"]  # 127.0.0.1 as the kernel writes it
    for line in Path("/proc/net/tcp").read_text().splitlines():
        columns = line.split()
        if columns[1:3] == ends and columns[9] != "0":
            return columns[9]
    return ""


def holds(pid: int, inode: str) -> bool:
    """Whether a process has this socket open."""
    with suppress(OSError):  # it ended while we looked
        for number in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - a Path for each is ten times slower
            with suppress(OSError):
                if os.readlink(f"/proc/{pid}/fd/{number}") == f"socket:[{inode}]":  # noqa: PTH115 - as above
                    return True
    return False


def all_pids() -> Iterable[int]:
    """Return every process there is."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def is_killed(pid: int) -> bool:
    """Whether a process is dead, or has only not noticed yet that it was killed."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return fields["State"][0] in "ZX" or bool(int(fields["ShdPnd"], 16) & SIGKILL_BIT)
