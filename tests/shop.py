"""The shop under test, in the loop of the tests: its machines, its web, its worker."""

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from quart import Quart, Response
from quart.typing import TestClientProtocol

from app.infra.migrations import migrate
from app.machines import Machines, build_machines
from app.main import create_app
from app.settings import Settings
from tasks.worker import work
from tests.stack import Stack

EVENTUALLY_SECONDS = 10.0
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial", "Sec-Fetch-Site": "same-origin"}


@dataclasses.dataclass(frozen=True)
class Shop:
    """One running shop on one stack."""

    stack: Stack
    m: Machines
    app: Quart

    def visitor(self, address: str = "") -> "Visitor":
        """Return somebody with an empty cookie jar, at an address of the internet or on this machine."""
        return Visitor(self.app.test_client(), address)


class Visitor:
    """A browser without scripts, or with htmx when told so; it fills the form token in by itself."""

    def __init__(self, client: TestClientProtocol, address: str = "") -> None:
        self.client = client
        self.scope = {"client": (address, 40_000)} if address else {}
        self.form_page = "/orders/lookup"  # any page with a form: its token is good for every other form

    async def get(
        self, url: str, *, htmx: bool = False, packed: str | None = None, **headers: str
    ) -> Response:
        asked = {
            **(HTMX if htmx else {}),
            **({} if packed is None else {"Accept-Encoding": packed}),
            **headers,
        }
        return await self.client.get(url, headers=asked, scope_base=self.scope)

    async def post(self, url: str, *, htmx: bool = False, csrf: str | None = None, **form: Any) -> Response:
        token = await self.token() if csrf is None else csrf
        # Written out here, because the test client's own forms cannot send one name twice.
        body = urlencode({"csrf": token, **form}, doseq=True)
        headers = {**(HTMX if htmx else {}), **FORM}
        return await self.client.post(url, data=body, headers=headers, scope_base=self.scope)

    async def token(self) -> str:
        """Return a form token bound to this visitor's cookies."""
        page = await (await self.get(self.form_page)).get_data(as_text=True)
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found, page
        return found[1]


def settings_for(stack: Stack, folder: Path, **changed: Any) -> Settings:
    """Return the settings of a shop on this stack; passwords are hashed as cheaply as bcrypt can."""
    addresses: dict[str, Any] = {name.lower(): value for name, value in stack.environment().items()}
    return Settings(
        **addresses,
        data_dir=str(folder),
        public_url="http://localhost",
        secret_key="a secret of the tests",
        password_pepper="a pepper of the tests",
        bcrypt_cost=4,
        **changed,
    )


@asynccontextmanager
async def open_shop(stack: Stack, folder: Path, **changed: Any) -> AsyncIterator[Shop]:
    """Open a shop, with its worker at work; close it in order."""
    settings = settings_for(stack, folder, **changed)
    m = build_machines(settings)
    await migrate(m.db)
    stopping = asyncio.Event()
    worker = asyncio.create_task(work(m, stopping))
    try:
        yield Shop(stack, m, create_app(settings, m))
    finally:
        stopping.set()
        await worker
        await m.close()


async def life_of(m: Machines) -> str:
    """Return the life (run id) of Redis: another one after every start."""
    told: dict[str, str] = await m.redis.command("INFO", "server")
    return told["run_id"]


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = EVENTUALLY_SECONDS) -> None:
    """Wait until something another process or task does has happened."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what is waited for happens in other programs
            await asyncio.sleep(0.02)
