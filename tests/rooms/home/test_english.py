"""Whoever reads English meets no Korean: every page, refused form and failure, with data that has none."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from quart import g

from app.accounts import service as accounts
from app.core import languages
from app.core.errors import ShopError
from app.infra.migrations import migrate
from app.machines import build_machines
from app.main import create_app
from app.operators import service as operators
from app.web import errors
from tests.buyer import ADDRESS, Buyer, attempts, hand_over, stand_of
from tests.goods import mug
from tests.house.test_errors import KINDS
from tests.house.test_gets import RULES
from tests.shop import HTMX, Shop, Visitor, settings_for
from tests.stack import Stack, embedded
from tests.village import COMMAND_LINE, Person, enter, run, save_address, unheard_of_id

HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ][^<>\"]*")
OWN_NAME = ">한국어</a>"  # of the way to the Korean page
GOODS = {
    "name": "Moon mug", "category": "Cups", "country": "Korea", "manufacturer": "Yard",
    "description": "Made by hand.", "list_price": 15_000,
}  # fmt: skip
AT_HOME = {
    "recipient_name": "Minji Kim",
    "address1": "110 Sejong-daero",
    "address2": "3F",
    "delivery_note": "Door",
}
GALLERY = "gallery.show_partials"  # draws Korean samples on purpose


@dataclass(frozen=True, slots=True)
class Ground:
    """A shop whose data are in Latin letters; a guest, a member and an operator who chose English."""

    shop: Shop
    visitors: dict[str, Visitor]
    known: dict[str, Any]

    def address(self, rule: str) -> str:
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(self.known[found[1]]), rule)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Machines that no other test writes Korean into."""
    with embedded(tmp_path_factory.mktemp("english")) as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ground(alone: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    settings = settings_for(alone, tmp_path_factory.mktemp("shop"), shop_name="Madang", **SELLER)
    m = build_machines(settings)
    await migrate(m.db)
    shop = Shop(alone, m, create_app(settings, m))
    product = await mug(m, **GOODS)
    signup_id, password = unheard_of_id("minji"), "a quiet morning"
    user = await accounts.sign_up(m, accounts.NewUser(signup_id, password, "Minji Kim", "01012345678"))
    member = await enter(shop, Person(user.user_id, signup_id, password, "Minji Kim", "01012345678"))
    staff_id, secret = unheard_of_id("hana"), "under the old moon"
    number = await operators.create(m, COMMAND_LINE, staff_id, "Hana Lee", secret)
    operator = await run(shop, Person(number, staff_id, secret, "Hana Lee", ""))
    guest = shop.visitor()
    visitors = {"guest": guest, "member": member, "operator": operator}
    for visitor in visitors.values():
        await visitor.get("/languages/en?back=/")
    async with stand_of(shop) as stand:
        buyer = Buyer(shop, member, stand)
        await buyer.put(product)
        paid = await buyer.check_out(**AT_HOME)
        await buyer.pay(paid)
        await buyer.put(product)
        await buyer.put(await mug(m, **GOODS))
        order_no = await buyer.check_out(**AT_HOME)
        await buyer.put(product)
        await Buyer(shop, guest, stand).put(product)
        [attempt] = await attempts(shop, order_no)
    known = {
        "product_id": product, "order_no": order_no, "paid": paid, "payment_no": attempt.payment_no,
        "web_payment_id": attempt.web_payment_id, "operator_factor_id": 1, "hash_": "x",
        "path": "css/shop.css", "name": "mug.svg",
        "token": "x" * 43, "number": "0" * 16, "language": "en",
        "payment_pass": await hand_over(shop, order_no),
        "address_no": await save_address(
            m, user.user_id, recipient_name="Minji Kim", address1="110 Sejong-daero", address2="3F"
        ),
    }  # fmt: skip
    yield Ground(shop, visitors, known)
    await m.background.drain(10)
    await m.close()


SELLER = {
    "shop_representative": "Gildong Hong", "shop_address": "1 Example-ro, Seoul", "shop_hosting": "Example",
    "shop_mail_order_number": "2026-1", "shop_mail_order_office": "Example",
    "shop_privacy_officer": "Gildong Hong",
}  # fmt: skip


def korean_of(page: str) -> list[str]:
    return HANGUL.findall(page.replace(OWN_NAME, ""))


async def test_money_and_moments_read_as_english_does(ground: Ground) -> None:
    page = await (await ground.visitors["member"].get(f"/orders/{ground.known['paid']}")).get_data(
        as_text=True
    )
    assert "₩12,000" in page, page[page.index("<main") :]
    assert re.search(r"\d{1,2} [A-Z][a-z]{2} 20\d\d, \d\d:\d\d KST", page)
    assert ADDRESS["postcode"] in page


@pytest.mark.parametrize("who", ["guest", "member", "operator"])
async def test_no_page_shows_a_korean_word_to_who_chose_english(ground: Ground, who: str) -> None:
    visitor, found, seen = ground.visitors[who], {}, 0
    urls = [
        ground.address(rule)
        for endpoint, rule in RULES.items()
        if endpoint not in (GALLERY, "home.choose_language")
    ]
    paid = ground.known["paid"]
    urls += [
        f"/orders/{paid}",
        f"/orders/{paid}/receipt",
        "/products?category=Cups",
        "/products?sort=price-up",
    ]
    urls += ["/products?category=none", "/search?q=moon", "/search?q=zzz", "/nowhere"]
    for url in urls:
        for headers in ({}, HTMX):
            answer = await visitor.client.get(url, headers=headers)
            if answer.mimetype != "text/html":
                continue
            seen += 1
            assert answer.headers["Content-Language"] == "en"
            if korean := korean_of(await answer.get_data(as_text=True)):
                found[url] = korean
    assert seen > 50
    assert found == {}


@pytest.mark.parametrize("who", ["guest", "member", "operator"])
async def test_no_refused_form_shows_a_korean_word_to_who_chose_english(ground: Ground, who: str) -> None:
    """Every form sent empty, and with what no field takes; with a token of ours, and with none."""
    visitor, found, statuses = ground.visitors[who], {}, set()
    rules = [str(rule) for rule in ground.shop.app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    spoilt = dict.fromkeys(
        ("name", "phone", "email", "signup_id", "password", "new_password", "quantity", "product_id",
         "postcode", "address1", "recipient_name", "recipient_phone", "amount", "reason", "order_no", "code"),
        "\u0001" + "x" * 1200,
    )  # fmt: skip
    for rule in sorted(rules, key=lambda rule: "closure" in rule):  # the last ones log out
        if "logout" in rule or "webhook" in rule or "reports" in rule:
            continue
        url = ground.address(rule)
        for form in ({}, spoilt, {"csrf": "wrong"}):
            for htmx in (False, True):
                answer = await visitor.post(url, htmx=htmx, **form)
                statuses.add(answer.status_code)
                if korean := korean_of(await answer.get_data(as_text=True)):
                    found[url] = korean
    assert found == {}
    assert {422, 403} <= statuses


@pytest.mark.parametrize("kind", KINDS)
async def test_every_failure_is_told_in_english(ground: Ground, kind: type[ShopError]) -> None:
    async with ground.shop.app.test_request_context("/"):
        with languages.speaking("en"):
            g.shopper, g.cart_count = None, 0
            answer = await errors.answer(kind("the reason is for the log"))
            page = await answer.get_data(as_text=True)
    assert answer.status_code == kind.status
    assert korean_of(page) == []
    assert languages.find(kind.title) == kind.title  # out here it is Korean again
    assert re.search(r"<h1[^>]*>[A-Z]", page)
