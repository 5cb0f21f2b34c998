"""The people of the tests' village; every test brings its own."""

import secrets
from dataclasses import dataclass
from typing import Any

from app.accounts import service as accounts
from app.machines import Machines
from tests.shop import Shop, Visitor

PASSWORD = "조용한 아침의 마당"


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


async def hana(m: Machines) -> Person:
    """Hana, who runs the shop."""
    return await settle(m, "hana", "이하나", "01087654321", role="operator")


async def settle(m: Machines, word: str, name: str, phone: str, role: str = "shopper") -> Person:
    """Give somebody an account under an id nobody else in the village has."""
    signup_id = unheard_of_id(word)
    password = f"달빛 아래 {secrets.token_hex(4)}"
    user = await accounts.sign_up(m, accounts.NewUser(signup_id, password, name, phone), role=role)
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


async def enter(shop: Shop, person: Person) -> Visitor:
    """Log somebody in, in a browser of their own."""
    visitor = shop.visitor()
    answer = await visitor.post("/login", signup_id=person.signup_id, password=person.password)
    assert answer.status_code == 303, await answer.get_data(as_text=True)
    return visitor
