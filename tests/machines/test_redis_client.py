"""How `app.infra.redis` behaves when Redis is silent, away or restarted: nobody waits for long."""

import asyncio
import hashlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import pytest_asyncio

from app.core.errors import RedisLostError, RedisTypeError, RedisUnavailableError
from app.infra.redis import BREAKER_SECONDS, CONNECTIONS, TIMEOUT_SECONDS, Redis, Script
from sandbox.servers import Redis as RealRedis
from tests.stack import EmbeddedRedis, Machine

MACHINES: dict[str, Callable[[Path], Machine]] = {"embedded": EmbeddedRedis, "real": RealRedis}
SCRIPT = Script("x", "return 1", "0" * 40)
SLACK = 0.35  # seconds two busy cores may add
BACK_WITHIN = 2.0


@pytest.fixture(params=MACHINES, ids=list(MACHINES))
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    server = MACHINES[request.param](tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest_asyncio.fixture
async def redis(machine: Machine) -> AsyncIterator[Redis]:
    redis = Redis(machine.url)
    await redis.ping()
    yield redis
    await redis.close()


def now() -> float:
    return asyncio.get_running_loop().time()


async def pid_of(redis: Redis) -> int:
    return int((await redis.command("INFO", "server"))["process_id"])


@contextmanager
def silenced(pid: int) -> Iterator[None]:
    """Its connections stay open, and nobody answers on them."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def refused_after(redis: Redis) -> float:
    began = now()
    with pytest.raises(RedisUnavailableError):
        await redis.command("GET", "x")
    return now() - began


async def until_it_answers(redis: Redis) -> float:
    """Ask as shoppers do, again and again; return for how long that went wrong."""
    began = now()
    while True:
        with suppress(RedisUnavailableError):
            await redis.ping()
            return now() - began
        await asyncio.sleep(0.02)


async def test_a_silent_redis_costs_three_callers_half_a_second_and_the_others_nothing(redis: Redis) -> None:
    pid = await pid_of(redis)
    with silenced(pid):
        for _ in range(3):
            assert await refused_after(redis) < TIMEOUT_SECONDS + SLACK
        waits = [await refused_after(redis) for _ in range(50)]
        # Each would wait for half a second; one of them may, as the probe, where the machine is slow.
        assert sorted(waits)[-2] < TIMEOUT_SECONDS, "nobody is asked while the breaker is open"


async def test_nobody_waits_in_line_behind_those_who_wait(redis: Redis) -> None:
    pid = await pid_of(redis)
    with silenced(pid):
        waits = await asyncio.gather(*(refused_after(redis) for _ in range(CONNECTIONS * 8)))
        assert max(waits) < TIMEOUT_SECONDS * 4  # in line, the last would wait eight times as long
    assert await until_it_answers(redis) < BACK_WITHIN


async def test_while_it_is_silent_one_at_a_time_finds_out(redis: Redis) -> None:
    pid = await pid_of(redis)
    with silenced(pid):
        await asyncio.gather(*(refused_after(redis) for _ in range(10)))
        began, slow = now(), 0
        while now() - began < 3.2:
            waits = await asyncio.gather(*(refused_after(redis) for _ in range(5)))
            slow += sum(wait > 0.1 for wait in waits)
            await asyncio.sleep(0.02)
        assert 1 <= slow <= 3
    assert await until_it_answers(redis) < BACK_WITHIN


async def test_a_caller_who_leaves_does_not_keep_the_others_from_asking(redis: Redis) -> None:
    pid = await pid_of(redis)
    with silenced(pid):
        await asyncio.gather(*(refused_after(redis) for _ in range(3)))
        await asyncio.sleep(1.05)
        probe = asyncio.create_task(redis.ping())
        await asyncio.sleep(0.05)
        probe.cancel()
        with suppress(asyncio.CancelledError):
            await probe
    assert await until_it_answers(redis) < BREAKER_SECONDS


async def test_a_redis_that_was_killed_and_is_back_is_found_at_once(machine: Machine, redis: Redis) -> None:
    await asyncio.gather(*(redis.command("SET", f"x{number}", 1) for number in range(20)))
    machine.kill()
    for _ in range(2):
        failures = await asyncio.gather(
            *(redis.command("GET", "x1") for _ in range(40)), return_exceptions=True
        )
        assert all(isinstance(failure, RedisUnavailableError) for failure in failures)
    assert not any(isinstance(failure, RedisLostError) for failure in failures), "nothing was sent"
    machine.restart()
    assert await until_it_answers(redis) < BACK_WITHIN
    assert await redis.command("GET", "x1") == "1"


async def test_a_connection_broken_under_a_question_is_told_apart(machine: Machine, redis: Redis) -> None:
    """It may have been done: only what may be done twice is asked again."""
    waiting = [asyncio.create_task(redis.command("BLPOP", "nothing", 10)) for _ in range(5)]
    await asyncio.sleep(0.1)
    machine.kill()
    for failure in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(failure, RedisLostError)
    machine.restart()
    await redis.ping()  # five broken connections are no reason not to ask


async def test_another_type_at_the_key_is_named(redis: Redis) -> None:
    await redis.command("SET", "text", "x")
    for _ in range(5):
        with pytest.raises(RedisTypeError):
            await redis.command("HGET", "text", "field")
    await redis.ping()


async def test_bytes_that_are_no_text_do_not_break_the_reader(redis: Redis) -> None:
    await redis.command("EVAL", "redis.call('SET', KEYS[1], '\\255\\254')", 1, "x")
    assert await redis.command("GET", "x") == "\ufffd\ufffd"
    assert await redis.command("GET", "y") is None


@pytest.mark.parametrize(
    "said",
    [
        "OOM command not allowed when used memory > 'maxmemory'.",
        "MISCONF Errors writing to the AOF file: No space left on device",
        "READONLY You can't write against a read only replica.",
        "LOADING Redis is loading the dataset in memory",
        "BUSY Redis is busy running a script.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "CLUSTERDOWN The cluster is down",
        "NOAUTH Authentication required.",
    ],
)
async def test_a_refusal_is_named_and_nothing_is_asked_twice(said: str) -> None:
    """It was not done, for sure, and somebody answered: no reason to ask again, nor to stop asking."""
    asked = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while await reader.read(65_536):
            asked += 1
            writer.write(f"-{said}\r\n".encode())
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    redis = Redis(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    for number in range(1, 6):
        with pytest.raises(RedisUnavailableError) as refused:
            await redis.run(SCRIPT, ["x"])
        assert not isinstance(refused.value, RedisLostError)
        assert asked == number
    await redis.close()
    server.close()
    await server.wait_closed()


async def test_what_was_sent_is_not_sent_again_when_its_answer_is_lost() -> None:
    """It may have been done: an edit would count twice, an attempt to log in would count for ten."""
    asked = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        if await reader.read(65_536):
            asked += 1
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    redis = Redis(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    with pytest.raises(RedisLostError):
        await redis.command("INCR", "x")
    assert asked == 1
    await redis.close()
    server.close()
    await server.wait_closed()


# What a script answers comes over a wire that all scripts share.

ECHO = Script("echo", "return ARGV[1]", hashlib.sha1(b"return ARGV[1]", usedforsecurity=False).hexdigest())


async def echo(redis: Redis, word: str) -> str:
    return str(await redis.run(ECHO, [], [word]))


async def test_everybody_gets_their_own_answer_however_many_ask_at_once(redis: Redis) -> None:
    await echo(redis, "known from now on")
    words = [f"말 {number} {'x' * (number % 7 * 1000)}" for number in range(200)]
    assert await asyncio.gather(*(echo(redis, word) for word in words)) == words


async def test_an_answer_that_comes_too_late_is_nobody_elses(redis: Redis) -> None:
    pid = await pid_of(redis)
    assert await echo(redis, "first") == "first"
    with silenced(pid):
        with pytest.raises(RedisUnavailableError):
            await echo(redis, "late")
        left = asyncio.create_task(echo(redis, "left"))
        await asyncio.sleep(0.05)
        left.cancel()
        with suppress(asyncio.CancelledError):
            await left
    assert await asyncio.gather(*(echo(redis, word) for word in "abc")) == ["a", "b", "c"]


async def test_an_answer_that_came_while_this_process_was_busy_counts(redis: Redis) -> None:
    pid = await pid_of(redis)
    await echo(redis, "known from now on")
    with silenced(pid):
        asked = asyncio.create_task(echo(redis, "word"))
        for _ in range(3):  # until it has left
            await asyncio.sleep(0)
    time.sleep(TIMEOUT_SECONDS + 0.1)  # noqa: ASYNC251 - as a loop with a hundred other shoppers would
    assert await asked == "word"


async def test_a_script_is_not_waited_for_longer_than_anything_else(redis: Redis) -> None:
    pid = await pid_of(redis)
    await echo(redis, "x")
    with silenced(pid):
        began = now()
        for failure in await asyncio.gather(*(echo(redis, "x") for _ in range(100)), return_exceptions=True):
            assert isinstance(failure, RedisUnavailableError)
        assert now() - began < TIMEOUT_SECONDS + SLACK
    began = now()
    while now() - began < BACK_WITHIN:
        with suppress(RedisUnavailableError):
            assert await echo(redis, "again") == "again"
            return
        await asyncio.sleep(0.02)
    pytest.fail("it is not asked again")


async def test_a_wire_that_breaks_under_questions_is_told_apart_and_made_anew(
    machine: Machine, redis: Redis
) -> None:
    await echo(redis, "x")
    pid = await pid_of(redis)
    os.kill(pid, signal.SIGSTOP)
    waiting = [asyncio.create_task(echo(redis, "x")) for _ in range(5)]
    await asyncio.sleep(0.1)
    machine.kill()
    for failure in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(failure, RedisLostError)
    machine.restart()
    await until_it_answers(redis)
    assert await echo(redis, "anew") == "anew"


async def test_what_is_no_answer_of_redis_ends_the_wire() -> None:
    """Half of an answer could be taken for another's."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(65_536):
            writer.write(b"!what\r\n")
        await reader.read(65_536)
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    redis = Redis(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    for failure in await asyncio.gather(*(echo(redis, "x") for _ in range(3)), return_exceptions=True):
        assert isinstance(failure, RedisUnavailableError)
    await redis.close()
    server.close()
    await server.wait_closed()
