"""Fixtures every test may ask for: the stack, embedded and real."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest
import pytest_asyncio

from sandbox.children import MissingProgram, ServerFailed
from tests.shop import Shop, open_shop
from tests.stack import STACKS, Stack

# Tests on servers of their own that run with the real stack's, so that both halves take as long.
BESIDE_REAL = {"test_c_client.py", "test_h_host.py", "test_m_mysql.py", "test_p_toss.py"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the two stacks' tests run side by side, each in a process of its own."""
    said = "only the tests on this stack; those of no stack are dealt out between the two"
    parser.addoption("--stack", choices=list(STACKS), help=said)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the stack's tests. What is marked ``real_first`` is slow on the embedded one."""
    asked = config.getoption("stack")
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        stack = stack_of(item)
        if stack == "embedded" and item.get_closest_marker("real_first"):
            item.add_marker(pytest.mark.slow)
        half = stack or ("real" if item.path.name in BESIDE_REAL else "embedded")
        (kept if asked in (None, half) else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def stack_of(item: pytest.Item) -> str:
    """Return which stack a test is about to run on; '' when it does not say."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    return next((value for value in params.values() if isinstance(value, str) and value in STACKS), "")


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
