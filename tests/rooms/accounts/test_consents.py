"""What a new member agrees to: required and optional apart, not ticked for them, kept with its version."""

import json
import re
from datetime import datetime

import pytest
from sqlalchemy import select

from app.accounts import consents
from app.models import users
from tests.shop import Shop
from tests.village import Person, enter, minji, typed

pytestmark = pytest.mark.real_first


async def record(shop: Shop, signup_id: str) -> dict[str, dict[str, str]]:
    async with shop.m.db.read() as tx:
        row = (await tx.execute(select(users.c.consents).where(users.c.signup_id == signup_id))).one()
    kept: dict[str, dict[str, str]] = json.loads(row.consents)
    return kept


async def test_no_box_is_ticked_and_the_optional_one_stands_apart(shop: Shop) -> None:
    page = await (await shop.visitor().get("/signup")).get_data(as_text=True)
    groups = re.findall(r"<fieldset.*?</fieldset>", page, re.DOTALL)
    boxes = [re.findall(r'<input[^>]*type="checkbox"[^>]*>', group) for group in groups]
    names = [[re.findall(r'name="(\w+)"', box)[0] for box in group] for group in boxes]
    assert names == [["terms", "privacy", "age"], ["marketing"]]
    assert not any("checked" in box for group in boxes for box in group)
    assert all("required" in box for box in boxes[0])
    assert "required" not in boxes[1][0]
    for legend in ("필수 동의", "선택 동의"):
        assert legend in page
    for link in ("/terms", "/privacy"):
        assert f'href="{link}"' in groups[0]


@pytest.mark.parametrize("optional", [{}, {"marketing": "1"}])
async def test_each_consent_is_kept_with_its_version_and_time(shop: Shop, optional: dict[str, str]) -> None:
    form = typed(**optional)
    before = shop.m.clock.now()
    assert (await shop.visitor().post("/signup", **form)).status_code == 303
    kept = await record(shop, form["signup_id"])
    assert set(kept) == {"terms", "privacy", "age", *optional}
    for name, given in kept.items():
        assert given["version"] == consents.VERSIONS[name]
        assert before <= datetime.fromisoformat(given["at"].removesuffix("Z")) <= shop.m.clock.now()


@pytest.mark.parametrize("missing", consents.REQUIRED)
async def test_without_a_required_consent_nobody_is_made_and_the_other_ticks_are_kept(
    shop: Shop, missing: str
) -> None:
    form = typed(marketing="1")
    del form[missing]
    answer = await shop.visitor().post("/signup", **form)
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert re.findall(r'id="signup-(\w+)-error"', page) == [missing]
    ticked = re.findall(r'name="(\w+)" value="1" checked', page)
    assert set(ticked) == {*consents.REQUIRED, "marketing"} - {missing}


async def test_what_is_optional_is_withdrawn_as_easily_as_given(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    assert "받지 않으십니다" in await (await visitor.get("/account")).get_data(as_text=True)
    assert (await visitor.post("/account/consents", marketing="1")).headers["Location"] == "/account"
    assert "받고 계십니다" in await (await visitor.get("/account")).get_data(as_text=True)
    for _ in range(2):
        assert (await visitor.post("/account/consents")).status_code == 303
    kept = (await record(shop, person.signup_id))["marketing"]
    assert set(kept) == {"version", "at", "withdrawn_at"}
    assert await is_out_of_required(shop, person)


async def is_out_of_required(shop: Shop, person: Person) -> bool:
    """Whether the form of the optional consent touches no other."""
    visitor = await enter(shop, person)
    await visitor.post("/account/consents", marketing="1", terms="1", privacy="", age="1")
    return set(await record(shop, person.signup_id)) == {"marketing"}


@pytest.mark.parametrize(("path", "words"), [("/terms", "청약 철회"), ("/privacy", "5년")])
async def test_the_texts_are_linked_from_every_page_and_name_their_version(
    shop: Shop, path: str, words: str
) -> None:
    visitor = shop.visitor()
    assert f'href="{path}"' in await (await visitor.get("/")).get_data(as_text=True)
    page = await (await visitor.get(path)).get_data(as_text=True)
    assert words in page
    assert consents.VERSIONS[path.removeprefix("/")] in page
    assert shop.m.settings.shop_name in page


def test_a_withdrawn_consent_that_is_given_again_holds() -> None:
    now = datetime(2026, 11, 23, 3, 0)  # noqa: DTZ001 - naive UTC, as the database stores it
    given = consents.give("{}", ("marketing",), now)
    gone = consents.withdraw(given, "marketing", now)
    assert [consents.holds(one, "marketing") for one in ("{}", given, gone)] == [False, True, False]
    assert consents.holds(consents.give(gone, ("marketing",), now), "marketing")
    assert consents.withdraw("{}", "marketing", now) == "{}"
