"""Operators in front of a browser: without scripts, with a passkey, and every page of theirs sound."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from sqlalchemy import update

from app.machines import Machines
from app.models import operator_factors, operator_sessions, web_payments
from sandbox import children
from tests.journeys import sound
from tests.journeys.books import on_sale, rows
from tests.journeys.sound import SCHEMES
from tests.journeys.walker import Walker, add, fill, open_walker, order, pay, sign_up
from tests.processes import serving
from tests.stack import Stack
from tests.toss_stand import Stand
from tests.village import Person, hana

# Looks do not depend on the machines behind the page: the embedded ones are enough for this list.
pytestmark = pytest.mark.parametrize("grounds", ["embedded"], indirect=True, scope="package")

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
EXPECTED = ["status of 422", "status of 403"]


@dataclass(slots=True)
class Office:
    """Somebody who runs the shop, their browser with a passkey in it, and a payment to look at."""

    m: Machines
    url: str
    toss: str
    person: Person
    walker: Walker
    secret: str
    web_payment_id: int


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def url(grounds: Stack, folder: Path, m: Machines) -> AsyncIterator[str]:
    """The same shop under a name: browsers make no passkeys for a bare address."""
    port = children.free_port()
    named = f"http://localhost:{port}"
    async with serving(grounds, folder, BIND=f"{children.LOOPBACK}:{port}", PUBLIC_URL=named):
        yield named


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(chromium: Browser, url: str, m: Machines, toss: Stand) -> AsyncIterator[Office]:
    shopper = await open_walker(chromium, url, toss.url)
    await sign_up(shopper)
    [plain] = await on_sale(m, 1)
    await add(shopper, plain)
    await order(shopper)
    await pay(shopper)
    await shopper.page.context.close()
    web_payment_id = max(
        row.web_payment_id for row in await rows(m, web_payments, web_payments.c.payment_status == "PAID")
    )
    person, walker = await hana(m), await open_walker(chromium, url, toss.url)
    cdp = await walker.page.context.new_cdp_session(walker.page)
    await cdp.send("WebAuthn.enable")
    await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    secret = await come_in(walker, person)
    yield Office(m, url, toss.url, person, walker, secret, web_payment_id)
    await walker.page.context.close()


async def give_password(walker: Walker, person: Person) -> None:
    await walker.go("/admin/login")
    await fill(walker, "operator", signup_id=person.signup_id, password=person.password)
    await walker.button("다음: 2단계 인증").click()


async def come_in(walker: Walker, person: Person) -> str:
    """Log in for the first time; return the authenticator's secret."""
    await give_password(walker, person)
    return await enrol(walker)


async def enrol(walker: Walker) -> str:
    """Have the authenticator app scan the picture; return what is in it."""
    await expect(walker.heading("인증 앱을 등록해 주십시오")).to_be_visible()
    secret = (await walker.page.locator("dd code").inner_text()).replace(" ", "")
    await fill(walker, "enrolment", code=pyotp.TOTP(secret).now())
    await walker.button("등록하기").click()
    await expect(walker.heading("복구 코드를 적어 두십시오")).to_be_visible()
    return secret


async def let_ten_minutes_pass(m: Machines, person: Person, minutes: int = 11) -> None:
    """For the second factor, and for the code that was used then."""
    async with m.db.write() as tx:
        mine = operator_sessions.c.user_id == person.user_id
        ago = m.clock.now() - timedelta(minutes=minutes)
        await tx.execute(
            update(operator_sessions)
            .where(mine, operator_sessions.c.proved_at.is_not(None))
            .values(proved_at=ago)
        )
        used = operator_factors.c.user_id == person.user_id
        await tx.execute(update(operator_factors).where(used).values(last_step=None))


async def test_an_operator_does_everything_without_scripts(
    chromium: Browser, url: str, m: Machines, toss: Stand, office: Office
) -> None:
    person, walker = await hana(m), await open_walker(chromium, url, toss.url, scripts=False)
    walker.forgiven[:] = EXPECTED
    secret = await come_in(walker, person)
    recovery = await walker.page.locator("ol code").first.inner_text()
    await walker.link("적어 두었습니다").click()
    await expect(walker.heading("결제 확인")).to_be_visible()
    await let_ten_minutes_pass(m, person)
    await walker.go(f"/admin/payments/{office.web_payment_id}")
    await fill(walker, "refund", amount="1000", reason="단순 변심")
    await walker.button("환불하기").click()
    await expect(walker.heading("다시 인증해 주십시오")).to_be_visible()
    await expect(walker.button("패스키로 인증")).to_have_count(0)
    await fill(walker, "second-factor", proof="000000")
    await walker.button("확인").click()
    await expect(walker.page.get_by_role("alert")).to_be_visible()
    await fill(walker, "second-factor", proof=pyotp.TOTP(secret).now())
    await walker.button("확인").click()
    await expect(walker.page.get_by_role("cell", name="환불 완료")).to_be_visible()
    await walker.link("변경 기록").click()
    await expect(walker.page.get_by_role("cell", name="1,000원 · 단순 변심")).to_be_visible()
    await walker.button("로그아웃").click()
    await expect(walker.heading("운영자 로그인")).to_be_visible()
    await give_password(walker, person)
    await fill(walker, "second-factor", proof=recovery)
    await walker.button("확인").click()
    await expect(walker.heading("결제 확인")).to_be_visible()
    assert walker.unforgiven == []
    await walker.page.context.close()


async def test_a_passkey_opens_the_door_and_goes_on_with_a_change(office: Office) -> None:
    walker = office.walker
    await walker.go("/admin/factors")
    await fill(walker, "passkey", label="사무실 노트북")
    await walker.button("패스키 등록").click()
    await expect(walker.button("사무실 노트북 패스키 삭제")).to_be_visible()
    await walker.button("로그아웃").click()
    await give_password(walker, office.person)
    await walker.button("패스키로 인증").click()
    await expect(walker.heading("결제 확인")).to_be_visible()
    walker.forgiven[:] = EXPECTED
    await let_ten_minutes_pass(office.m, office.person)
    await walker.go("/admin/factors")
    await walker.button("복구 코드 새로 만들기").click()
    await walker.button("패스키로 인증").click()
    await expect(walker.heading("복구 코드를 적어 두십시오")).to_be_visible()
    assert walker.unforgiven == []


async def test_a_passkey_that_is_not_there_is_said_and_the_code_is_left(
    chromium: Browser, office: Office
) -> None:
    walker = await open_walker(chromium, office.url, office.toss)
    cdp = await walker.page.context.new_cdp_session(walker.page)
    await cdp.send("WebAuthn.enable")  # and nothing in it
    await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR | {"isUserVerified": False}})
    await give_password(walker, office.person)
    await walker.button("패스키로 인증").click()
    await expect(walker.notice).to_contain_text("패스키를 쓰지 못했습니다")
    await let_ten_minutes_pass(office.m, office.person)
    await fill(walker, "second-factor", proof=pyotp.TOTP(office.secret).now())
    await walker.button("확인").click()
    await expect(walker.heading("결제 확인")).to_be_visible()
    assert walker.unforgiven == []
    await walker.page.context.close()


Way = Callable[[Walker, Office], Awaitable[None]]


def page(path: str) -> Way:
    async def go(walker: Walker, office: Office) -> None:
        await walker.go(path.format(office=office))

    return go


def wrong(path: str, button: str) -> Way:
    """Send a page's form as it is, whatever the browser thinks of it."""

    async def go(walker: Walker, office: Office) -> None:
        await let_ten_minutes_pass(office.m, office.person, minutes=0)
        await walker.go(path)
        form = walker.page.locator("main form").filter(has=walker.button(button))
        await form.evaluate("(form) => { form.noValidate = true; }")
        await walker.button(button).click()
        await expect(walker.page.get_by_role("alert")).to_be_visible()

    return go


async def again(walker: Walker, office: Office) -> None:
    await let_ten_minutes_pass(office.m, office.person)
    await walker.go("/admin/factors")
    await walker.button("복구 코드 새로 만들기").click()
    await expect(walker.heading("다시 인증해 주십시오")).to_be_visible()


async def missing(walker: Walker, office: Office) -> None:
    await walker.go("/admin/payments/999999999")
    await expect(walker.link("결제 확인").first).to_be_visible()


PAGES: dict[str, Way] = {
    "payments": page("/admin/payments"),
    "payment": page("/admin/payments/{office.web_payment_id}"),
    "payment not there": missing,
    "audit log": page("/admin/audit-log"),
    "access log": page("/admin/access-log"),
    "factors": page("/admin/factors"),
    "another app": page("/admin/factors/totp"),
    "another app, wrong": wrong("/admin/factors/totp", "바꾸기"),
    "second factor again": again,
}
ENTRIES: dict[str, Way] = {
    "log-in": page("/admin/login"),
    "log-in, wrong": wrong("/admin/login", "다음: 2단계 인증"),
}


SAMPLE = {"payment", "another app, wrong"}


@pytest.mark.parametrize("kind", PAGES)
async def test_the_page_is_sound(office: Office, kind: str) -> None:
    walker = office.walker
    walker.complaints.clear()
    walker.forgiven[:] = [*EXPECTED, "status of 404"]
    await PAGES[kind](walker, office)
    await be_sound(walker)
    if kind in SAMPLE:
        await sound.load_axe(walker.page)
        for width, scheme in ((360, SCHEMES[0]), (1280, SCHEMES[1])):
            assert (await sound.ask_axe(walker.page, width, scheme))[1] == []
        assert await sound.bear(walker.page) == []


@pytest.mark.parametrize("kind", ENTRIES)
async def test_the_way_in_is_sound(chromium: Browser, office: Office, kind: str) -> None:
    walker = await open_walker(chromium, office.url, office.toss)
    walker.forgiven[:] = EXPECTED
    await ENTRIES[kind](walker, office)
    await be_sound(walker)
    await walker.page.context.close()


async def test_the_enrolment_and_its_codes_are_sound(
    chromium: Browser, url: str, m: Machines, toss: Stand
) -> None:
    walker, person = await open_walker(chromium, url, toss.url), await hana(m)
    await give_password(walker, person)
    await expect(walker.heading("인증 앱을 등록해 주십시오")).to_be_visible()
    await be_sound(walker)
    await enrol(walker)
    await be_sound(walker)
    await walker.button("로그아웃").click()
    await give_password(walker, person)
    await expect(walker.heading("2단계 인증")).to_be_visible()
    await be_sound(walker)
    await walker.page.context.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=[True, False], ids=["scripts", "plain"])
async def desk(
    request: pytest.FixtureRequest, office: Office, chromium: Browser
) -> AsyncIterator[tuple[Walker, bool]]:
    """The operator in another window, with scripts or without."""
    scripts: bool = request.param
    walker = await open_walker(chromium, office.url, office.toss, scripts=scripts)
    cookies = (await office.walker.page.context.storage_state())["cookies"]
    await walker.page.context.add_cookies(cookies)  # type: ignore[arg-type]
    yield walker, scripts
    await walker.page.context.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", PAGES)
async def test_axe_finds_nothing_in_any_cell_of_the_desk(
    desk: tuple[Walker, bool], office: Office, kind: str
) -> None:
    walker, scripts = desk
    await PAGES[kind](walker, office)
    tally, found = await sound.ask_axe_everywhere(walker.page, scripts=scripts)
    print(f"\noperators, {kind}: {tally}")  # noqa: T201
    assert found == []
    assert await sound.bear(walker.page) == []


@pytest.mark.slow
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_axe_finds_nothing_in_any_cell_of_the_way_in(
    chromium: Browser, office: Office, m: Machines, *, scripts: bool
) -> None:
    walker, person = await open_walker(chromium, office.url, office.toss, scripts=scripts), await hana(m)
    found: list[str] = []

    async def look(where: str) -> None:
        tally, lines = await sound.ask_axe_everywhere(walker.page, scripts=scripts)
        print(f"\noperators, {where}: {tally}")  # noqa: T201
        found.extend(f"{where}: {line}" for line in [*lines, *await sound.bear(walker.page)])

    for kind, way in ENTRIES.items():
        await way(walker, office)
        await look(kind)
    await give_password(walker, person)
    await expect(walker.heading("인증 앱을 등록해 주십시오")).to_be_visible()
    await look("enrolment")
    await enrol(walker)
    await look("codes")
    await walker.button("로그아웃").click()
    await give_password(walker, person)
    await expect(walker.heading("2단계 인증")).to_be_visible()
    await look("second factor")
    await walker.page.context.close()
    assert found == []


# The page, and the pieces on it: each is there many times, and two of a kind are no two parts of a page.
GALLERY = [{"exclude": ".pane"}, {"include": ".pane"}]
MANY_TIMES = "landmark-unique"


@pytest.mark.slow
@pytest.mark.parametrize("within", GALLERY, ids=["around", "pieces"])
async def test_axe_finds_nothing_in_any_piece_in_any_state(
    desk: tuple[Walker, bool], within: dict[str, str]
) -> None:
    walker, scripts = desk
    await walker.go("/admin/partials")
    tally, found = await sound.ask_axe_everywhere(walker.page, scripts=scripts, within=within)
    print(f"\ngallery, {within}: {tally}")  # noqa: T201
    assert [line for line in found if MANY_TIMES not in line] == []


async def be_sound(walker: Walker) -> None:
    assert await sound.audit(walker.page) == []
    assert walker.unforgiven == []
