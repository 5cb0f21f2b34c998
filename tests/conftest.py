"""Fixtures every test may ask for: the stack, embedded and real."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest
import pytest_asyncio

from sandbox.children import MissingProgram, ServerFailed
from tests.shop import Shop, open_shop
from tests.stack import STACKS, Stack


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what is marked ``real_first`` be slow on the embedded stack: the stacks hardly differ there."""
    for item in items:
        params = (
            item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        )
        if params.get("stack") == "embedded" and item.get_closest_marker("real_first"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", params=STACKS, ids=list(STACKS))
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One whole set of machines; a test that asks for it runs once on each."""
    with ExitStack() as running:
        missing = ""
        try:
            ready = running.enter_context(STACKS[request.param](tmp_path_factory.mktemp(request.param)))
        except (MissingProgram, ServerFailed) as trouble:
            missing = str(trouble)
        if missing:  # outside of the handler: the sentence, without the traceback that led to it
            pytest.fail(missing, pytrace=False)
        yield ready


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """The shop, open, on each stack in turn; every test brings its own people and goods."""
    async with open_shop(stack, tmp_path_factory.mktemp("shop")) as shop:
        yield shop
