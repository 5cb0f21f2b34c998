"""Somebody's account from sign-up to closing, with scripts and without, by the mail they get."""

import asyncio
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.async_api import expect

from app.core import ids
from tests.journeys.conftest import Enter
from tests.journeys.walker import DESK, PHONE, Walker, fill
from tests.letters import path_in, read
from tests.village import unheard_of_id

# What happens at these doors does not depend on the machines behind them.
pytestmark = pytest.mark.parametrize("grounds", ["embedded"], indirect=True, scope="package")

PASSWORD, NEW = "조용한 아침의 나무", "새로 지은 긴 비밀번호"
SECONDS = 30


async def letter(folder: Path, address: str, subject: str) -> EmailMessage:
    """Wait for a mail the shop has left for somebody."""
    async with asyncio.timeout(SECONDS):
        while True:
            for file in (folder / "data" / "mail").glob("*.eml"):
                mail = read(file.read_bytes())
                if mail["To"] == address and subject in mail["Subject"]:
                    return mail
            await asyncio.sleep(0.1)


async def press(walker: Walker, name: str) -> None:
    """Press a button and wait for the next page."""
    async with walker.page.expect_navigation():
        await walker.button(name).click()


@pytest.mark.parametrize(("scripts", "size"), [(True, PHONE), (False, DESK)], ids=["scripts", "plain"])
async def test_an_account_from_its_first_page_to_its_last(
    enter: Enter, folder: Path, *, scripts: bool, size: tuple[int, int]
) -> None:
    walker = await enter(size, scripts=scripts)
    signup_id, address = unheard_of_id("kim"), f"{ids.idempotency_key()}@example.com"
    await walker.go("/signup")
    await fill(walker, "signup", name="김민지", phone="01012345678", email=address)
    await fill(walker, "signup", signup_id=signup_id, password=PASSWORD)
    for label in ("이용약관에 동의합니다.", "만 14세 이상입니다."):
        await walker.page.get_by_label(label).check()
    await walker.page.locator("#signup-privacy").check()
    await press(walker, "가입하기")

    await walker.go(path_in(await letter(folder, address, "주소를 확인"), walker.url))
    await press(walker, "확인")
    await expect(walker.page.get_by_text(f"지금 주소는 {address} 입니다.")).to_be_visible()

    other = await enter(size, scripts=scripts)
    await other.go("/login")
    await other.link("비밀번호를 잊으셨나요?").click()
    await fill(other, "reset", email=address)
    await press(other, "링크 받기")
    await expect(other.heading("메일을 확인해 주십시오")).to_be_visible()
    mail = await letter(folder, address, "새로 정하는 링크")
    carried: list[str] = []
    other.page.on("request", lambda asked: carried.append(asked.headers.get("referer", "")))
    reset = path_in(mail, other.url)
    await other.go(reset)
    await fill(other, "reset", new_password=NEW)
    await press(other, "바꾸기")
    await expect(other.heading("비밀번호를 바꾸었습니다")).to_be_visible()
    assert not any(reset in referer for referer in carried)

    await walker.go("/account")
    await expect(walker.heading("로그인")).to_be_visible()  # the other browser ended this one's session
    await fill(walker, "login", signup_id=signup_id, password=NEW)
    await press(walker, "로그인")
    await walker.link("로그인된 기기").click()
    await expect(walker.page.get_by_text("지금 이 기기")).to_be_visible()

    await walker.go("/account")
    await walker.link("회원 탈퇴").click()
    await walker.page.get_by_label("위 안내를 읽었고, 탈퇴하겠습니다.").check()
    await press(walker, "탈퇴하기")
    await expect(walker.heading("탈퇴가 끝났습니다")).to_be_visible()
    await walker.go("/account")
    await expect(walker.heading("로그인")).to_be_visible()
