"""From the cart to a paid order, by ways as crooked as shoppers go."""

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.chaos.browser import USUAL, LostError
from tests.chaos.shopper import Purchase, Shopper
from tests.chaos.wire import Answer
from tests.processes import RECIPIENT
from tests.toss_stand import Stand

PATIENCE = 100.0  # seconds for the outcome of one payment, and for a paid cart to be seen empty
POLL = 0.7
OUTCOMES = ("approve", "decline", "cancel", "leave", "leave approved")
OUTCOME_WEIGHTS = (80, 6, 4, 5, 5)
MANNERS = ("come back", "come back twice at once", "close the tab")
MANNER_WEIGHTS = (8, 1, 1)
TOLD = re.compile(r'class="verdict (\w+)"')
LABEL = re.compile(r'id="orders-status-heading" class="status">([^<]+)<')
PAID, WAITING, FAILED, UNDECIDED = "paid", "waiting", "failed", "undecided"
LABELS = {"결제 완료": PAID, "입금 대기": WAITING}


@dataclass(slots=True)
class Offer:
    """What the payment page hands to the widget."""

    payment_no: str
    amount: int


class Payer:
    """A shopper at the till. One purchase after the other."""

    def __init__(self, shopper: Shopper, stand: Stand) -> None:
        self.shopper = shopper
        self.stand = stand
        self.owes = False  # a deposit that will never come: the order stays open, and there is no other

    async def buy(self) -> None:
        """Order what is in the cart, and see where it leads."""
        shopper = self.shopper
        if self.owes or not shopper.witness.certain() or not shopper.witness.is_certain():
            return
        purchase = await self._place()
        if purchase is None:
            return
        shopper.purchases.append(purchase)
        for _ in range(3):  # a declined card, and another one
            offer = await self._offer(purchase)
            if offer is None or await self._pay(purchase, offer) != FAILED or shopper.rng.random() < 0.5:
                return

    async def _place(self) -> Purchase | None:
        """Go through the checkout; None when the shop says politely that it is not to be."""
        shopper = self.shopper
        review = await self._press("/checkout", RECIPIENT)
        seen = re.search(r'name="seen_total" value="(\d+)"', review.text) if review else None
        if review is None or seen is None:
            self._turn_away(review)
            return None
        placed = await self._press("/checkout", RECIPIENT | {"seen_total": seen[1], "confirmed": "1"})
        if placed is None or placed.status != 303 or "/payment" not in placed.location:
            self._turn_away(placed)
            return None
        shopper.tally.add("orders placed")
        purchase = Purchase(placed.location.split("/")[2], shopper.witness.place_order())
        shopper.witness.note(f"order {purchase.order_no} of {purchase.lines}")
        return purchase

    def _turn_away(self, answer: Answer | None) -> None:
        self.shopper.tally.add("checkouts refused")
        if answer is not None and answer.location == "/cart":
            self.shopper.compare({})  # the shop says that there is nothing in it

    async def _press(self, url: str, form: dict[str, str]) -> Answer | None:
        """Send a form until it is answered; None when that takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    with contextlib.suppress(LostError):
                        return await self.shopper.browser.post(url, form, expect=(*USUAL, 409))
                    await asyncio.sleep(POLL)
        return None

    async def _offer(self, purchase: Purchase) -> Offer | None:
        """Open the payment page."""
        page = await self._open(f"/orders/{purchase.order_no}/payment")
        number = re.search(r'data-payment-no="(\w+)"', page.text) if page else None
        amount = re.search(r'data-amount="(\d+)"', page.text) if page else None
        return Offer(number[1], int(amount[1])) if number and amount else None

    async def _open(self, url: str) -> Answer | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    with contextlib.suppress(LostError):
                        return await self.shopper.browser.get(url, expect=(*USUAL, 404, 409))
                    await asyncio.sleep(POLL)
        return None

    async def _pay(self, purchase: Purchase, offer: Offer) -> str:
        """Go through the window, and learn what came of it."""
        shopper, rng = self.shopper, self.shopper.rng
        outcome = rng.choices(OUTCOMES, OUTCOME_WEIGHTS)[0]
        if outcome == "leave":
            shopper.tally.add("payments abandoned")
            return UNDECIDED
        method = "VIRTUAL_ACCOUNT" if rng.random() < 0.07 else "CARD"
        payment_key, _ = await self.stand.open(offer.amount, method, orderId=offer.payment_no)
        back = await self.stand.decide(
            payment_key, outcome if outcome in {"decline", "cancel"} else "approve"
        )
        if outcome == "leave approved":
            shopper.tally.add("payments abandoned")
            return UNDECIDED
        if outcome != "approve":
            back.pop("path")
            await self._open(f"/payments/toss/failure/{offer.payment_no}?{urlencode(back)}")
            shopper.tally.add("payments declined in the window")
            return FAILED
        if rng.random() < 0.25:  # the order is what was ordered: what is edited later stays in the cart
            await shopper.edit()
        shopper.witness.let_fade(purchase.lines)
        shopper.witness.note(f"back from the window of {offer.payment_no} ({method})")
        told = await self._come_back(purchase, offer, payment_key)
        return await self._conclude(purchase, told, payment_key)

    async def _come_back(self, purchase: Purchase, offer: Offer, payment_key: str) -> str:
        """Return from the window, and reload until the outcome is told."""
        query = {"paymentType": "NORMAL", "orderId": offer.payment_no, "paymentKey": payment_key}
        url = f"/payments/toss/return/{offer.payment_no}?{urlencode(query | {'amount': str(offer.amount)})}"
        manner = self.shopper.rng.choices(MANNERS, MANNER_WEIGHTS)[0]
        if manner == "come back twice at once":
            told = await asyncio.gather(self._ask(purchase, url), self._ask(purchase, url))
            if told[0] != UNDECIDED and told[1] != UNDECIDED and told[0] != told[1]:
                self.shopper.tally.mishap("unexpected answers", f"{url}: two tabs were told {told}")
        elif manner == "close the tab":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.shopper.rng.uniform(0.01, 0.3)):
                    await self._ask(purchase, url)
            await self.shopper.pause(1)
        return await self._until_told(purchase, url)

    async def _until_told(self, purchase: Purchase, url: str) -> str:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    if (told := await self._ask(purchase, url)) != UNDECIDED:
                        return told
                    await asyncio.sleep(POLL)
        return UNDECIDED

    async def _ask(self, purchase: Purchase, url: str) -> str:
        """Open the way back once; return what it tells, as far as it is final."""
        try:
            answer = await self.shopper.browser.get(url, expect=(*USUAL, 409))
            if answer.status == 303:
                return await self._read_order(purchase)
        except LostError:
            return UNDECIDED
        told = TOLD.search(answer.text)
        self.shopper.witness.note(f"told {told[1] if told else answer.status}")
        final = told is not None and told[1] in {"declined", "out_of_stock", "superseded", "expired"}
        return FAILED if final else UNDECIDED

    async def _read_order(self, purchase: Purchase) -> str:
        page = await self.shopper.browser.get(f"/orders/{purchase.order_no}")
        label = LABEL.search(page.text)
        assert label, page.text
        self.shopper.witness.note(f"order {purchase.order_no}: {label[1]}")
        return LABELS.get(label[1], UNDECIDED)

    async def _conclude(self, purchase: Purchase, told: str, payment_key: str) -> str:
        """Bring what the shopper was told into what the shopper knows."""
        witness, tally = self.shopper.witness, self.shopper.tally
        if told == WAITING:
            witness.keep(purchase.lines)
            return await self._deposit(purchase, payment_key)
        if told == PAID:
            tally.add("payments paid")
            witness.pay(purchase.lines)
            await self._see_it_empty(purchase)
        elif told == FAILED:
            tally.add("payments declined by the bank")
            witness.keep(purchase.lines)
        else:
            tally.add("payments not decided in time")
            self.shopper.undecided.append(purchase)
        return told

    async def _see_it_empty(self, purchase: Purchase) -> None:
        """Look at the cart until the paid lines are gone; a moment while Redis was away is forgiven."""
        started, witness = time.monotonic(), self.shopper.witness
        await self.shopper.read()
        while witness.alternatives and time.monotonic() - started < PATIENCE:
            await asyncio.sleep(POLL)
            await self.shopper.read()
        self.shopper.tally.clear_seconds.append(time.monotonic() - started)
        if witness.alternatives:
            self.shopper.report(f"paid lines of {purchase.order_no} are still there: {witness.alternatives}")

    async def _deposit(self, purchase: Purchase, payment_key: str) -> str:
        """Send the money to the virtual account, or never."""
        shopper = self.shopper
        if shopper.rng.random() < 0.3:
            shopper.tally.add("payments waiting for ever")
            self.owes = True
            return WAITING
        await shopper.edit()
        shopper.witness.let_fade(purchase.lines)
        await self.stand.act(payment_key, "deposit")
        shopper.witness.note(f"deposited for {purchase.order_no}")
        deadline = time.monotonic() + PATIENCE
        told = WAITING
        while told != PAID and time.monotonic() < deadline:
            await asyncio.sleep(POLL)
            with contextlib.suppress(LostError):
                told = await self._read_order(purchase)
        return await self._conclude(purchase, PAID if told == PAID else UNDECIDED, payment_key)
