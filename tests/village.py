"""The people of the tests' village; every test brings its own."""

import re
import secrets
from dataclasses import dataclass
from typing import Any

import pyotp

from app.accounts import service as accounts
from app.audit.service import Actor
from app.machines import Machines
from app.operators import service as operators
from tests.processes import Buyer
from tests.shop import Shop, Visitor

PASSWORD = "조용한 아침의 마당"
COMMAND_LINE = Actor(None, "root", "command line")


@dataclass(frozen=True)
class Person:
    """Somebody with an account, and the password they would type."""

    user_id: int
    signup_id: str
    password: str
    name: str
    phone: str

    @property
    def owner(self) -> str:
        """Whose cart and orders theirs are."""
        return f"u:{self.user_id}"


async def minji(m: Machines) -> Person:
    """Minji, who shops."""
    return await settle(m, "minji", "김민지", "01012345678")


async def jun(m: Machines) -> Person:
    """Jun, who shops too."""
    return await settle(m, "jun", "박준", "01023456789")


async def hana(m: Machines, word: str = "hana") -> Person:
    """Hana, who runs the shop; she has not logged in yet."""
    signup_id, password, name = unheard_of_id(word), f"달빛 아래 {secrets.token_hex(4)}", "이하나"
    user_id = await operators.create(m, COMMAND_LINE, signup_id, name, password)
    return Person(user_id, signup_id, password, name, "")


async def settle(m: Machines, word: str, name: str, phone: str) -> Person:
    """Give somebody an account under an id nobody else in the village has."""
    signup_id = unheard_of_id(word)
    password = f"달빛 아래 {secrets.token_hex(4)}"
    user = await accounts.sign_up(m, accounts.NewUser(signup_id, password, name, phone))
    return Person(user.user_id, signup_id, password, name, phone)


def unheard_of_id(word: str) -> str:
    """Return a log-in id nobody else in the village has."""
    return f"{word}_{secrets.token_hex(4)}"


def typed(**changed: Any) -> dict[str, Any]:
    """Return what a stranger types into the sign-up form, with something else in it."""
    form = {
        "name": "김민지",
        "phone": "010-1234-5678",
        "email": "minji@example.com",
        "signup_id": unheard_of_id("min"),
        "password": PASSWORD,
        "terms": "1",
        "privacy": "1",
        "age": "1",
    }
    return form | changed


async def save_address(m: Machines, user_id: int, **changed: str) -> str:
    """Save an address nobody else has, as the member's newest; return its number."""
    place = {
        "recipient_name": "김민지",
        "recipient_phone": "01012345678",
        "postcode": "04524",
        "address1": f"서울특별시 중구 세종대로 {secrets.token_hex(4)}",
        "address2": "3층",
    } | changed
    await m.db.retrying(lambda tx: accounts.add_address(tx, user_id, accounts.Place(**place)))
    async with m.db.read() as tx:
        saved = await accounts.read_addresses(tx, user_id)
    return next(one.address_no for one in saved if one.place.address1 == place["address1"])


async def enter(shop: Shop, person: Person) -> Visitor:
    """Log somebody in, in a browser of their own."""
    visitor = shop.visitor()
    answer = await visitor.post("/login", signup_id=person.signup_id, password=person.password)
    assert answer.status_code == 303, await answer.get_data(as_text=True)
    return visitor


async def run(shop: Shop, person: Person) -> Visitor:
    """Let an operator in for the first time, in a browser of their own: the authenticator is enrolled."""
    desk, secret = await begin(shop, person)
    answer = await desk.post("/admin/enrolment", code=pyotp.TOTP(secret).now())
    assert answer.status_code == 303, await answer.get_data(as_text=True)
    desk.form_page = "/admin/factors"
    return desk


async def run_over_http(browser: Buyer, person: Person) -> str:
    """The same in a browser before a shop of processes; return the authenticator's secret."""
    browser.form_page, browser.token = "/admin/login", ""
    answer = await browser.post("/admin/login", signup_id=person.signup_id, password=person.password)
    assert answer.status_code == 303, answer.text
    browser.form_page, browser.token = "/admin/enrolment", ""  # another session, another token
    secret = read_secret((await browser.get("/admin/enrolment")).text)
    answer = await browser.post("/admin/enrolment", code=pyotp.TOTP(secret).now())
    assert answer.status_code == 303, answer.text
    browser.form_page, browser.token = "/admin/factors", ""
    return secret


async def begin(shop: Shop, person: Person) -> tuple[Visitor, str]:
    """Let an operator as far as the authenticator's secret; return the browser and the secret."""
    desk = await knock(shop, person)
    desk.form_page = "/admin/enrolment"
    page = await (await desk.get("/admin/enrolment")).get_data(as_text=True)
    return desk, read_secret(page)


async def knock(shop: Shop, person: Person) -> Visitor:
    """Give an operator's id and password, and no second factor."""
    desk = shop.visitor()
    desk.form_page = "/admin/login"
    answer = await desk.post("/admin/login", signup_id=person.signup_id, password=person.password)
    assert answer.status_code == 303, await answer.get_data(as_text=True)
    desk.form_page = "/admin/second-factor"
    return desk


def read_secret(page: str) -> str:
    """Return the secret an enrolment page shows."""
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found, page
    return found[1].replace(" ", "")
