"""What the shop counts on from Redis, asked of the embedded Valkey and of a real Redis alike."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from sandbox.servers import Redis as RealRedis
from sandbox.valkey import AlreadyRunning, Valkey
from tests.stack import ROOT, EmbeddedRedis, Machine

MACHINES: dict[str, Callable[[Path], Machine]] = {"embedded": EmbeddedRedis, "real": RealRedis}


@pytest.fixture(params=MACHINES, ids=list(MACHINES))
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A server of this test's own: these tests kill it."""
    server = MACHINES[request.param](tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def client_of(machine: Machine) -> AsyncIterator[Redis]:
    async with Redis.from_url(machine.url, decode_responses=True, retry=Retry(NoBackoff(), 0)) as client:
        yield client


async def test_a_script_is_one_step_and_sees_clock_and_run_id(machine: Machine) -> None:
    script = """
    local time = redis.call('TIME')
    local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
    redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', time[1] * 1000000 + time[2]))
    return {run_id, redis.call('HGETALL', KEYS[1]), cjson.encode({line = ARGV[1]})}
    """
    async with client_of(machine) as client:
        run_id, line, encoded = await client.eval(script, 1, "{b}cart:1", "마당")
        assert run_id == (await client.info("server"))["run_id"]
        assert line[0] == "마당"
        assert len(line[1]) == 16  # microseconds, exact in a double
        assert json.loads(encoded) == {"line": "마당"}


async def test_run_id_changes_and_scripts_are_forgotten_at_every_start(machine: Machine) -> None:
    async with client_of(machine) as client:
        before = (await client.info("server"))["run_id"]
        digest = await client.script_load("return 'ok'")
        assert await client.evalsha(digest, 0) == "ok"
        machine.kill()
        machine.restart()
        with suppress(RedisError):
            await client.ping()  # finds out that the old connection is gone
        assert (await client.info("server"))["run_id"] != before
        with pytest.raises(NoScriptError):
            await client.evalsha(digest, 0)


async def test_it_keeps_everything_it_answered_when_killed(machine: Machine) -> None:
    answered: list[str] = []
    enough = asyncio.Event()

    async def write(writer: int) -> None:
        async with client_of(machine) as client:
            with suppress(RedisError):
                for number in range(100_000):
                    await client.set(f"{writer}:{number}", number)
                    answered.append(f"{writer}:{number}")
                    if len(answered) >= 500:
                        enough.set()

    writers = [asyncio.create_task(write(writer)) for writer in range(8)]
    await enough.wait()
    machine.kill()
    await asyncio.gather(*writers)
    machine.restart()
    async with client_of(machine) as client:
        kept = await client.mget(answered)
    assert [key for key, value in zip(answered, kept, strict=True) if value != key.partition(":")[2]] == []


async def test_a_torn_last_write_does_not_keep_it_from_starting(machine: Machine, tmp_path: Path) -> None:
    async with client_of(machine) as client:
        await client.set("whole", 1)
        await client.set("torn", 1)
    machine.kill()
    newest = max((tmp_path / "redis" / "appendonlydir").glob("*.incr.aof"))
    os.truncate(newest, newest.stat().st_size - 3)
    machine.restart()
    async with client_of(machine) as client:
        assert await client.mget("whole", "torn") == ["1", None]


async def test_it_is_set_up_to_lose_nothing(machine: Machine) -> None:
    wanted = {
        "appendonly": "yes",
        "appendfsync": "always",
        "aof-load-truncated": "yes",
        "maxmemory-policy": "noeviction",
        "save": "",
    }
    async with client_of(machine) as client:
        assert await client.config_get(*wanted) == wanted


def test_a_second_server_in_the_same_directory_is_refused(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.valkey.SECONDS_FOR_THE_OLD_ONE_TO_DIE", 0.1)
    with pytest.raises(AlreadyRunning, match="stop it first"):
        Valkey().start(tmp_path / "redis")


def test_it_dies_with_its_parent_and_starts_again_over_the_stale_socket(tmp_path: Path) -> None:
    code = (
        "import sys, time; from sandbox.valkey import Valkey; print(Valkey().start(sys.argv[1]), flush=True)"
    )
    argv = [sys.executable, "-c", f"{code}; time.sleep(600)", str(tmp_path)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        url = parent.stdout.readline().strip()
        parent.send_signal(signal.SIGKILL)
    server = Valkey()
    assert server.start(tmp_path) == url  # starting proves that the first one let go of the directory
    socket_path = server.socket_path
    assert socket_path.parent.stat().st_mode & 0o777 == 0o700
    server.stop()
    assert not socket_path.parent.exists()
