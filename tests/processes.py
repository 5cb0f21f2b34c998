"""The shop as the container runs it: a supervisor, web processes and a worker that can be killed."""

import asyncio
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from sandbox import children
from tests.shop import eventually
from tests.stack import ROOT, Stack

SECONDS_TO_START = 90.0  # 3 on an idle machine
RECIPIENT = {
    "recipient_name": "김민지",
    "recipient_phone": "010-1234-5678",
    "postcode": "03001",
    "address1": "서울 종로구 마당길 1",
    "address2": "2층",
    "delivery_note": "",
}
MARKS = {"web": "\0-m\0app\0web", "worker": "\0-m\0tasks"}


def children_of(pid: int) -> dict[int, str]:
    """Return the command lines of the processes that this one started; any may end meanwhile."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            for child in map(int, (task / "children").read_text().split()):
                with suppress(OSError):
                    found[child] = Path(f"/proc/{child}/cmdline").read_text()
    return found


@dataclass(slots=True)
class RunningShop:
    """``python -m app serve`` on a stack."""

    stack: Stack
    url: str
    environment: dict[str, str]
    log: Path
    buyers: list["Buyer"] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The supervisor; its children die with it."""
        assert self._process
        return self._process

    def launch(self) -> None:
        """Start the supervisor."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                children.bound([sys.executable, "-m", "app", "serve"]),
                env=self.environment,
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )

    async def start(self) -> None:
        """Start the supervisor, and wait until the shop can take orders."""
        self.launch()
        async with httpx.AsyncClient(base_url=self.url, timeout=SECONDS_TO_START, trust_env=False) as http:

            async def is_up() -> bool:
                assert self.process.poll() is None, self.log.read_text()
                try:
                    return (await http.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(is_up, SECONDS_TO_START)

    def pids(self, name: str) -> list[int]:
        """The processes of that kind that run now."""
        return [pid for pid, command in children_of(self.process.pid).items() if MARKS[name] in command]

    def kill(self, name: str) -> None:
        """End all processes of that kind as kill -9 does; the supervisor starts them again."""
        for pid in self.pids(name):
            os.kill(pid, signal.SIGKILL)

    async def restart(self) -> None:
        """Kill the supervisor, with which all it started dies; start it again at the same address."""
        below = [pid for name in MARKS for pid in self.pids(name)]
        self.process.kill()
        self.process.wait()

        async def are_gone() -> bool:
            return not any(Path(f"/proc/{pid}").exists() for pid in below)

        await eventually(are_gone)  # they hold the door that the next one opens
        await self.start()

    def buyer(self) -> "Buyer":
        """Return somebody with an empty cookie jar and patience."""
        buyer = Buyer(httpx.AsyncClient(base_url=self.url, timeout=30, trust_env=False))
        self.buyers.append(buyer)
        return buyer


@dataclass(slots=True)
class Placed:
    """An order that waits to be paid."""

    order_no: str
    payment_no: str
    amount: int


class Buyer:
    """A browser without scripts that buys things."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.token = ""
        self.form_page = "/orders/lookup"  # any page with a form: its token is good for every other form

    async def get(self, url: str, **params: Any) -> httpx.Response:
        return await self.http.get(url, params=params or None)

    async def post(self, url: str, **form: Any) -> httpx.Response:
        """Send a form."""
        return await self.http.post(url, data={"csrf": await self.form_token(), **form})

    async def form_token(self) -> str:
        """Return a form token bound to this browser's cookies."""
        if not self.token:
            page = (await self.get(self.form_page)).text
            found = re.search(r'name="csrf" value="([^"]+)"', page)
            assert found, page
            self.token = found[1]
        return self.token

    async def patiently(self, url: str, **form: Any) -> httpx.Response:
        """Send an idempotent form until it is answered with something else than 503."""
        async with asyncio.timeout(30):
            while True:
                try:
                    answer = await self.post(url, **form)
                except httpx.TransportError:
                    continue
                if answer.status_code != 503:
                    return answer
                await asyncio.sleep(0.1)

    async def add(self, product_id: int, quantity: int = 1) -> None:
        """Put something into the cart; one key, however often it must be sent."""
        answer = await self.patiently(
            "/cart/lines", product_id=product_id, quantity=quantity, key=secrets.token_hex(16)
        )
        assert answer.status_code == 303, answer.text

    async def place_order(self) -> Placed:
        """Go from the cart to the payment page."""
        answer = await self.patiently("/checkout", **await self.review())
        assert answer.status_code == 303, answer.text
        return await self.payment(answer.headers["Location"])

    async def review(self) -> dict[str, str]:
        """Fill the checkout form in; return what the button of the review page sends."""
        review = await self.patiently("/checkout", **RECIPIENT)
        seen = re.search(r'name="seen_total" value="(\d+)"', review.text)
        assert seen, review.text
        return RECIPIENT | {"seen_total": seen[1], "confirmed": "1"}

    async def payment(self, location: str) -> Placed:
        """Open the payment page of an order."""
        page = (await self.get(location)).text
        number = re.search(r'data-payment-no="(\w+)"', page)
        amount = re.search(r'data-amount="(\d+)"', page)
        assert number, page
        assert amount
        return Placed(location.split("/")[2], number[1], int(amount[1]))

    async def cart(self) -> dict[int, int]:
        """What the cart page shows: product → quantity."""
        return quantities((await self.get("/cart")).text)

    async def come_back(self, placed: Placed, payment_key: str) -> httpx.Response:
        """Return from the Toss window."""
        return await self.get(
            f"/payments/toss/return/{placed.payment_no}",
            paymentType="NORMAL",
            orderId=placed.payment_no,
            paymentKey=payment_key,
            amount=str(placed.amount),
        )


def quantities(page: str) -> dict[int, int]:
    """What a cart page shows: product → quantity."""
    found = re.findall(r'id="cart-quantity-(\d+)" type="number" name="quantity" value="(\d+)"', page)
    return {int(product): int(quantity) for product, quantity in found}


@asynccontextmanager
async def serving(stack: Stack, folder: Path, **settings: str) -> AsyncIterator[RunningShop]:
    """Run the shop's own processes on a stack, and end them with SIGTERM."""
    bind = settings.get("BIND") or f"{children.LOOPBACK}:{children.free_port()}"
    env = (
        os.environ
        | stack.environment()
        | {
            "BIND": bind,
            "DATA_DIR": str(folder / "data"),
            "BCRYPT_COST": "4",
            # As tests/shop.py has them: who was signed up past the shop can log in to it.
            "SECRET_KEY": "a secret of the tests",
            "PASSWORD_PEPPER": "a pepper of the tests",
            "LOG_LEVEL": "WARNING",
        }
        | settings
    )
    shop = RunningShop(stack, f"http://{bind}", env, folder / "shop.log")
    try:
        await shop.start()
        yield shop
    finally:
        for buyer in shop.buyers:
            await buyer.http.aclose()
        shop.process.terminate()
        shop.process.wait(30)
