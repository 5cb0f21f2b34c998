"""A disk can be slow and full, and a clock wrong, for one program while it runs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from app.core.errors import RedisUnavailableError
from app.infra.redis import Redis
from sandbox import children
from sandbox.mariadb import MariaDB
from sandbox.servers import Redis as RedisServer
from tests.clocks import ShiftedClock
from tests.slowdisk import SlowDisk

SLOW = 0.3
ASKED_FOR_THE_TIME = "import sys, time\nfor _ in sys.stdin: print(time.time(), time.monotonic(), flush=True)"
TABLE_IS_FULL = 1114


@pytest.fixture
def disk(tmp_path: Path) -> SlowDisk:
    return SlowDisk(tmp_path)


@pytest.fixture
def clock(tmp_path: Path) -> ShiftedClock:
    return ShiftedClock(tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    yield server
    server.kill()


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[MariaDB]:
    mariadb = MariaDB(tmp_path / "mariadb")
    yield mariadb
    mariadb.kill()


async def ask(server: RedisServer, *words: str) -> object:
    redis = Redis(server.url)
    try:
        return await redis.command(*words)
    finally:
        await redis.close()


async def test_redis_answers_a_write_only_after_its_slow_fsync(disk: SlowDisk, server: RedisServer) -> None:
    server.start()
    disk.put_under(server)
    disk.fsync_takes(SLOW)
    started = time.monotonic()
    await ask(server, "SET", "cart", "1")
    assert time.monotonic() - started >= SLOW
    disk.heal()
    started = time.monotonic()
    await ask(server, "SET", "cart", "2")
    assert time.monotonic() - started < SLOW


async def test_redis_ends_when_its_disk_is_full_and_has_everything_when_there_is_space(
    disk: SlowDisk, server: RedisServer
) -> None:
    server.start()
    disk.put_under(server)
    await ask(server, "SET", "cart", "1")
    disk.fill()
    assert await ask(server, "GET", "cart") == "1"
    with pytest.raises(RedisUnavailableError):
        await ask(server, "SET", "cart", "2")
    disk.heal()
    server.restart()
    assert await ask(server, "GET", "cart") == "1"


def write_until_refused(cursor: Any) -> tuple[int, int]:
    """Write pages 2, 3 and so on; return the first that is refused, and the number of the reason."""
    for page in range(2, 1000):
        try:
            cursor.execute("INSERT INTO pages VALUES (%s, REPEAT('x', 3000))", (page,))
        except pymysql.MySQLError as refusal:
            return page, refusal.args[0]
    raise AssertionError("There was space for everything.")


def test_mariadb_commits_slowly_and_says_when_its_disk_is_full(disk: SlowDisk, mariadb: MariaDB) -> None:
    mariadb.env.update(disk.environment())
    mariadb.start()
    connection = pymysql.connect(
        host=children.LOOPBACK,
        port=mariadb.port,
        user="madang",
        password="madang",
        database="madang",
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE pages (page INTEGER PRIMARY KEY, content VARCHAR(3000))")
        disk.fsync_takes(SLOW)
        started = time.monotonic()
        cursor.execute("INSERT INTO pages VALUES (1, 'x')")
        assert time.monotonic() - started >= SLOW
        disk.fill(".ibd")
        page, refusal = write_until_refused(cursor)
        assert refusal == TABLE_IS_FULL
        disk.heal()
        cursor.execute("INSERT INTO pages VALUES (%s, 'y')", (page,))
        cursor.execute("SELECT COUNT(*) FROM pages")
        assert cursor.fetchone() == (page,)


def test_the_clock_of_a_running_program_is_shifted_and_its_time_outs_are_not(clock: ShiftedClock) -> None:
    argv = [sys.executable, "-c", ASKED_FOR_THE_TIME]
    env = os.environ | clock.environment()
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True) as program:
        assert program.stdin
        assert program.stdout
        for shift in (0, 3600, -3600, 0):
            clock.shift(shift)
            program.stdin.write("\n")
            program.stdin.flush()
            seen, monotonic = map(float, program.stdout.readline().split())
            assert seen - time.time() == pytest.approx(shift, abs=2)
            assert monotonic - time.monotonic() == pytest.approx(0, abs=2)


async def test_the_clock_of_a_running_redis_is_shifted(
    clock: ShiftedClock, disk: SlowDisk, server: RedisServer
) -> None:
    server.start()
    disk.put_under(server)
    clock.put_under(server)
    for shift in (0, 3600, -3600):
        clock.shift(shift)
        seen = await ask(server, "TIME")
        assert isinstance(seen, tuple)
        assert int(seen[0]) - time.time() == pytest.approx(shift, abs=2)
    disk.fsync_takes(SLOW)
    started = time.monotonic()
    await ask(server, "SET", "cart", "1")
    assert time.monotonic() - started >= SLOW


def test_a_missing_compiler_is_named_by_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name, **_: None)
    with pytest.raises(children.MissingProgram, match=r"apt-get install gcc libc6-dev\.$"):
        SlowDisk(tmp_path)
