"""Load from wrk: as many requests as the connections can carry, every answer's status looked at."""

import asyncio
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.machine import REST, pin
from sandbox.children import bound

SCRIPT = Path(__file__).with_name("load.lua")
PATIENCE_SECONDS = 10
RESULT = re.compile(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+) ([\d.]+)\n(.*)", re.DOTALL)
MISSING = "wrk is not installed: on Debian, apt-get install wrk."
SECOND_US, MS_US = 1e6, 1e3


class WrongAnswerError(Exception):
    """A request was not answered as it should be: what was measured is worth nothing."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What one slice of load came to. Latencies in ms."""

    count: int
    seconds: float
    size: int
    p50: float
    p99: float


def find_wrk() -> str | None:
    """Return the program, or None."""
    return shutil.which("wrk")


async def send(
    url: str, requests: Sequence[bytes], connections: int, seconds: float, right: Sequence[int]
) -> Answers:
    """Send the requests in turn for some seconds. Raises WrongAnswerError."""
    with tempfile.NamedTemporaryFile(suffix=".requests") as file:
        file.write(b"".join(b"%08x%s" % (len(one), one) for one in requests))
        file.flush()
        told = await asyncio.to_thread(_run, url, file.name, connections, seconds, right)
    found = RESULT.search(told)
    if found is None:
        raise WrongAnswerError(told[-600:])
    count, us, size, wrong, silent = map(int, found.groups()[:5])
    if wrong or silent or not count:
        raise WrongAnswerError(f"{wrong} wrong answers, {silent} none, of {count}: {found[9]}")
    return Answers(count, us / SECOND_US, size // count, float(found[6]) / MS_US, float(found[7]) / MS_US)


def _run(url: str, file: str, connections: int, seconds: float, right: Sequence[int]) -> str:
    options = ["-t1", f"-c{connections}", f"-d{seconds:.0f}s", f"--timeout={PATIENCE_SECONDS}s"]
    words = [str(find_wrk()), *options, f"-s{SCRIPT}", url, "--", file, *map(str, right)]
    with subprocess.Popen(  # noqa: S603 - our own list
        bound(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as child:
        pin(child.pid, REST)
        return child.communicate()[0]
