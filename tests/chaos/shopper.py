"""Somebody who edits a cart all the time, now and then buys it, and knows what must be in it."""

import asyncio
import random
import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.browser import USUAL, Browser, LostError, count_of, lines_of, shows_cart
from tests.chaos.tally import Tally
from tests.chaos.wire import Answer
from tests.chaos.witness import Witness

MOST_LINES = 8
MOST_QUANTITY = 9
THINKING = 0.18  # seconds between two edits at most
AGAIN_SOON, AGAIN_LATER = 0.05, 0.6  # seconds until an edit is sent again: after one cut, after more
PASSWORD = "모두가 아는 긴 암호"


@dataclass(slots=True)
class Purchase:
    """One order, and what the shopper meant to buy with it."""

    order_no: str
    lines: dict[int, int]


@dataclass(slots=True)
class Shopper:
    """One browser, one cart, one witness."""

    number: int
    browser: Browser
    tally: Tally
    rng: random.Random
    goods: Sequence[int]
    leaving: asyncio.Event
    witness: Witness = field(default_factory=Witness)
    scripted: bool = True  # htmx fragments; else whole pages
    signup_id: str = ""
    purchases: list[Purchase] = field(default_factory=list)
    undecided: list[Purchase] = field(default_factory=list)  # left before the outcome was known

    async def edit(self) -> None:
        """Change one line."""
        certain = self.witness.certain()
        kind = self.rng.choices(("add", "set", "remove"), (4, 5, 2))[0]
        free = [product_id for product_id in self.goods if self.is_free(product_id)]
        if kind == "add" or not certain:
            smaller = [one for one in free if certain.get(one, 0) <= MOST_QUANTITY - 3]
            known = [one for one in smaller if one in certain]
            await self.add(self.rng.choice(known if len(certain) >= MOST_LINES and known else smaller))
        elif kind == "set":
            await self.set_quantity(self.rng.choice(sorted(certain)))
        else:
            product_id, wipes = self.rng.choice(sorted(certain)), self.tally.wipes
            await self.remove(product_id)
            if self.rng.random() < 0.1:
                await self.undo(product_id, certain[product_id], wipes)
        await self.pause(self.rng.uniform(0, THINKING))

    def is_free(self, product_id: int) -> bool:
        """Whether nothing is in doubt about a product."""
        return product_id not in self.witness.alternatives and len(self.witness.may_be(product_id)) == 1

    async def add(self, product_id: int) -> None:
        """Put goods into the cart; one key, however often it must be sent."""
        quantity, before = self.rng.randint(1, 3), next(iter(self.witness.may_be(product_id)))
        wipes = self.tally.wipes
        form = {"product_id": product_id, "quantity": quantity, "key": secrets.token_hex(16)}
        answer, doubtful = await self.press("/cart/lines", form)
        self.witness.put(product_id, before + quantity)
        if doubtful and wipes != self.tally.wipes:  # Redis forgot the key: the same press may count twice
            self.witness.put(product_id, before + quantity, before + 2 * quantity)
        await self.look_at(answer)

    async def set_quantity(self, product_id: int) -> None:
        """Set a line to another quantity."""
        (before,) = self.witness.may_be(product_id)
        quantity = self.rng.choice([n for n in range(1, MOST_QUANTITY + 1) if n != before])
        answer, _ = await self.press(f"/cart/lines/{product_id}", {"quantity": quantity})
        self.witness.put(product_id, quantity)
        await self.look_at(answer)

    async def remove(self, product_id: int) -> None:
        """Take a line out."""
        answer, _ = await self.press(f"/cart/lines/{product_id}/removal", {})
        self.witness.put(product_id, 0)
        await self.look_at(answer)

    async def undo(self, product_id: int, quantity: int, wipes: int) -> None:
        """Bring back what was removed a moment ago, when Redis had been wiped so often; a wipe forgets it."""
        answer, doubtful = await self.press("/cart/undo", {}, expect=(*USUAL, 409))
        forgotten = doubtful or wipes != self.tally.wipes
        self.witness.put(product_id, *((0, quantity) if forgotten else (quantity,)))
        await self.look_at(answer)

    async def press(
        self, url: str, form: Mapping[str, object], *, expect: Collection[int] = USUAL
    ) -> tuple[Answer, bool]:
        """Send an edit until it is acknowledged; return the answer, and whether one was lost before it."""
        tries = 0
        while True:
            started = time.perf_counter()
            try:
                answer = await self.browser.post(url, form, expect=expect, pieces=self.scripted)
            except LostError as lost:
                self.witness.note(f"{url} {form}: {lost}")
                tries += 1
                await asyncio.sleep(AGAIN_SOON if tries == 1 else AGAIN_LATER)
                continue
            self.tally.edit_seconds.append(time.perf_counter() - started)
            self.tally.add("acknowledged edits")
            return answer, tries > 0

    async def look_at(self, answer: Answer) -> None:
        """Compare what an edit was answered with, or the page it leads to, with what must be there."""
        if answer.status == 303:
            await self.read()
        elif shows_cart(answer):
            self.compare(lines_of(answer))
        else:
            self.tally.add("reads")
            shown = lines_of(answer)
            wrong = {one: n for one, n in shown.items() if n not in self.witness.may_be(one)}
            total = count_of(answer)
            if wrong or total is None or not self.witness.fits(total):
                self.report(f"a fragment shows {shown}, {total} in all")
        if not self.witness.alternatives and not self.witness.is_certain():
            await self.read()

    async def read(self) -> None:
        """Open the cart, and compare it with what must be there."""
        self.compare(await self.see())

    async def see(self) -> dict[int, int]:
        """Open the cart until it can be seen."""
        while True:
            try:
                return lines_of(await self.browser.get("/cart"))
            except LostError:
                await asyncio.sleep(AGAIN_LATER)

    def compare(self, seen: dict[int, int]) -> None:
        """Compare a whole cart with what must be there."""
        self.tally.add("reads")
        wrong = self.witness.differences(seen)
        if wrong:
            self.report(f"the cart shows (product: seen, must be) {wrong}")

    def report(self, said: str) -> None:
        """Write down a reading that does not fit."""
        self.tally.mishap(
            "stale reads", f"{self.name}: {said}\n      " + "\n      ".join(self.witness.events)
        )

    @property
    def name(self) -> str:
        """Who this is, in a report."""
        return f"shopper {self.number}{' ' + self.signup_id if self.signup_id else ''}"

    async def pause(self, seconds: float) -> None:
        """Think, but not when it is time to go."""
        try:
            async with asyncio.timeout(seconds):
                await self.leaving.wait()
        except TimeoutError:
            return

    async def sign_up(self) -> None:
        """Become a member; the guest's cart comes along, whatever it takes."""
        self.signup_id = f"c{self.number}_{secrets.token_hex(3)}"
        form = {
            "signup_id": self.signup_id,
            "password": PASSWORD,
            "name": "김민지",
            "phone": "01012345678",
            "email": "minji@example.com",
            **dict.fromkeys(("terms", "privacy", "age"), "1"),
        }
        url = "/signup"
        while True:
            try:
                answer = await self.browser.post(url, form, expect=(*USUAL, 422))
            except LostError as lost:
                self.witness.note(f"{url}: {lost}")
                await asyncio.sleep(AGAIN_LATER)
                self.browser.forget_token()  # the session's cookie may have come, or not
                continue
            self.browser.forget_token()
            self.witness.note(f"{url}: {answer.status}")
            url = "/login"
            if answer.status == 303 and "gid" not in self.browser.wire.cookies:
                break
        self.tally.add("guests who became members")
        await self.read()
