"""Nothing personal and nothing secret leaves by the back doors: logs, messages, error pages, metrics.

A shop of real processes at LOG_LEVEL=DEBUG. Everything a person types, and every secret that a browser or the
shop holds, is a word nobody else uses; the words are sent through every form and past everything that breaks.
"""

import dataclasses
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import aio_pika
import httpx
import pytest
import pytest_asyncio
from sqlalchemy import select, text

from app.infra.queues import EXCHANGE
from app.machines import Machines, build_machines
from app.models import outbox, web_payments
from sandbox.toss.config import Config
from tasks.registry import LISTENERS
from tests.goods import mug
from tests.house.test_headers import talk
from tests.processes import Buyer, Placed, RunningShop, serving
from tests.shop import eventually, settings_for
from tests.stack import STACKS, Stack
from tests.toss_stand import Stand
from tests.village import hana, run_over_http

pytestmark = pytest.mark.real_first

MARK = secrets.token_hex(4)
FORGED = "FORGED-LINE"
SERVER_ERROR = 500
# What is typed. The telephone is digits alone in the database and has hyphens in the form.
TYPED = {
    "signup_id": f"cnry{MARK}",
    "name": f"카나리아{MARK}",
    "phone": "010-7391-4826",
    "password": f"카나리아 비밀 문장 {MARK}",
    "wrong": f"틀린 카나리아 문장 {MARK}",
    "address1": f"카나리아길 17 {MARK}",
    "address2": f"카나리아동 401호 {MARK}",
    "note": f"카나리아 메모 {MARK}",
    "mail": f"canary.{MARK}@example.com",
    "account_number": "73914826504",
    "holder_name": f"예금주{MARK}",
    "junk": f"junk-{MARK}",
}
KEPT = {
    "SECRET_KEY": f"secret-key-{MARK}",
    "PASSWORD_PEPPER": f"pepper-{MARK}",
    "METRICS_TOKEN": f"metrics-{MARK}",
}
ACCOUNT = {
    **{name: TYPED[name] for name in ("name", "phone", "signup_id", "password")},
    "email": TYPED["mail"],
    **dict.fromkeys(("terms", "privacy", "age"), "1"),
}
# A mail cannot be sent without its address: these two may name it, there and nowhere else in them.
ADDRESSED = re.compile(r'("type":"(?:send\.mail|password\.reset_asked)".*?"(?:to|email)":)"[^"]*"')
RECIPIENT = {
    "recipient_name": TYPED["name"], "recipient_phone": TYPED["phone"], "postcode": "04524",
    "address1": TYPED["address1"], "address2": TYPED["address2"], "delivery_note": TYPED["note"],
}  # fmt: skip
LINE = f"{TYPED['junk']}\r\n{FORGED}"
# Ways to break statements that carry what was typed, and to mend them: as a migration gone wrong does.
BREAKS = (
    ("users RENAME COLUMN phone TO away", "users RENAME COLUMN away TO phone"),
    (
        "web_payments RENAME COLUMN customer_phone TO away",
        "web_payments RENAME COLUMN away TO customer_phone",
    ),
    ("users RENAME TO away", "away RENAME TO users"),
    ("orders RENAME TO away", "away RENAME TO orders"),
    ("carts RENAME TO away", "away RENAME TO carts"),
)


class Spy(Buyer):
    """A browser that remembers every secret it was given, and every failure it was shown."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        super().__init__(http)
        self.secrets: set[str] = set()
        self.failures: list[httpx.Response] = []
        http.event_hooks["response"].append(self.note)

    async def note(self, answer: httpx.Response) -> None:
        await answer.aread()
        self.secrets |= {
            cookie.split(";")[0].partition("=")[2] for cookie in answer.headers.get_list("set-cookie")
        }
        self.secrets |= set(re.findall(r'name="csrf" value="([^"]+)"', answer.text))
        if answer.status_code >= 400 and answer.status_code != 422:
            self.failures.append(answer)


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """The shop, what stands behind it, and who goes through it."""

    running: RunningShop
    m: Machines
    stand: Stand
    messages: list[str]
    found: set[str]

    def spy(self) -> Spy:
        http = httpx.AsyncClient(base_url=self.running.url, timeout=30, trust_env=False)
        spy = Spy(http)
        self.running.buyers.append(spy)
        return spy

    @property
    def spies(self) -> list[Spy]:
        """Everybody who was here."""
        return [buyer for buyer in self.running.buyers if isinstance(buyer, Spy)]

    def words(self) -> set[str]:
        """All that may be nowhere."""
        digits = {re.sub(r"\D", "", TYPED["phone"])}
        known = {*TYPED.values(), *digits, *KEPT.values(), FORGED, Config().secret_key, *self.found}
        return {word for word in known.union(*(spy.secrets for spy in self.spies)) if len(word) > 6}


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=STACKS)
async def scene(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    """A day in the shop: all that can be done there, done; then with a table missing; then without Redis."""
    folder = tmp_path_factory.mktemp("leaks")
    async with AsyncExitStack() as open_:
        stack = open_.enter_context(STACKS[request.param](folder / "stack"))
        running = await open_.enter_async_context(serving(stack, folder, LOG_LEVEL="DEBUG", **KEPT))
        settings = settings_for(stack, folder)
        m = build_machines(
            dataclasses.replace(
                settings, secret_key=KEPT["SECRET_KEY"], password_pepper=KEPT["PASSWORD_PEPPER"]
            )
        )
        open_.push_async_callback(m.close)
        url = stack.toss_api_url
        http = await open_.enter_async_context(httpx.AsyncClient(base_url=url, trust_env=False))
        said = await open_.enter_async_context(tapped(stack))
        scene = Scene(running, m, Stand(url, Config(), http), said, set())
        await live_through(scene)
        await break_things(scene, stack)
        await read_queues(stack, said)
        yield scene


async def live_through(scene: Scene) -> None:
    """Go through every form, well and badly."""
    member, product = scene.spy(), await mug(scene.m)
    signup_id = TYPED["signup_id"]
    await member.post("/signup", **{**ACCOUNT, "signup_id": TYPED["mail"]})
    await member.post("/signup", **{**ACCOUNT, "name": LINE})
    assert (await member.post("/signup", **ACCOUNT)).status_code == 303
    member.token = ""
    assert (
        await member.post("/account/password", password=TYPED["wrong"], new_password="x" * 20)
    ).status_code == 422
    await junk(member)
    await member.add(product)
    placed = await place(member)
    await buy(scene, member, placed, "CARD")
    await member.get(f"/orders/{placed.order_no}/receipt")
    await deposit_and_refund(scene, member, product)
    await member.post("/logout")
    stranger = scene.spy()
    await stranger.post("/login", signup_id=signup_id, password=TYPED["wrong"])
    await stranger.post("/login", signup_id=TYPED["mail"], password=TYPED["password"])
    await stranger.post("/orders/lookup", order_no=placed.order_no, phone=TYPED["phone"])
    await stranger.add(product, 2)
    other = await place(stranger)
    assert (
        await stranger.post("/orders/lookup", order_no=other.order_no, phone=TYPED["phone"])
    ).status_code == 303
    await stranger.post(f"/orders/{other.order_no}/cancellation")
    assert (await stranger.post("/login", signup_id=signup_id, password=TYPED["password"])).status_code == 303
    await junk(stranger)


async def place(spy: Spy) -> Placed:
    await spy.post("/checkout", **{**RECIPIENT, "postcode": LINE})
    review = await spy.post("/checkout", **RECIPIENT)
    seen = re.search(r'name="seen_total" value="(\d+)"', review.text)
    assert seen, review.text
    answer = await spy.post("/checkout", **RECIPIENT, seen_total=seen[1], confirmed="1")
    assert answer.status_code == 303, answer.text
    return await spy.payment(answer.headers["Location"])


async def buy(scene: Scene, spy: Spy, placed: Placed, method: str) -> str:
    """Pay; come back with a wrong sum first, and refuse, and send forged webhooks."""
    key, _ = await scene.stand.approve(placed.amount, method, orderId=placed.payment_no)
    scene.found.add(key)
    await spy.come_back(dataclasses.replace(placed, amount=placed.amount + 1), key)
    await spy.get(f"/payments/toss/failure/{placed.payment_no}", code=LINE, message=TYPED["mail"])
    answer = await spy.come_back(placed, key)
    assert answer.status_code == 303, answer.text
    for said in ({"status": TYPED["mail"]}, {"secret": TYPED["junk"]}):
        body = {
            "eventType": "PAYMENT_STATUS_CHANGED",
            "data": {"orderId": placed.payment_no, "paymentKey": key, **said},
        }
        await spy.http.post("/payments/toss/webhook", json=body)
    deposit = {
        "orderId": placed.payment_no,
        "status": "DONE",
        "secret": TYPED["junk"],
        "transactionKey": LINE,
    }
    await spy.http.post("/payments/toss/webhook", json=deposit)
    return key


async def deposit_and_refund(scene: Scene, member: Spy, product: int) -> None:
    """Pay by deposit, and have an operator send it back to an account."""
    await member.add(product)
    placed = await place(member)
    key = await buy(scene, member, placed, "VIRTUAL_ACCOUNT")
    await scene.stand.act(key, "deposit")
    body = {"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": placed.payment_no}}
    await member.http.post("/payments/toss/webhook", json=body)
    query = select(web_payments).where(web_payments.c.payment_no == placed.payment_no)

    async def is_paid() -> bool:
        async with scene.m.db.read() as tx:
            return bool((await tx.execute(query)).one().payment_status == "PAID")

    await eventually(is_paid, 60)
    async with scene.m.db.read() as tx:
        here = f"/admin/payments/{(await tx.execute(query)).one().web_payment_id}"
    person, operator = await hana(scene.m), scene.spy()
    secret = await run_over_http(operator, person)
    scene.found.update({person.password, person.signup_id, secret})
    codes = (await operator.get("/admin/factors/recovery-codes")).text
    scene.found.update(re.findall(r"<code>([\d-]{24})</code>", codes))
    page = (await operator.get(here)).text
    nonce, bank = re.search(r'name="nonce" value="(\w+)"', page), re.search(r'<option value="(\w+)"', page)
    assert nonce, page
    assert bank
    account = {
        "bank": bank[1],
        "account_number": TYPED["account_number"],
        "holder_name": TYPED["holder_name"],
    }
    form = {"nonce": nonce[1], "amount": "1000", "reason": TYPED["note"], **account}
    await operator.post(f"{here}/refunds", **{**form, "amount": TYPED["junk"]})
    assert (await operator.post(f"{here}/refunds", **form)).status_code == 303
    await operator.post(f"{here}/check")


async def junk(spy: Spy) -> None:
    """Put words where nobody expects any: addresses, headers, cookies, bodies."""
    mail, odd = (
        TYPED["mail"],
        {"X-Forwarded-For": TYPED["junk"], "Referer": f"https://x.example/{TYPED['mail']}"},
    )
    for path in ("/search", "/products", "/signup/availability", "/login", "/orders"):
        await spy.get(path, q=mail, category=mail, signup_id=mail, next=f"/{mail}", after=LINE, sort=mail)
    for path in (
        f"/{mail}",
        f"/static/x/{mail}",
        f"/pictures/{mail}",
        f"/orders/{mail}",
        f"/payments/toss/return/{mail}",
    ):
        await spy.http.get(path, headers=odd)
    for headers in (
        {"Authorization": f"Bearer {mail}"},
        {"Cookie": f"sid={mail}; gid={mail}; order_pass={mail}"},
    ):
        for path in ("/metrics", "/account", "/cart"):
            await spy.http.get(path, headers=headers)
    await spy.http.post("/cart/lines", data={"csrf": mail, "product_id": mail, "key": mail}, headers=odd)
    await spy.http.post("/cart/lines", data={"product_id": "1"}, headers={"Sec-Fetch-Site": mail})
    await spy.post("/cart/lines", product_id=mail, quantity=LINE, key=mail)
    await spy.http.post("/payments/toss/webhook", content=f'{{"{mail}'.encode())
    await spy.http.post(
        "/csp-reports", json={"csp-report": {"document-uri": mail, "effective-directive": mail}}
    )
    await talk(str(spy.http.base_url), f"{mail} {FORGED}\r\nCookie: {mail}\r\n\r\n".encode())


async def break_things(scene: Scene, stack: Stack) -> None:
    """Nearly the same with each of these broken in turn; then without Redis."""
    product = await mug(scene.m)
    for number, (broken, mended) in enumerate(BREAKS):
        spy = scene.spy()
        await spy.add(product)
        review = await spy.post("/checkout", **RECIPIENT)
        await change(scene.m, broken)
        signup_id = f"{TYPED['signup_id']}_{number}"
        seen = re.search(r'name="seen_total" value="(\d+)"', review.text)
        assert seen
        answers = [
            await spy.post("/checkout", **RECIPIENT, seen_total=seen[1], confirmed="1"),
            await spy.post("/cart/lines", product_id=product, quantity=1, key=secrets.token_hex(16)),
            await spy.post("/orders/lookup", order_no=TYPED["junk"], phone=TYPED["phone"]),
            await spy.post("/login", signup_id=signup_id, password=TYPED["password"]),
            await spy.post("/signup", **ACCOUNT | {"signup_id": signup_id}),
        ]
        await change(scene.m, mended)
        assert SERVER_ERROR in {answer.status_code for answer in answers} or "carts" in broken, broken
    stack.redis.kill()
    spy = scene.spy()
    await spy.get("/cart")
    await spy.post("/login", signup_id=TYPED["mail"], password=TYPED["password"])
    await spy.post("/cart/lines", product_id=product, quantity=1, key=TYPED["mail"])
    stack.redis.start()


async def change(m: Machines, statement: str) -> None:
    async with m.db.write() as tx:
        await tx.execute(text(f"ALTER TABLE {statement}"))


@asynccontextmanager
async def tapped(stack: Stack) -> AsyncIterator[list[str]]:
    """Hear every message that is published, besides those it is for."""
    said: list[str] = []
    connection = await aio_pika.connect(stack.amqp_url)
    async with connection, await connection.channel() as channel:
        tap = await channel.declare_queue("tap", exclusive=True)
        for kind in {message.TYPE for listener in LISTENERS for message in listener.messages}:
            await tap.bind(EXCHANGE, kind)

        async def hear(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            said.append(f"{message.body.decode()} {message.headers}")

        await tap.consume(hear, no_ack=True)
        yield said


async def read_queues(stack: Stack, said: list[str]) -> None:
    """Read what waits to be tried again, and what nobody could handle."""
    connection = await aio_pika.connect(stack.amqp_url)
    async with connection, await connection.channel() as channel:
        for listener in LISTENERS:
            for name in listener.queue.declarations():
                queue = await channel.get_queue(name)
                while (message := await queue.get(fail=False, no_ack=True)) is not None:
                    said.append(f"{name}: {message.body.decode()} {message.headers}")


def leaks(scene: Scene, where: str, said: str) -> Iterator[str]:
    """Every word that stands in a text and should not."""
    for word in scene.words():
        for written in {word, json.dumps(word)[1:-1]}:
            if written in said:
                yield f"{where}: {word!r} in …{said[max(0, said.index(written) - 200) :][:300]}…"


async def test_the_logs_have_none_of_it(scene: Scene) -> None:
    said = scene.running.log.read_text()
    assert list(leaks(scene, "log", said)) == []
    lines = [json.loads(line) for line in said.splitlines()]  # each is one object: none was forged
    assert {"app.web.errors", "app.payments.toss"} <= {line["logger"] for line in lines}
    assert [line for line in lines if line["said"].startswith("unexpected: ")]


async def test_the_messages_have_none_of_it(scene: Scene) -> None:
    kinds = {found[1] for one in scene.messages if (found := re.search(r'"type":"([a-z._]+)"', one))}
    assert {"cart.changed", "order.paid", "webhook.received"} <= kinds
    told = [re.sub(ADDRESSED, r"\1", one) for one in scene.messages]
    assert [leak for one in told for leak in leaks(scene, "message", one)] == []
    async with scene.m.db.read() as tx:
        letters = [row.body for row in await tx.execute(select(outbox))]
    told = [re.sub(ADDRESSED, r"\1", str(letter)) for letter in letters]
    assert [leak for one in told for leak in leaks(scene, "outbox", one)] == []


async def test_the_error_pages_have_none_of_it(scene: Scene) -> None:
    failures = [failure for spy in scene.spies for failure in spy.failures]
    statuses = {failure.status_code for failure in failures}
    assert {403, 404, 500, 503} <= statuses
    wrong: list[str] = []
    for failure in failures:
        # A token of the page's own, and what was typed, to be sent again as it is: never a password.
        typed = r'<input type="hidden" name="(?![^"]*password)[^"]+" value="[^"]*">'
        page = re.sub(typed, "", failure.text)
        wrong += leaks(scene, f"{failure.request.url.path} {failure.status_code}", page)
        if failure.status_code >= SERVER_ERROR:
            assert re.search(r"문의 번호</dt><dd>[0-9a-f]{8}</dd>", page), page[-2000:]
            assert not re.search(r"Traceback|Error\b|sqlalchemy|\.py\b", page)
    assert wrong == []


async def test_the_metrics_have_none_of_it(scene: Scene) -> None:
    headers = {"Authorization": f"Bearer {KEPT['METRICS_TOKEN']}"}
    answer = await scene.spy().http.get("/metrics", headers=headers)
    assert "madang_policy_violations_total" in answer.text
    assert list(leaks(scene, "metrics", answer.text)) == []


async def test_debug_is_off(scene: Scene) -> None:
    for path in ("/console", "/__debugger__", "/nowhere?__debugger__=yes&cmd=resource&f=style.css"):
        assert (await scene.spy().http.get(path)).status_code == 404
