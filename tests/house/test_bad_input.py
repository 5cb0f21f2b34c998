"""Nothing a browser, a script or a thumb can send breaks a door: a Korean sentence, and nothing changed."""

import dataclasses
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from quart import Quart, Response
from sqlalchemy import Integer, func, select, update

from app.accounts.links import service as links
from app.accounts.links import store
from app.accounts.links.store import Link
from app.core import ids
from app.main import create_app
from app.models import metadata, order_lines, orders, products, stock_movements, users, web_payments
from app.settings import Settings
from app.web.shape import FORM_BYTES, MOST_FIELDS, URL_BYTES
from tests.buyer import ADDRESS, Buyer, attempts, hand_over, stand_of
from tests.fuzz.books import read_books
from tests.goods import mug, sold_out_lamp
from tests.house.junk import LONG, TEN_MEGABYTES, VALUES
from tests.shop import FORM, HTMX, Shop, Visitor
from tests.village import Person, enter, minji, save_address, unheard_of_id

pytestmark = pytest.mark.real_first

WHO = ("guest", "member")
SENTENCE = re.compile(r"[가-힣][^<>]*(?:니다|시오|세요|까요)[.?]?")
# What junk may be answered with. 204 is htmx's redirect, 429 slows guessing.
ANSWERS = {200, 204, 303, 400, 403, 404, 405, 409, 413, 414, 422, 429}
REFUSED = 400

PLACE_FORM = {name: value for name, value in ADDRESS.items() if name != "delivery_note"}
# Every form, filled in soundly: one field at a time is spoilt. A new door must be added here.
FORMS: dict[str, dict[str, str]] = {
    "cart.add_line": {"product_id": "{mug}", "quantity": "1", "key": "0" * 32},
    "cart.set_quantity": {"quantity": "2"},
    "cart.remove_line": {},
    "cart.undo": {},
    "checkout.place_order": {**ADDRESS, "seen_total": "{total}", "confirmed": "1"},
    "orders.look_up": {"order_no": "{order_no}", "phone": ADDRESS["recipient_phone"]},
    "orders.cancel_order": {},
    "accounts.sign_up": {
        "name": "박새로", "phone": "010-9876-5432", "email": "park@example.com", "signup_id": "{new_id}",
        "password": "{new_password}", "terms": "1", "privacy": "1", "age": "1", "next": "/cart",
    },
    "accounts.log_in": {"signup_id": "{signup_id}", "password": "{password}", "next": "/cart"},
    "accounts.log_out": {},
    "accounts.change_password": {"password": "{password}", "new_password": "{password}"},
    "accounts.end_session": {},
    "accounts.end_sessions": {"password": "{password}"},
    "accounts.set_consents": {"marketing": "1"},
    "links.ask_reset": {"email": "nobody@example.com"},
    "links.reset_password": {"new_password": "{new_password}"},
    "links.ask_email": {"email": "park@example.com", "password": "{password}"},
    "links.confirm_email": {},
    "closure.close_account": {"confirmed": "1", "password": "{password}"},
    "payments.receive_webhook": {},
    "payments.take_over": {},
    "addresses.add_address": PLACE_FORM,
    "addresses.change_address": PLACE_FORM,
    "addresses.choose_default": {},
    "addresses.remove_address": {},
    "operators.log_in": {"signup_id": "{signup_id}", "password": "{password}"},
    "operators.log_out": {},
    "operators.prove": {"proof": "123456", "passkey": ""},
    "operators.enrol": {"code": "123456"},
    "operators.replace_totp": {"code": "123456"},
    "operators.add_passkey": {"label": "노트북", "made": "x"},
    "operators.remove_passkey": {},
    "operators.make_codes": {},
    "admin.refund_payment": {"nonce": "0" * 32, "amount": "1000", "reason": "단순 변심"},
    "admin.check_payment": {},
    "ops.receive_violations": {},
}  # fmt: skip
# What would be written if a form's fields were assigned as they come.
NUMBER_MARK, TEXT_MARK = "76543217", "7f3a-nobody-asked"
PLAUSIBLE = {
    "role": "operator", "status": "PAID", "payment_status": "PAID", "total_price": "1", "items_price": "1",
    "price": "1", "delivery_fee": "0", "currency": "USD", "user_id": "1", "owner": "u:1", "version": "9",
    "paid_at": "2026-01-01",
}  # fmt: skip
OUTSIDE = {"payments.receive_webhook", "ops.receive_violations"}  # machines: no token, and no sentences
LEAVING = {
    "accounts.sign_up", "accounts.log_in", "accounts.log_out", "accounts.change_password",
    "accounts.end_sessions", "links.reset_password", "links.ask_email", "closure.close_account",
}  # fmt: skip
FIELDLESS = {
    "addresses.choose_default",
    "addresses.remove_address",
    "orders.cancel_order",
    "accounts.end_sessions",
    "payments.take_over",
}  # any body is a sound one
QUERIES = (
    "q",
    "category",
    "sort",
    "after",
    "signup_id",
    "next",
    "paymentKey",
    "orderId",
    "amount",
    "code",
    "before",
    "month",
)
PATHS = {"product_id": "{mug}", "order_no": "{order_no}", "payment_no": "{payment_no}", "hash_": "x",
         "web_payment_id": "{web_payment_id}", "operator_factor_id": "1",
         "number": "0" * 16, "token": "{token}",
         "payment_pass": "{payment_pass}", "address_no": "{address_no}",
         "path": "css/shop.css", "name": "mug.svg", "language": "ko"}  # fmt: skip


def bare_app() -> Quart:
    """The doors, without anything behind them."""
    return create_app(Settings(secret_key="k", password_pepper="p"))


def doors(method: str) -> dict[str, str]:
    """Every address that takes the method, by endpoint."""
    rules = bare_app().url_map.iter_rules()
    return {rule.endpoint: str(rule) for rule in rules if method in (rule.methods or ())}


POSTS, GETS = doors("POST"), doors("GET")


@dataclasses.dataclass(frozen=True)
class Ground:
    """Somebody with a cart and an order of their own, on one stack."""

    shop: Shop
    who: str
    visitor: Visitor
    person: Person | None
    known: dict[str, Any]

    async def fresh(self) -> Visitor:
        """The same somebody in another browser, for doors that end a session; the password is the old one."""
        if self.person is None:
            return self.shop.visitor()
        here = users.c.user_id == self.person.user_id
        async with self.shop.m.db.write() as tx:
            await tx.execute(update(users).where(here).values(**self.known["account"]))
        return await enter(self.shop, self.person)

    def fill(self, form: Mapping[str, str]) -> dict[str, str]:
        new = {"new_id": unheard_of_id("park"), "new_password": f"새벽 안개 {secrets.token_hex(4)}"}
        return {name: quote(value.format(**{**self.known, **new}), safe="") for name, value in form.items()}

    def address(self, rule: str, **changed: str) -> str:
        filled = {name: value.format(**self.known) for name, value in PATHS.items()} | changed
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: filled[found[1]], rule)

    async def state(self) -> Any:
        """All that a refused form must leave alone."""
        mine = orders.c.order_no == self.known["order_no"]
        tables = (
            select(orders).where(mine),
            select(order_lines).join(orders, orders.c.order_id == order_lines.c.order_id).where(mine),
            select(web_payments).join(orders, orders.c.order_id == web_payments.c.order_id).where(mine),
            select(products).where(products.c.product_id.in_([self.known["mug"], self.known["lamp"]])),
            select(users).where(users.c.user_id == (self.person.user_id if self.person else 0)),
            select(func.count()).select_from(users),
            select(func.count()).select_from(orders),
            select(func.count()).select_from(stock_movements),
        )
        async with self.shop.m.db.read() as tx:
            return [[tuple(row) for row in await tx.execute(query)] for query in tables]


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=WHO)
async def ground(request: pytest.FixtureRequest, shop: Shop) -> AsyncIterator[Ground]:
    """A guest or a member, with an order that waits to be paid and another cart in the making."""
    person = await minji(shop.m) if request.param == "member" else None
    visitor = await enter(shop, person) if person else shop.visitor()
    product, lamp = await mug(shop.m), await sold_out_lamp(shop.m)
    async with stand_of(shop) as stand:
        buyer = Buyer(shop, visitor, stand)
        order_no = await buyer.order((product, 2))
        total = await buyer.seen_total()
        attempt = (await attempts(shop, order_no))[0]
        payment_no = attempt.payment_no
        known = {
            "mug": product, "lamp": lamp, "order_no": order_no, "payment_no": payment_no, "total": total,
            "web_payment_id": attempt.web_payment_id,
            "signup_id": person.signup_id if person else "nobody_here",
            "password": person.password if person else "아무도 아닌 사람",
            "account": await account_of(shop, person) if person else {},
            "token": await reset_link(shop, person) if person else ids.token(),
            "payment_pass": await hand_over(shop, order_no),
            "address_no": await save_address(shop.m, person.user_id) if person else "0" * 32,
        }  # fmt: skip
        yield Ground(shop, request.param, visitor, person, known)


async def account_of(shop: Shop, person: Person) -> dict[str, Any]:
    """The whole row: a form that is sound changes the password, or closes the account."""
    query = select(users).where(users.c.user_id == person.user_id)
    async with shop.m.db.read() as tx:
        return dict((await tx.execute(query)).mappings().one())


async def reset_link(shop: Shop, person: Person) -> str:
    token, ends = ids.token(), shop.m.clock.now() + links.RESET_LIFE
    async with shop.m.db.write() as tx:
        link = Link(ids.fingerprint(token), person.user_id, "minji@example.com")
        await store.insert_link(tx, link, links.RESET, ends)
    return token


def bodies(form: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Every way to spoil one field of a form, as (what was done, the body without its token)."""
    yield "nothing at all", ""
    yield (
        "fields nobody asked for",
        encode(form, role="operator", user_id="1", total_price="1", status="PAID"),
    )
    for name in form:
        yield f"{name} missing", encode({key: value for key, value in form.items() if key != name})
        yield f"{name} as an array", f"{encode(form)}&{name}=1&{name}=2"
        yield f"{name} with brackets", encode(form).replace(f"{name}=", f"{name}[]=")
        for kind, value in VALUES.items():
            yield f"{name}: {kind}", encode({**form, name: value})


def encode(form: Mapping[str, str], **more: str) -> str:
    return "&".join(f"{name}={value}" for name, value in {**form, **more}.items())


async def send(visitor: Visitor, url: str, body: str | bytes, **headers: str) -> Response:
    return await visitor.client.post(url, data=body, headers={**FORM, **headers})


async def trouble(answer: Response, what: str, *, says_so: bool = True) -> list[str]:
    """What is wrong with an answer to junk; nothing, if it is as it should be."""
    page = (await answer.get_data(as_text=False)).decode()
    found = []
    if answer.status_code not in ANSWERS:
        found.append(f"{what}: {answer.status_code}")
    if "Traceback" in page or "Error(" in page:
        found.append(f"{what}: a traceback")
    if "X-Injected" in answer.headers:
        found.append(f"{what}: a header of theirs")
    if "<script>alert" in page:
        found.append(f"{what}: their markup")
    main = page.partition("<main")[2] or page
    if says_so and answer.status_code >= REFUSED and not SENTENCE.search(main):
        found.append(f"{what}: {answer.status_code} without a sentence")
    return found


def test_every_form_is_known_here() -> None:
    assert set(FORMS) == set(POSTS)


@pytest.mark.parametrize("endpoint", GETS)
async def test_a_strange_address_is_answered_with_a_page(
    ground: Ground, endpoint: str, caplog: pytest.LogCaptureFixture
) -> None:
    visitor, wrong = ground.visitor, []
    rule = GETS[endpoint]
    before = await ground.state()
    strange = [*strange_addresses(ground, rule)]
    for what, value in VALUES.items():
        query = "&".join(f"{name}={value}" for name in QUERIES)
        if len(query) > URL_BYTES:  # refused unread: what is just short enough is not
            strange += [
                (f"query {name} {what}", f"{ground.address(rule)}?{name}={value[: URL_BYTES - 500]}")
                for name in QUERIES
            ]
        strange.append((f"query {what}", f"{ground.address(rule)}?{query}"))
        strange.append((f"query twice {what}", f"{ground.address(rule)}?{query}&{query}"))
    for what, url in strange:
        for headers in ({}, HTMX):
            answer = await visitor.client.get(url, headers=headers)
            wrong += await trouble(answer, what)
    assert wrong == []
    assert [record.message for record in caplog.records if record.message.startswith("unexpected")] == []
    assert await ground.state() == before


def strange_addresses(ground: Ground, rule: str) -> Iterator[tuple[str, str]]:
    for name in re.findall(r"<(?:\w+:)?(\w+)>", rule):
        for what, value in VALUES.items():
            yield f"{name}: {what}", ground.address(rule, **{name: value})


@pytest.mark.parametrize(
    ("method", "rule"),
    [(method, rule) for method, rules in (("GET", GETS), ("POST", POSTS)) for rule in rules.values()
     if "<order_no>" in rule],
)  # fmt: skip
async def test_an_order_of_somebody_else_is_not_there(ground: Ground, method: str, rule: str) -> None:
    other = await minji(ground.shop.m)
    url, before = ground.address(rule), await ground.state()
    shopping = ground.shop.visitor()
    await shopping.post("/cart/lines", product_id=ground.known["mug"], quantity=1, key="")
    for visitor in (ground.shop.visitor(), shopping, await enter(ground.shop, other)):
        answer = await (visitor.get(url) if method == "GET" else visitor.post(url))
        assert answer.status_code == 404
        page = await answer.get_data(as_text=True)
        assert "주문을 찾을 수 없습니다" in page
        assert ground.known["order_no"] not in page.replace(url, "")
    assert await ground.state() == before


@pytest.mark.parametrize("rule", [rule for rule in GETS.values() if "<payment_no>" in rule])
async def test_a_payment_number_alone_tells_nothing_about_its_order(ground: Ground, rule: str) -> None:
    page = await (await ground.shop.visitor().get(ground.address(rule))).get_data(as_text=True)
    for private in (ground.known["order_no"], ADDRESS["recipient_name"], ADDRESS["address1"], "달빛 머그"):
        assert private not in page


@pytest.mark.parametrize("endpoint", [name for name in POSTS if name not in OUTSIDE])
async def test_a_form_that_is_not_ours_is_refused_unread(ground: Ground, endpoint: str) -> None:
    url, form = ground.address(POSTS[endpoint]), encode(ground.fill(FORMS[endpoint]))
    before, wrong = await ground.state(), []
    tokens = {"of another browser": quote(await ground.shop.visitor().token(), safe="")} | VALUES
    for what, token in tokens.items():
        answer = await send(ground.visitor, url, f"csrf={token}&{form}")
        wrong += await trouble(answer, what)
        if answer.status_code != 403:
            wrong.append(f"token {what}: {answer.status_code}")
    sound = quote(await ground.visitor.token(), safe="")
    for site in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        answer = await send(ground.visitor, url, f"csrf={sound}&{form}", **site)
        if answer.status_code != 403:
            wrong.append(f"{site}: {answer.status_code}")
    for claim in (
        {},
        {"X-CSRF-Token": "x"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost"},
    ):
        answer = await send(ground.visitor, url, form, **(HTMX | claim))
        wrong += await trouble(answer, f"htmx {claim}")
        if answer.status_code != 403 or "hx-partial" not in await answer.get_data(as_text=True):
            wrong.append(f"htmx {claim}: {answer.status_code}")
    assert wrong == []
    assert await ground.state() == before


@pytest.mark.parametrize("endpoint", [name for name, rule in POSTS.items() if "<" in rule])
async def test_a_form_about_nothing_changes_nothing(ground: Ground, endpoint: str) -> None:
    visitor, wrong = ground.visitor, []
    token, form = quote(await visitor.token(), safe=""), encode(ground.fill(FORMS[endpoint]))
    before = await ground.state()
    for what, url in strange_addresses(ground, POSTS[endpoint]):
        answer = await send(visitor, url, f"csrf={token}&{form}")
        wrong += await trouble(answer, what)
    assert wrong == []
    assert await ground.state() == before


@pytest.mark.parametrize("digit", ["٣", "１", "९", "²"])
async def test_digits_of_other_alphabets_are_no_number_of_a_product(ground: Ground, digit: str) -> None:
    written = str(ground.known["mug"])
    strange = quote(written.translate({ord(plain): digit for plain in written}))
    assert (await ground.visitor.get(f"/products/{strange}")).status_code == 404
    assert (await ground.visitor.post(f"/cart/lines/{strange}/removal")).status_code == 404


async def test_letters_that_did_not_survive_the_way_are_not_kept(ground: Ground) -> None:
    """Bytes that are no UTF-8 arrive as U+FFFD: a name or an address with a hole in it helps nobody."""
    visitor = ground.visitor
    token, form = quote(await visitor.token(), safe=""), ground.fill(FORMS["checkout.place_order"])
    answer = await send(visitor, "/checkout", f"csrf={token}&{encode({**form, 'address1': '%B0%A1'})}")
    assert answer.status_code == 422
    assert "주소에 쓸 수 없는 문자가 있습니다" in await answer.get_data(as_text=True)


WEBHOOKS = {
    "a list": "[]",
    "a number": "1",
    "null": "null",
    "no JSON": "{",
    "nothing": "",
    "deep": "[" * 20_000,
    "no order": '{"eventType": "PAYMENT_STATUS_CHANGED", "data": {}}',
    "an order that is a list": '{"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": ["NO"]}}',
    "an order with a null byte": '{"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": "a\\u0000b"}}',
    "an order that is no text": '{"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": "\\ud800"}}',
    "an order of another alphabet": '{"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": "٣👩‍👧"}}',
    "an endless number": '{"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": ' + "9" * 5_000 + "}}",
    "infinity": '{"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": "NO", "totalAmount": 1e999}}',
    "an event that is a number": '{"eventType": 1, "data": {"orderId": "NO"}}',
    "an event of their own": '{"eventType": "<script>", "data": {"orderId": "NO"}}',
    "a deposit nobody made": '{"orderId": "NO", "status": "DONE", "secret": "x", "transactionKey": "y"}',
    "a payment nobody made": '{"eventType": "PAYMENT_CHANGED", "data": {"orderId": "NO", "status": "DONE"}}',
}


@pytest.mark.parametrize("what", WEBHOOKS)
async def test_a_webhook_of_anybody_changes_nothing(ground: Ground, what: str) -> None:
    before = await ground.state()
    body = WEBHOOKS[what].replace("NO", ground.known["payment_no"])
    client = ground.shop.app.test_client()
    answer = await client.post(
        "/payments/toss/webhook", data=body.encode(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {200, 400}
    assert await answer.get_data(as_text=True) == ""
    assert await ground.state() == before


def unasked(form: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Every column of every table that the form has no field for, with a mark in it; some at a time."""
    marks = {
        column.name: NUMBER_MARK if isinstance(column.type, Integer) else TEXT_MARK
        for table in metadata.tables.values()
        for column in table.columns
    }
    names = sorted(set(marks) - set(form))
    for first in range(0, len(names), 60):
        yield {name: marks[name] for name in names[first : first + 60]}


@pytest.mark.parametrize("endpoint", POSTS)
async def test_a_field_that_the_form_does_not_have_is_written_nowhere(ground: Ground, endpoint: str) -> None:
    """Prices, totals, names, currency, role, status, whose it is: whatever a table has, nobody assigns it."""
    for more in (*unasked(FORMS[endpoint]), PLAUSIBLE):
        visitor = await ground.fresh() if endpoint in LEAVING else ground.visitor
        url, token = ground.address(POSTS[endpoint]), quote(await visitor.token(), safe="")
        form, bare = ground.fill(FORMS[endpoint]), dict(more)
        answer = await send(visitor, url, f"csrf={token}&{encode(bare)}&{encode(form)}")
        assert answer.status_code in ANSWERS
        assert answer.status_code != 403
    for name, rows in (await read_books(ground.shop.m)).items():
        assert [row for row in rows if NUMBER_MARK in row or TEXT_MARK in row] == [], name
    async with ground.shop.m.db.read() as tx:
        mine = orders.c.order_no == ground.known["order_no"]
        order = (await tx.execute(select(orders).where(mine))).one()
        role = select(users.c.role).where(users.c.user_id == (ground.person.user_id if ground.person else 0))
        roles = (await tx.execute(role)).scalars().all()
        price = select(products.c.price, products.c.status).where(
            products.c.product_id == ground.known["mug"]
        )
        assert tuple((await tx.execute(price)).one()) == (12_000, "on_sale")
    assert (order.total_price, order.paid_at) == (int(ground.known["total"]), None)
    assert set(roles) <= {"shopper"}


@pytest.mark.parametrize("sent", [*VALUES.values(), None, "1&quantity=2"], ids=[*VALUES, "missing", "array"])
async def test_a_line_s_quantity_that_no_form_of_ours_sends_changes_nothing(
    ground: Ground, sent: str | None
) -> None:
    """0 is one of ours: it takes the line out."""
    guest, product = ground.shop.visitor(), ground.known["mug"]
    await guest.post("/cart/lines", product_id=product, quantity=2, key="")
    body = f"csrf={quote(await guest.token(), safe='')}" + ("" if sent is None else f"&quantity={sent}")
    answer = await send(guest, f"/cart/lines/{product}", body)
    page = await (await guest.get("/cart")).get_data(as_text=True)
    kept = re.findall(rf'id="cart-quantity-{product}" type="number" name="quantity" value="(\d+)"', page)
    assert (answer.status_code, kept) == ((303, []) if sent == "0" else (422, ["2"]))


@pytest.mark.parametrize("endpoint", POSTS)
async def test_a_body_that_is_no_form_changes_nothing(ground: Ground, endpoint: str) -> None:
    visitor = await ground.fresh()
    url, token = ground.address(POSTS[endpoint]), await visitor.token()
    before, wrong = await ground.state(), []
    shapes = {
        "ten megabytes": (TEN_MEGABYTES, FORM["Content-Type"]),
        "ten megabytes unannounced": (TEN_MEGABYTES, FORM["Content-Type"]),
        "long values": (f"csrf={token}&quantity={LONG}".encode(), FORM["Content-Type"]),
        "JSON": (b'{"quantity": 1}', "application/json"),
        "broken JSON": (b'{"quantity": ', "application/json"),
        "multipart without boundary": (b"--x\r\n", "multipart/form-data"),
        "broken multipart": (
            b"--x\r\nContent-Disposition: form-data\r\n\r\n",
            "multipart/form-data; boundary=x",
        ),
        "a file": (file_part("quantity"), "multipart/form-data; boundary=x"),
        "another character set": (b"quantity=\xff\xfe", f"{FORM['Content-Type']}; charset=utf-99"),
        "no type": (b"quantity=1", ""),
        "raw bytes": (bytes(range(256)), FORM["Content-Type"]),
        "a byte too many": (b"x=" + b"x" * (FORM_BYTES - 1), FORM["Content-Type"]),
        "a field too many": (b"&".join([b"a=1"] * (MOST_FIELDS + 1)), FORM["Content-Type"]),
        "many fields": (b"&".join(b"a%d=1" % number for number in range(9_000)), FORM["Content-Type"]),
        "many parts": (file_part("quantity") * 150, "multipart/form-data; boundary=x"),
        "a large file": (file_part("quantity") + b"x" * FORM_BYTES, "multipart/form-data; boundary=x"),
    }
    for what, (body, kind) in shapes.items():
        headers = {"Content-Type": kind, "X-CSRF-Token": token}
        if what != "ten megabytes unannounced":  # the test's client says no length by itself, browsers do
            headers["Content-Length"] = str(len(body))
        answer = await visitor.client.post(url, data=body, headers=headers)
        wrong += await trouble(answer, what, says_so=endpoint not in OUTSIDE)
        turned_away = answer.status_code in {303, 404}  # before the form was looked at
        many = what == "a field too many" and FORMS[endpoint] and not turned_away
        if (len(body) > FORM_BYTES or many) and answer.status_code != 413:
            wrong.append(f"{what}: {answer.status_code}")
    assert wrong == []
    if endpoint not in FIELDLESS:
        assert await ground.state() == before


def file_part(name: str) -> bytes:
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="a.svg"\r\n'
    return f"{head}Content-Type: image/svg+xml\r\n\r\n<svg/>\r\n--x--\r\n".encode()


@pytest.mark.parametrize("endpoint", POSTS)
async def test_a_spoilt_form_is_refused_politely_and_changes_nothing(
    ground: Ground, endpoint: str, caplog: pytest.LogCaptureFixture
) -> None:
    visitor, wrong = ground.visitor, []
    token, url = quote(await visitor.token(), safe=""), ground.address(POSTS[endpoint])
    before, leaves = await ground.state(), endpoint in LEAVING
    for what, body in bodies(ground.fill(FORMS[endpoint])):
        if leaves:
            visitor = await ground.fresh()
            token, before = quote(await visitor.token(), safe=""), await ground.state()
        for headers in ({}, HTMX):
            answer = await send(visitor, url, f"csrf={token}&{body}", **headers)
            wrong += await trouble(answer, what, says_so=endpoint not in OUTSIDE)
            after = await ground.state()
            if answer.status_code >= REFUSED and after != before:
                wrong.append(f"{what}: refused with {answer.status_code}, and yet something changed")
            before = after
            # A refused sign-up leaves all as it was; a wrong password counts until the next log-in.
            refused = answer.status_code >= REFUSED
            leaves = endpoint in LEAVING and not (endpoint == "accounts.sign_up" and refused)
    assert wrong == []
    assert [record.message for record in caplog.records if record.name == "app.web.errors"
            and record.levelname == "ERROR"] == []  # fmt: skip
