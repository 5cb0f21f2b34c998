"""The machine measured on: what it is, whether it is busy, and which core is whose."""

import os
import platform
import subprocess
import sys
from pathlib import Path

KILO = 1024
SERVER, REST = 0, 1  # the web process has a core to itself; the load and every other server share the second


def describe() -> dict[str, object]:
    """Return what a figure must be read with."""
    return {
        "cpu": _find("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory_mb": int(_find("/proc/meminfo", "MemTotal").split()[0]) // KILO,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "commit": _commit(),
        "pinned": is_pinned(),
    }


def warn_if_busy() -> None:
    """Say so when others use the machine: absolute figures are then worth little."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores:
        print(
            f"This machine is busy (load {load:.1f} on {cores} cores): "
            "believe CPU-ms and ratios, not requests/s."
        )


def is_pinned() -> bool:
    """Whether there are cores enough to give the web process one of its own."""
    return len(os.sched_getaffinity(1)) > REST


def pin(pid: int, core: int) -> None:
    """Keep a process, and whatever it starts from now on, on one core."""
    if is_pinned():
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def _find(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "0")


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - our own list
    return told.stdout.strip() or "unknown"


def complain(sentence: str) -> int:
    """Say in one sentence why nothing was measured; return the exit code."""
    print(sentence, file=sys.stderr)
    return 1
