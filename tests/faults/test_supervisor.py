"""The one container, on stand-ins it starts by itself: what dies comes back, and it ends in order."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from app.core.clock import Clock
from app.infra.db import Database
from app.machines import build_machines
from app.models import carts
from app.settings import Settings
from sandbox import children
from sandbox.valkey import Valkey
from tests.goods import mug
from tests.processes import MARKS, Buyer, children_of
from tests.shop import eventually
from tests.stack import ROOT

ADDRESSES = ("DATABASE_URL", "REDIS_URL", "AMQP_URL", "TOSS_SECRET_KEY")
SECONDS_TO_START = 90.0  # 3 on an idle machine


@asynccontextmanager
async def alone(
    folder: Path, path: str = "/readyz", **settings: str
) -> AsyncIterator[tuple[subprocess.Popen[bytes], Buyer]]:
    """``python -m app serve`` with no address set, and somebody at its door once ``path`` is well."""
    bind = f"{children.LOOPBACK}:{children.free_port()}"
    env = {name: value for name, value in os.environ.items() if name not in ADDRESSES}
    env |= {"BIND": bind, "DATA_DIR": str(folder / "data"), "LOG_LEVEL": "WARNING"} | settings
    with (folder / "log").open("ab") as log:
        process = await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, "-m", "app", "serve"],
            env=env,
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    async with httpx.AsyncClient(
        base_url=f"http://{bind}", timeout=SECONDS_TO_START, trust_env=False
    ) as http:
        await eventually(lambda: is_well(http, path), SECONDS_TO_START)
        try:
            yield process, Buyer(http)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


async def is_well(http: httpx.AsyncClient, path: str) -> bool:
    try:
        return (await http.get(path)).status_code == 200
    except httpx.TransportError:
        return False


async def put_a_mug_on_the_shelf(folder: Path) -> int:
    m = build_machines(Settings(data_dir=str(folder / "data")))
    product_id = await mug(m)
    await m.close()
    return product_id


def descendants(pid: int) -> dict[int, str]:
    """Every process below this one, and its command line."""
    found = children_of(pid)
    for child in list(found):
        with suppress(FileNotFoundError):
            found |= descendants(child)
    return found


async def test_what_was_done_is_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    async with alone(tmp_path) as (process, buyer):
        product_id = await put_a_mug_on_the_shelf(tmp_path)
        await buyer.add(product_id, 3)
        below = descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0
        assert [pid for pid in below if Path(f"/proc/{pid}").exists()] == []
        cookies = dict(buyer.http.cookies)
    async with alone(tmp_path) as (_, again):
        again.http.cookies.update(cookies)
        assert await again.cart() == {product_id: 3}


async def test_who_has_just_come_in_is_served_though_the_process_is_told_to_stop(tmp_path: Path) -> None:
    """A slow phone connects, and asks a while later: its question is not dropped with the door."""
    async with alone(tmp_path) as (process, buyer):
        reader, writer = await asyncio.open_connection(buyer.http.base_url.host, buyer.http.base_url.port)
        await buyer.http.get("/livez")  # the web process has taken the connections that came before this one
        [web] = [pid for pid, command in descendants(process.pid).items() if MARKS["web"] in command]
        os.kill(web, signal.SIGTERM)
        await asyncio.sleep(0.3)  # the phone's round trip
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b" 200 " in await reader.readline()
        writer.close()
        await eventually(lambda: is_gone(web), 20)


async def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


async def test_whatever_dies_is_started_again_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    async with alone(tmp_path) as (process, buyer):
        product_id = await put_a_mug_on_the_shelf(tmp_path)
        await buyer.add(product_id, 2)
        for mark in (*MARKS.values(), "valkey"):
            dying = [pid for pid, command in descendants(process.pid).items() if mark in command]
            assert len(dying) == 1, mark
            os.kill(dying[0], signal.SIGKILL)
            await buyer.add(product_id, 1)
            await eventually(lambda: is_well(buyer.http, "/readyz"), SECONDS_TO_START)
        assert await buyer.cart() == {product_id: 5}


@pytest.mark.slow
async def test_a_hard_end_of_the_launcher_leaves_no_process_and_loses_no_edit(tmp_path: Path) -> None:
    async with alone(tmp_path) as (process, buyer):
        product_id = await put_a_mug_on_the_shelf(tmp_path)
        await buyer.add(product_id, 4)
        below = descendants(process.pid)
        process.kill()
        await asyncio.to_thread(process.wait, 20)

        async def all_gone() -> bool:
            return not any(Path(f"/proc/{pid}").exists() for pid in below)

        await eventually(all_gone)
        cookies = dict(buyer.http.cookies)
    async with alone(tmp_path) as (_, again):
        again.http.cookies.update(cookies)
        assert await again.cart() == {product_id: 4}
        db = Database(Settings(data_dir=str(tmp_path / "data")).database, Clock())

        async def is_written() -> bool:
            async with db.read() as tx:
                row = (
                    await tx.execute(select(carts.c.quantity).where(carts.c.product_id == product_id))
                ).first()
            return row is not None and row.quantity == 4

        await eventually(is_written)
        await db.close()


@pytest.mark.slow
async def test_one_door_shows_the_counters_of_all_processes_also_of_those_that_died(tmp_path: Path) -> None:
    async def counted(buyer: Buyer, line: str) -> bool:
        return f"\n{line}\n" in (await buyer.get("/metrics")).text

    async def written(buyer: Buyer) -> float:
        """Count the carts the worker wrote: after a message, or unasked where it began too late for that."""
        found = re.findall(
            r"^madang_carts_persisted_total.* (\S+)$", (await buyer.get("/metrics")).text, re.MULTILINE
        )
        return sum(map(float, found))

    async def is_written(buyer: Buyer, more_than: float) -> bool:
        return await written(buyer) > more_than

    async with alone(tmp_path, WEB_WORKERS="2") as (process, buyer):
        product_id = await put_a_mug_on_the_shelf(tmp_path)
        await buyer.add(product_id, 1)
        await eventually(lambda: counted(buyer, 'madang_cart_edits_total{outcome="OK"} 1.0'))
        await eventually(lambda: is_written(buyer, 0), 20)
        await eventually(lambda: counted(buyer, 'madang_dead_messages{queue="cart.persist.dead"} 0.0'), 20)
        before = await written(buyer)
        for pid, command in descendants(process.pid).items():
            if any(mark in command for mark in MARKS.values()):
                os.kill(pid, signal.SIGKILL)
        await buyer.add(product_id, 1)
        await eventually(lambda: counted(buyer, 'madang_cart_edits_total{outcome="OK"} 2.0'))
        await eventually(lambda: is_written(buyer, before), 20)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0


async def test_secrets_may_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a secret from a file\n")
    async with alone(tmp_path, SECRET_KEY_FILE=str(tmp_path / "key")) as (_, buyer):
        product_id = await put_a_mug_on_the_shelf(tmp_path)
        await buyer.add(product_id, 1)
        assert await buyer.cart() == {product_id: 1}


async def test_a_database_that_comes_later_is_brought_up_to_date(tmp_path: Path) -> None:
    later = tmp_path / "later"
    async with alone(tmp_path, "/livez", DATABASE_URL=f"sqlite+aiosqlite:///{later}/shop.db") as (_, buyer):
        answer = await buyer.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["database"] == "away"
        assert (await buyer.get("/")).status_code == 503
        later.mkdir()
        await eventually(lambda: is_well(buyer.http, "/"))
        assert (await buyer.get("/readyz")).status_code == 200


async def test_it_does_not_open_on_a_redis_that_forgets(tmp_path: Path) -> None:
    redis = Valkey()
    url = redis.start(tmp_path / "redis")
    assert redis.child
    spoil = f"import redis; redis.Redis.from_url({url!r}).config_set('appendfsync', 'everysec')"
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", spoil], check=True)
    env = os.environ | {
        "REDIS_URL": url,
        "DATA_DIR": str(tmp_path),
        "BIND": f"127.0.0.1:{children.free_port()}",
    }
    refused = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "app", "serve"],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    redis.stop()
    assert refused.returncode == 1
    assert "Redis has appendfsync = everysec" in refused.stderr
    assert "CONFIG SET appendfsync always" in refused.stderr


async def test_a_rush_of_connections_stands_at_the_door_while_no_process_takes_them(tmp_path: Path) -> None:
    """The server listens anew on the supervisor's socket, and must leave as much room as there was."""
    async with alone(tmp_path) as (process, buyer):
        door = buyer.http.base_url
        web = [pid for pid, command in children_of(process.pid).items() if MARKS["web"] in command]
        for pid in web:
            os.kill(pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(20):
                rush = await asyncio.gather(
                    *(asyncio.open_connection(door.host, door.port) for _ in range(500))
                )
        finally:
            for pid in web:
                os.kill(pid, signal.SIGCONT)
        for _, writer in rush:
            writer.close()
