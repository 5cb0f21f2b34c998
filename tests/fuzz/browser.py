"""Somebody who fuzzes: cookies, what was seen so far, and the way in for those with an account."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from sqlalchemy import select

from app.machines import Machines
from app.models import web_payments
from tests.fuzz.judge import Answer
from tests.fuzz.people import Enter
from tests.fuzz.spoil import FORM, TYPED, Request
from tests.fuzz.surface import OF_A_KIND, Atlas, Surface, starts
from tests.toss_stand import Stand

Send = Callable[[Request], Awaitable[Answer]]
FOUND = 200


@dataclass(slots=True)
class Browser:
    """One browser, and whose it is: ``enter`` None for a guest."""

    send: Send
    atlas: Atlas
    host: str
    enter: Enter | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    seen: Surface = field(default_factory=Surface)

    async def log_in(self, m: Machines) -> None:
        """Have a new session, unless it is a guest."""
        if self.enter is not None:
            name, value = await self.enter(m, self.seen)
            self.cookies[name] = value

    async def get(self, url: str) -> Answer:
        """Open an address."""
        return await self.ask(self._request("GET", url, b""))

    async def post(self, url: str, form: Mapping[str, object]) -> Answer:
        """Send a sound form."""
        return await self.ask(
            self._request("POST", url, urlencode({"csrf": self.seen.token_for(url), **form}).encode())
        )

    async def ask(self, request: Request) -> Answer:
        """Send a request and keep the cookies of its answer."""
        answer = await self.send(request)
        for name, value in answer.headers:
            if name == "set-cookie":
                self._keep(value)
        return answer

    async def look_around(self) -> None:
        """Read every page that can be reached, a few of each kind, and learn what is on it."""
        self.seen.pages.clear()
        self.seen.forms.clear()
        ahead = starts(self.atlas.routes) + [
            route.fill({name: self.seen.nth(name, nth) for name in route.names})
            for nth in range(OF_A_KIND)
            for route in self.atlas.routes
            if route.names and "GET" in route.methods and set(route.names) <= set(self.seen.known)
        ]
        while ahead:
            answer = await self.get(ahead.pop(0))
            if answer.status == FOUND and answer.header("content-type").startswith("text/html"):
                ahead += self.seen.read(self.atlas, answer.text)

    async def buy(self, m: Machines, toss: Stand, *goods: int) -> None:
        """Pay one order, leave the next unpaid, have something in the cart, and something taken out of it."""
        self.seen.read(self.atlas, (await self.get("/orders/lookup")).text)
        payment_no, amount = await self._order(goods[0])
        key, _ = await toss.approve(amount, orderId=payment_no)
        query = urlencode({"paymentKey": key, "orderId": payment_no, "amount": amount})
        await self.get(f"/payments/toss/return/{payment_no}?{query}")
        await self._order(goods[0])
        await self._put(goods[1])
        await self._put(goods[0])
        await self.post(f"/cart/lines/{goods[0]}/removal", {})
        number = select(web_payments.c.web_payment_id).where(web_payments.c.payment_no == payment_no)
        async with m.db.read() as tx:
            self.seen.learn("web_payment_id", str((await tx.execute(number)).scalar_one()))

    async def _put(self, product_id: int) -> None:
        await self.post("/cart/lines", {"product_id": product_id, "quantity": 1, "key": ""})

    async def _order(self, product_id: int) -> tuple[str, int]:
        """Order something; return the attempt's number and amount."""
        await self._put(product_id)
        review = (await self.post("/checkout", TYPED)).text
        total = re.search(r'name="seen_total" value="(\d+)"', review)
        assert total, review
        self.seen.read(self.atlas, review)
        placed = await self.post("/checkout", {**TYPED, "seen_total": total[1], "confirmed": "1"})
        order_no = placed.header("location").split("/")[2]
        paying = re.search(r'data-payment-no="(\w+)"', (await self.get(f"/orders/{order_no}/payment")).text)
        assert paying, placed
        self.seen.learn("order_no", order_no)
        self.seen.learn("payment_no", paying[1])
        handover = (await self.get(f"/orders/{order_no}/payment/handover")).text
        self.seen.learn("payment_pass", re.findall(r'/payments/handovers/([^"]+)"', handover)[0])
        return paying[1], int(total[1])

    def _request(self, method: str, url: str, body: bytes) -> Request:
        headers = [("Host", self.host)]
        if self.cookies:
            headers.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
        if method == "POST":
            headers += [("Content-Type", FORM), ("Content-Length", str(len(body)))]
        endpoint, _ = self.atlas.find(method, url.partition("?")[0])
        return Request(method, quote(url, safe="/%?&=;:@+"), tuple(headers), body, endpoint, method == "POST")

    def _keep(self, line: str) -> None:
        name, _, value = line.partition(";")[0].partition("=")
        if "max-age=0" in line.lower() or not value:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value
