"""Forms that count once, each filled in and ready to be sent, and what the books say before and after."""

import random
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from app.core.ids import idempotency_key
from app.machines import Machines
from app.models import order_lines, orders, users, web_payments
from app.web import current
from tests.processes import Buyer
from tests.village import unheard_of_id

Form = dict[str, Any]
Holds = Callable[[], Awaitable[bool]]


@dataclass(slots=True)
class Press:
    """One form, and what holds as long as it was not taken, and when it was."""

    url: str
    form: Form
    undone: Holds
    done: Holds


class Presser:
    """Somebody who fills in one form."""

    def __init__(self, buyer: Buyer, m: Machines, goods: list[int], chance: random.Random) -> None:
        self.buyer, self.m, self.chance = buyer, m, chance
        self.cup, self.pot = chance.sample(goods, 2)
        self.signup_id, self.password = unheard_of_id("twice"), f"달빛 아래 {secrets.token_hex(4)}"

    async def add(self) -> Press:
        """Put goods in, beside those that are there."""
        await self.buyer.add(self.pot, 2)
        await self.buyer.add(self.cup, 1)
        more = self.chance.randint(1, 3)
        form = {"product_id": self.cup, "quantity": more, "key": idempotency_key()}
        return Press("/cart/lines", form, self.has(cup=1, pot=2), self.has(cup=1 + more, pot=2))

    async def change(self) -> Press:
        """Choose another quantity."""
        await self.buyer.add(self.cup, 2)
        wanted = self.chance.randint(3, 9)
        return Press(
            f"/cart/lines/{self.cup}",
            {"quantity": wanted},
            self.has(cup=2, pot=0),
            self.has(cup=wanted, pot=0),
        )

    async def remove(self) -> Press:
        """Take a line out."""
        await self.buyer.add(self.cup, 2)
        await self.buyer.add(self.pot, 1)
        return Press(f"/cart/lines/{self.cup}/removal", {}, self.has(cup=2, pot=1), self.has(cup=0, pot=1))

    async def undo(self) -> Press:
        """Bring a line back."""
        removing = await self.remove()
        await self.buyer.post(removing.url)
        return Press("/cart/undo", {"product_id": self.cup}, removing.done, removing.undone)

    async def order(self) -> Press:
        """Place an order."""
        await self.buyer.add(self.cup, 2)
        return Press("/checkout", await self.buyer.review(), self.has_orders(), self.has_orders("PENDING"))

    async def cancel(self) -> Press:
        """Cancel an order."""
        await self.buyer.add(self.cup, 1)
        placed = await self.buyer.place_order()
        url = f"/orders/{placed.order_no}/cancellation"
        return Press(url, {}, self.has_orders("PENDING"), self.has_orders("CANCELED"))

    async def sign_up(self) -> Press:
        """Become a member."""
        agreed = {"terms": 1, "privacy": 1, "age": 1}
        me = {"name": "김민지", "phone": "010-1234-5678", "email": "minji@example.com"}
        form = {**me, **agreed, "signup_id": self.signup_id, "password": self.password}
        return Press("/signup", form, self.are_members(0), self.are_members(1))

    async def log_in(self) -> Press:
        """Log in as a member with a guest's cart."""
        joining = await self.sign_up()
        await self.buyer.post(joining.url, **joining.form)
        self.buyer.http.cookies.clear()
        self.buyer.token = ""
        await self.buyer.add(self.cup, 3)
        form = {"signup_id": self.signup_id, "password": self.password}
        kept = self.has(cup=3, pot=0)
        return Press("/login", form, kept, kept)

    def has(self, *, cup: int, pot: int) -> Holds:
        """Ask whether the cart's page shows just these quantities."""
        wanted = {product: count for product, count in ((self.cup, cup), (self.pot, pot)) if count}

        async def shows() -> bool:
            return await self.buyer.cart() == wanted

        return shows

    def has_orders(self, *states: str) -> Holds:
        """Ask whether these are the orders there are, each with its line and its attempt to pay."""
        owner = current.guest_owner(self.buyer.http.cookies["gid"])
        query = (
            select(orders.c.status, func.count(order_lines.c.product_id.distinct()).label("lines"))
            .select_from(orders.join(order_lines).join(web_payments))
            .where(orders.c.owner == owner)
            .group_by(orders.c.order_id, orders.c.status)
        )

        async def are_there() -> bool:
            async with self.m.db.read() as tx:
                found = [tuple(row) for row in await tx.execute(query)]
                all_ = (await tx.execute(select(func.count()).where(orders.c.owner == owner))).scalar_one()
            return found == [(state, 1) for state in states] and all_ == len(states)

        return are_there

    def are_members(self, count: int) -> Holds:
        """Ask whether so many have the log-in id."""
        query = select(func.count()).where(users.c.signup_id == self.signup_id)

        async def are_there() -> bool:
            async with self.m.db.read() as tx:
                return bool((await tx.execute(query)).scalar_one() == count)

        return are_there


KINDS = (
    Presser.add,
    Presser.change,
    Presser.remove,
    Presser.undo,
    Presser.order,
    Presser.cancel,
    Presser.sign_up,
    Presser.log_in,
)
MEMBERS = (Presser.sign_up, Presser.log_in)  # who has sent one of these is logged in
