"""Signing up: who gets in, what is said beside each field, and nobody made when something is wrong."""

import asyncio
import re
import unicodedata
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from app.accounts import service
from app.core.errors import CommitUnknownError, InvalidError
from app.infra.db import Database
from app.models import users
from tests.shop import Shop
from tests.village import PASSWORD, enter, hana, minji, typed, unheard_of_id


async def row_of(shop: Shop, signup_id: str) -> Any:
    async with shop.m.db.read() as tx:
        return (await tx.execute(select(users).where(users.c.signup_id == signup_id))).first()


async def test_a_stranger_signs_up_and_is_logged_in(shop: Shop) -> None:
    visitor, form = shop.visitor(), typed()
    answer = await visitor.post("/signup", **form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    page = await (await visitor.get("/account")).get_data(as_text=True)
    assert form["signup_id"] in page
    assert "김민지" in page
    assert "010-1234-5678" in page
    row = await row_of(shop, form["signup_id"])
    assert (row.role, row.phone, row.session_epoch) == ("shopper", "01012345678", 0)
    assert row.signup_password.startswith("$2b$")


async def test_htmx_is_told_where_to_go(shop: Shop) -> None:
    answer = await shop.visitor().post("/signup", htmx=True, **typed(next="/checkout"))
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/checkout")


async def test_where_the_stranger_was_going_is_kept(shop: Shop) -> None:
    visitor = shop.visitor()
    page = await (await visitor.get("/signup?next=/orders")).get_data(as_text=True)
    assert 'name="next" value="/orders"' in page
    answer = await visitor.post("/signup", **typed(next="/orders"))
    assert answer.headers["Location"] == "/orders"


BAD: dict[str, list[Any]] = {
    "name": ["", " ", "가" * 256, "김\x00민지", ["김민지", "박준"]],
    "phone": [
        "",
        "-1",
        "010",
        "1e9",
        "0101234567890",
        "공일공",
        "٠١٠١٢٣٤٥٦٧٨",
        ["01012345678", "01012345679"],
    ],
    "signup_id": [
        "",
        "abc",
        "a" * 16,
        "a" * 65,
        "민지민지",
        "min ji",
        "min-ji",
        "' OR 1=1 --",
        ["min1", "min2"],
    ],
    "email": [
        "",
        "minji",
        "minji@",
        "@example.com",
        "minji@example",
        "min ji@example.com",
        "민지@example.com",
        "minji@example.com\r\nBcc: jun@example.com",
        "minji@example.com,jun@example.com",
        "<minji@example.com>",
        f"{'a' * 65}@example.com",
        ["minji@example.com", "jun@example.com"],
    ],
    "password": [
        "",
        "짧다",
        "x" * 1001,
        "password",
        "01012345678",
        "minji@example.com",
        "MINJI@EXAMPLE.COM12",
        [PASSWORD, PASSWORD],
    ],
    "terms": ["", "0", "on"],
    "privacy": ["", "yes"],
    "age": [""],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field in BAD for value in BAD[field]])
async def test_what_is_wrong_is_said_beside_its_field_and_nobody_is_made(
    shop: Shop, field: str, value: str | list[str]
) -> None:
    form = typed(**{field: value})
    answer = await shop.visitor().post("/signup", **form)
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422, page
    assert re.findall(r'id="signup-(\w+)-error"', page) == [field]
    for name in {"name", "phone", "email"} - {field}:
        assert f'value="{form[name]}"' in page
    assert PASSWORD not in page
    assert await row_of(shop, str(form["signup_id"])) is None


async def test_everything_missing_is_said_at_once(shop: Shop) -> None:
    visitor = shop.visitor()
    form: dict[str, Any] = {"signup_id[]": "minji", "role": "operator"}
    answer = await visitor.post("/signup", **form)
    page = await answer.get_data(as_text=True)
    assert re.findall(r'id="signup-(\w+)-error"', page) == [
        *("name", "phone", "email", "signup_id", "password"),
        *("terms", "privacy", "age"),
    ]


async def test_more_than_was_asked_for_is_ignored(shop: Shop) -> None:
    form = typed(role="operator", user_id="1", session_epoch="9")
    assert (await shop.visitor().post("/signup", **form)).status_code == 303
    row = await row_of(shop, form["signup_id"])
    assert (row.role, row.session_epoch) == ("shopper", 0)


async def test_names_and_ids_are_kept_in_one_spelling(shop: Shop) -> None:
    signup_id = unheard_of_id("min")
    wide = "".join(chr(ord(char) + 0xFEE0) for char in signup_id.upper())
    form = typed(name=unicodedata.normalize("NFD", "김민지"), signup_id=f" {wide} ")
    assert (await shop.visitor().post("/signup", **form)).status_code == 303
    assert (await row_of(shop, signup_id)).name == "김민지"


async def test_long_passwords_open_the_door_again(shop: Shop) -> None:
    for password in ("가나라다" * 6 + "마", "abcd-efg." * 8 + "x", "a b" * 333 + "c"):
        form = typed(password=password)
        assert (await shop.visitor().post("/signup", **form)).status_code == 303
        again = await shop.visitor().post("/login", signup_id=form["signup_id"], password=password)
        assert again.status_code == 303
        cut = await shop.visitor().post("/login", signup_id=form["signup_id"], password=password[:-1])
        assert cut.status_code == 422


async def test_an_id_is_given_once(shop: Shop) -> None:
    person = await minji(shop.m)
    answer = await shop.visitor().post("/signup", **typed(signup_id=person.signup_id.upper()))
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert re.findall(r'id="signup-(\w+)-error"', page) == ["signup_id"]
    assert service.TAKEN in page


async def test_of_twenty_who_want_an_id_at_once_one_gets_it(shop: Shop) -> None:
    form = typed()
    answers = await asyncio.gather(
        *(shop.visitor().post("/signup", **form | {"password": f"달빛 아래 {n}번 골목"}) for n in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [303, *[422] * 19]


async def test_a_form_sent_again_is_the_same_member_and_a_strangers_is_not(shop: Shop) -> None:
    form = typed()
    answers = [await shop.visitor().post("/signup", **form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert all("sid=" in str(answer.headers.getlist("Set-Cookie")) for answer in answers)
    for changed in ({"password": "달 아래 다른 비밀번호"}, {"name": "이하나"}, {"phone": "010-9876-5432"}):
        assert (await shop.visitor().post("/signup", **{**form, **changed})).status_code == 422


async def test_an_answer_lost_on_the_way_from_the_database_is_read_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    retrying = Database.retrying

    async def lose_the_answer(self: Database, work: Any) -> Any:
        await retrying(self, work)
        raise CommitUnknownError("no answer to COMMIT")

    monkeypatch.setattr(Database, "retrying", lose_the_answer)
    new = service.NewUser(unheard_of_id("min"), PASSWORD, "김민지", "01012345678")
    assert (await service.sign_up(shop.m, new)).signup_id == new.signup_id


async def test_a_form_of_another_page_makes_nobody(shop: Shop) -> None:
    form = typed()
    for token in ("", "wrong", await shop.visitor().token()):
        answer = await shop.visitor().post("/signup", csrf=token, **form)
        assert answer.status_code == 403
    assert await row_of(shop, form["signup_id"]) is None


async def test_ten_megabytes_are_refused_before_they_are_read(shop: Shop) -> None:
    answer = await shop.visitor().post("/signup", **typed(name="가" * 4_000_000))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("taken", "이미 쓰고 있는 아이디입니다"),
        ("free", "쓰실 수 있습니다"),
        ("ab", "4자에서 15자"),
        ("", ""),
    ],
)
async def test_while_typing_one_is_told_whether_an_id_is_free(shop: Shop, asked: str, said: str) -> None:
    word = {"taken": (await minji(shop.m)).signup_id, "free": unheard_of_id("jun")}.get(asked, asked)
    answer = await shop.visitor().get(f"/signup/availability?signup_id={word}", htmx=True)
    piece = unescape(await answer.get_data(as_text=True))
    assert answer.status_code == 200
    assert 'hx-target="#accounts-availability"' in piece
    assert said in piece
    if not said:
        assert "아이디" not in piece


async def test_without_scripts_the_question_leads_to_the_form(shop: Shop) -> None:
    answer = await shop.visitor().get("/signup/availability?signup_id=minji")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signup")


async def test_who_is_logged_in_need_not_sign_up(shop: Shop) -> None:
    visitor = await enter(shop, await minji(shop.m))
    assert (await visitor.get("/signup")).headers["Location"] == "/"
    assert (await visitor.get("/login")).headers["Location"] == "/account"


async def test_operators_are_made_by_hand_under_the_same_rules(shop: Shop) -> None:
    made = await service.create_operator(shop.m, unheard_of_id("hana"), "이하나", PASSWORD)
    assert (made.role, made.phone) == ("operator", "")
    for signup_id, password in (("이하나", PASSWORD), (unheard_of_id("hana"), "password")):
        with pytest.raises(InvalidError):
            await service.create_operator(shop.m, signup_id, "이하나", password)
    with pytest.raises(service.TakenError):
        await service.create_operator(shop.m, (await hana(shop.m)).signup_id, "이하나", PASSWORD)
