"""Who fuzzes, and their ways in past the log-in forms: their limits are fuzzed, not in our way."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from app.accounts import service as accounts
from app.accounts import sessions
from app.accounts.links import store as links
from app.accounts.links.service import EMAIL, RESET
from app.accounts.store import Member
from app.core import ids
from app.core.errors import NotFoundError
from app.machines import Machines
from app.operators import service as operators
from app.operators import sessions as desk
from app.operators import store
from app.operators.sessions import ENROLLING, INSIDE, PROVING, Operator, Place
from tests.authenticator import Authenticator
from tests.fuzz.spoil import PASSWORD
from tests.fuzz.surface import Surface
from tests.village import COMMAND_LINE, save_address

# How somebody gets in: the name of the cookie, and what it holds.
Enter = Callable[[Machines, Surface], Awaitable[tuple[str, str]]]

SESSION, DESK = "sid", "oid"
PLACE = Place("127.0.0.1", "fuzz")
DAY = timedelta(days=1)


@dataclass(slots=True)
class Shopper:
    """Somebody with an account, and with another one once they have closed it."""

    user_id: int

    async def enter(self, m: Machines, seen: Surface) -> tuple[str, str]:
        """Log in in two browsers, of which one can be logged out by the other, and be mailed two links."""
        try:
            member = await accounts.read_account(m, self.user_id)
        except NotFoundError:
            member = await sign_up(m)
            self.user_id = member.user_id
        for purpose in (RESET, EMAIL):
            seen.learn("token", await be_mailed(m, member, purpose))
        seen.learn("address_no", await save_address(m, member.user_id))
        await sessions.open_session(m, member, "another browser")
        return SESSION, await sessions.open_session(m, member, "fuzz")


@dataclass(slots=True)
class Clerk:
    """Somebody who runs the shop, or is only on the way in."""

    user_id: int
    stage: str

    async def enter(self, m: Machines, _seen: Surface) -> tuple[str, str]:
        """Give the password, and unless they stay at the door, the second factor."""
        async with m.db.read() as tx:
            account = await store.select_account_by_id(tx, self.user_id)
        assert account
        token = await desk.open_entry(m, account, PLACE)
        if self.stage == INSIDE:
            token = await _prove(m, await _find(m, token))
            await _have_passkey(m, await _find(m, token))
        return DESK, token


async def sign_up(m: Machines) -> Member:
    """Make an account."""
    new = accounts.NewUser(f"fuzz_{secrets.token_hex(4)}", PASSWORD, "김민지", "01012345678")
    return await accounts.sign_up(m, new)


async def hire(m: Machines) -> list[Clerk]:
    """Let two people run the shop: one is inside, and at the door in another browser; the other is new."""
    at_work, new = [
        await operators.create(m, COMMAND_LINE, f"desk_{secrets.token_hex(4)}", "이하나", PASSWORD)
        for _ in range(2)
    ]
    return [Clerk(at_work, INSIDE), Clerk(at_work, PROVING), Clerk(new, ENROLLING)]


async def be_mailed(m: Machines, member: Member, purpose: str) -> str:
    """Return the token of a link as it would have come by mail."""
    token = ids.token()
    link = links.Link(ids.fingerprint(token), member.user_id, f"{member.signup_id}@shop.example")
    await m.db.retrying(lambda tx: links.insert_link(tx, link, purpose, tx.clock.now() + DAY))
    return token


async def _find(m: Machines, token: str) -> Operator:
    found = await desk.find_operator(m, token)
    assert found
    return found


async def _prove(m: Machines, found: Operator) -> str:
    """Show the code of a new authenticator; later ones would have to wait for the next half minute."""
    if found.stage == ENROLLING:
        code = operators.code_at((await operators.begin_totp(m, found)).secret, m.clock.now())
        return await operators.enrol(m, found, code, PLACE)
    token = ids.token()
    await m.db.retrying(lambda tx: desk.let_in(tx, found, token, PLACE))
    return token


async def _have_passkey(m: Machines, found: Operator) -> None:
    keyring = await operators.read_keyring(m, found)
    if not keyring.passkeys:
        made = Authenticator().make(keyring.registration)
        await operators.add_passkey(m, found, "사무실", made, PLACE.address)
