"""A shop of real processes on machines of its own, which are going to be killed."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import httpx
import pytest
import pytest_asyncio

from app.machines import Machines, build_machines
from sandbox.rabbitmq import RabbitMQ
from sandbox.toss.config import Config
from tests.faults.bed import Bed, open_bed
from tests.processes import RunningShop, serving
from tests.shop import settings_for
from tests.stack import STACKS, Stack, real
from tests.toss_stand import Stand


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what cannot be: SQLite is a file, and has no process to kill."""
    impossible = [item for item in items if item.name.endswith("[embedded-database]")]
    config.hook.pytest_deselected(items=impossible)
    items[:] = [item for item in items if item not in impossible]


@pytest.fixture(scope="package", params=STACKS, ids=list(STACKS))
def doomed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Machines nobody else works on."""
    with STACKS[request.param](tmp_path_factory.mktemp(f"doomed-{request.param}")) as stack:
        yield stack


@pytest.fixture(scope="package")
def folder(doomed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(f"shop-{doomed.name}")


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def running(doomed: Stack, folder: Path) -> AsyncIterator[RunningShop]:
    async with serving(doomed, folder) as shop:
        yield shop


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def m(running: RunningShop, folder: Path) -> AsyncIterator[Machines]:
    """The same machines seen from outside: to put goods on the shelf and to read the books."""
    m = build_machines(settings_for(running.stack, folder))
    yield m
    await m.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def toss(doomed: Stack) -> AsyncIterator[Stand]:
    async with httpx.AsyncClient(base_url=doomed.toss_api_url, trust_env=False) as http:
        yield Stand(doomed.toss_api_url, Config(), http)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def made_bed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bed]:
    folder = tmp_path_factory.mktemp("bed")
    (folder / "shop").mkdir()
    with real(folder) as stack:
        # Started anew, the broker leaves alone a queue whose process it finds alive, by its number. Queues
        # declared within seconds of the first start have numbers that every start gives to something else.
        cast("RabbitMQ", stack.amqp).control(
            "eval", "[spawn(fun() -> ok end) || _ <- lists:seq(1, 20000)], ok."
        )
        async with open_bed(folder / "shop", stack) as bed:
            yield bed


@pytest_asyncio.fixture(loop_scope="session")
async def bed(made_bed: Bed, request: pytest.FixtureRequest) -> AsyncIterator[Bed]:
    """The bed of a cell: whole when it begins, and judged by the invariants when it ends."""
    failed = request.session.testsfailed
    made_bed.shoppers.clear()
    made_bed.is_judged = False
    yield made_bed
    await made_bed.mend()
    passed = request.session.testsfailed == failed
    assert made_bed.is_judged or not passed, "a cell asserts the invariants: await bed.assert_whole()"
