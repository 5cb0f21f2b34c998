"""What each kind of process costs: CPU time to the nanosecond, and memory, as /proc has them."""

import asyncio
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

KINDS = {
    "web": "\0-m\0app\0web",
    "task": "\0-m\0tasks",
    "redis": "redis-server",
    "rabbitmq": "beam.smp",
    "database": "mariadbd",
    "hello": "\0-m\0bench.hello",
}
MS, NANO = 1e6, 1e9
KILO = 1024
QUIET_SHARE, QUIET_SECONDS, MOST_POLLS = 0.15, 0.2, 60


@dataclass(frozen=True, slots=True)
class Cast:
    """The processes under this one, by kind."""

    pids: dict[str, list[int]]

    def cpu_ms(self) -> dict[str, float]:
        """Return the CPU time each kind has used so far."""
        return {kind: sum(map(_cpu_ns, pids)) / MS for kind, pids in self.pids.items()}

    def memory_mb(self) -> dict[str, float]:
        """Return the resident memory of one process of each kind."""
        return {kind: sum(map(_rss_kb, pids)) / KILO / len(pids) for kind, pids in self.pids.items() if pids}

    async def fall_quiet(self) -> float:
        """Wait until what was begun is done behind the web too; return how many seconds that took."""
        waited = 0.0
        for _ in range(MOST_POLLS):
            before = self.cpu_ms()
            await asyncio.sleep(QUIET_SECONDS)
            after = self.cpu_ms()
            used = max(after[kind] - before[kind] for kind in ("web", "task", "database"))
            if used < QUIET_SECONDS * 1000 * QUIET_SHARE:
                break
            waited += QUIET_SECONDS
        return waited


def find_cast() -> Cast:
    """Return who is there now."""
    pids: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for pid in _below(os.getpid()):
        with suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_text()
            for kind, mark in KINDS.items():
                if mark in command and "prctl" not in command:
                    pids[kind].append(pid)
    return Cast(pids)


def _below(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_below(child)]
    return found


def _cpu_ns(pid: int) -> int:
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            total += int((thread / "schedstat").read_text().split()[0])
    return total


def _rss_kb(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0
