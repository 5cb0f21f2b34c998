"""Passwords: none is cut short, the obvious ones are refused, and hashing makes nobody else wait."""

import asyncio
import os
import threading
import unicodedata
from dataclasses import replace

import bcrypt
import pytest

from app.accounts import service
from app.accounts.passwords import QUEUE, Passwords
from app.accounts.rules import PasswordRule
from app.core.errors import TooManyError
from app.machines import Machines
from app.settings import Settings
from tests.shop import Shop
from tests.village import minji, unheard_of_id

LONG = {"25 Hangul": "가나라다" * 6 + "마", "73 ASCII": "abcd-efg." * 8 + "x", "1,000": "a b" * 333 + "c"}


def dearer(m: Machines, cost: int) -> Machines:
    """The same machines, where passwords cost more."""
    return replace(m, settings=replace(m.settings, bcrypt_cost=cost), _kept={})


@pytest.mark.parametrize("password", LONG.values(), ids=list(LONG))
async def test_every_character_of_a_long_password_counts(shop: Shop, password: str) -> None:
    passwords = shop.m.keep(Passwords)
    stored = await passwords.hash(password)
    assert await passwords.verify(password, stored)
    assert not await passwords.verify(password[:-1], stored)
    assert not await passwords.verify(password[:-1] + "!", stored)


async def test_hangul_typed_on_a_mac_is_the_same_password(shop: Shop) -> None:
    stored = await shop.m.keep(Passwords).hash(unicodedata.normalize("NFD", "조용한 아침의 마당"))
    assert await shop.m.keep(Passwords).verify("조용한 아침의 마당", stored)


async def test_without_the_pepper_a_stolen_hash_verifies_nothing(shop: Shop) -> None:
    stored = await shop.m.keep(Passwords).hash("조용한 아침")
    other = replace(shop.m, settings=replace(shop.m.settings, password_pepper="another"), _kept={})
    assert not await other.keep(Passwords).verify("조용한 아침", stored)


async def test_an_unknown_user_costs_as_much_as_a_wrong_password(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await minji(shop.m)
    asked: list[bytes] = []
    check = bcrypt.checkpw

    def recording(password: bytes, hashed: bytes) -> bool:
        asked.append(hashed[:7])
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", recording)
    assert await service.log_in(shop.m, person.signup_id, "틀린 비밀번호") is None
    assert await service.log_in(shop.m, unheard_of_id("nobody"), "틀린 비밀번호") is None
    assert await service.log_in(shop.m, "이런 아이디는 없다", "틀린 비밀번호") is None
    assert asked == [b"$2b$04$"] * 3


async def test_a_hash_made_at_a_lower_cost_does_not_say_that_there_is_an_account(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the cost was raised, a wrong password takes as many rounds as it does for nobody."""
    person = await minji(shop.m)
    rounds: list[int] = []
    check = bcrypt.checkpw

    def recording(password: bytes, hashed: bytes) -> bool:
        rounds.append(2 ** int(hashed[4:6]))
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", recording)
    assert await service.log_in(dearer(shop.m, 7), person.signup_id, "틀린 비밀번호") is None
    assert sum(rounds) == 2**7
    rounds.clear()
    assert await service.log_in(dearer(shop.m, 7), unheard_of_id("nobody"), "틀린 비밀번호") is None
    assert rounds == [2**7]


async def test_logging_in_renews_a_hash_that_became_too_cheap(shop: Shop) -> None:
    person = await minji(shop.m)
    dear = dearer(shop.m, 5)
    assert await service.log_in(dear, person.signup_id, person.password)
    assert (await service.read_account(shop.m, person.user_id)).password_hash.startswith("$2b$05$")
    assert await service.log_in(dear, person.signup_id, person.password)


async def test_the_line_for_hashing_is_short_and_moves_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def slow(_password: bytes, _hashed: bytes) -> bool:
        return go_on.wait(10)

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    m = dearer(shop.m, 4)
    crowd = [asyncio.create_task(m.keep(Passwords).verify("x", "$2b$04$")) for _ in range(100)]
    await asyncio.sleep(0)
    turned_away = [one for one in crowd if one.done()]
    # While the threads are busy the loop answers others.
    assert (await shop.visitor().get("/login")).status_code == 200
    go_on.set()
    answers = await asyncio.gather(*crowd, return_exceptions=True)
    assert len(turned_away) == 100 - QUEUE - (os.cpu_count() or 1)
    assert [type(answer) for answer in answers].count(TooManyError) == len(turned_away)


async def test_whoever_is_turned_away_gets_a_page_that_says_when_to_return(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_self: Passwords, _password: str, _stored: str | None) -> bool:
        raise TooManyError("gate full")

    monkeypatch.setattr(Passwords, "verify", refuse)
    answer = await shop.visitor().post("/login", signup_id="minji", password="조용한 아침")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "5"
    assert "지금 요청이 많습니다" in await answer.get_data(as_text=True)


KNOWN = ("password", "PassWord", "ｐａｓｓｗｏｒｄ", "12345678", "qwertyuiop")
RUNS = ("aaaaaaaa", "23456789", "hgfedcba", "ㅋㅋㅋㅋㅋㅋㅋㅋㅋ")
OWN = ("minji_77", "minji_771234", "madang12", "마당마당마당마당", "01012345678")
LENGTHS = ("", "짧다", "x" * 1001, "x" * 60_000)


@pytest.mark.parametrize("password", [*KNOWN, *RUNS, *OWN, *LENGTHS])
def test_what_everybody_guesses_first_is_refused(password: str) -> None:
    assert rule().judge(password, "minji_77", "01012345678")


@pytest.mark.parametrize(
    "password",
    ["조용한 아침의 마당", "correct horse", "        !", "🍵🍵🍊🍊🍵🍵🍊🍊", "abc 가나다 9", *LONG.values()],
)
def test_anything_else_is_welcome_whatever_it_is_made_of(password: str) -> None:
    assert rule().judge(password, "minji_77", "01012345678") == ""


def test_three_thousand_leaked_passwords_are_known() -> None:
    assert len(rule()._known) == 3000


def rule() -> PasswordRule:
    m = object.__new__(Machines)
    object.__setattr__(m, "settings", Settings())
    return PasswordRule(m)
