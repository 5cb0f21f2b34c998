"""Passkeys: made, used, and refused when the answer is to another question, site or key."""

from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from app.operators import passkeys
from app.operators.service import MOST_PASSKEYS
from app.settings import Settings
from tests.authenticator import Authenticator
from tests.desk import changes_of, options_in, text
from tests.house.junk import VALUES
from tests.shop import Shop, Visitor
from tests.village import Person, hana, knock, run

pytestmark = pytest.mark.real_first


@pytest_asyncio.fixture(loop_scope="session")
async def person(shop: Shop) -> Person:
    """Somebody who runs the shop."""
    return await hana(shop.m)


async def add(desk: Visitor, key: Authenticator, label: str = "사무실 노트북") -> int:
    made = key.make(options_in(await text(await desk.get("/admin/factors"))))
    return (await desk.post("/admin/factors/passkeys", label=label, made=made)).status_code


async def asked(desk: Visitor) -> str:
    return options_in(await text(await desk.get("/admin/second-factor")))


async def prove(desk: Visitor, answer: str) -> int:
    return (await desk.post("/admin/second-factor", proof="", passkey=answer)).status_code


async def test_a_passkey_is_made_and_lets_its_owner_in(shop: Shop, person: Person) -> None:
    key = Authenticator()
    assert await add(await run(shop, person), key) == 303
    for _ in range(2):
        desk = await knock(shop, person)
        assert await prove(desk, key.answer(await asked(desk))) == 303
        page = await text(await desk.get("/admin/factors"))
        assert "사무실 노트북" in page
    assert "아직 없음" not in page  # when it was used last is told
    assert [row.detail for row in await changes_of(shop, person)].count("패스키") == 2


async def test_an_answer_is_good_once(shop: Shop, person: Person) -> None:
    """Also where the key does not count its signatures: the question is used up."""
    key = Authenticator(count=-1)
    await add(await run(shop, person), replace(key, count=0))
    desk, other = await knock(shop, person), await knock(shop, person)
    question = await asked(desk)
    answer = key.answer(question)
    assert await prove(other, answer) == 422  # the question of another session
    assert await asked(other) != question
    assert await prove(desk, "{}") == 422
    assert await prove(desk, answer) == 422  # one wrong answer, and it is another question
    key.count = -1
    again = key.answer(await asked(desk))
    assert await prove(desk, again) == 303


@pytest.mark.parametrize(
    "lie", [{"origin": "https://evil.example"}, {"host": "evil.example"}, {"count": -1}, {"key": "another"}]
)
async def test_what_another_site_or_another_key_signed_is_refused(
    shop: Shop, person: Person, lie: dict[str, Any]
) -> None:
    key = Authenticator(count=5)
    await add(await run(shop, person), key)
    desk = await knock(shop, person)
    await prove(desk, key.answer(await asked(desk)))
    desk = await knock(shop, person)
    changed = {"key": Authenticator().key} if "key" in lie else lie
    liar = replace(key, **changed)
    assert await prove(desk, liar.answer(await asked(desk))) == 422
    assert (await desk.get("/admin/payments")).status_code == 303


async def test_a_passkey_of_another_operator_opens_nothing(shop: Shop, person: Person) -> None:
    theirs, mine = Authenticator(), Authenticator()
    await add(await run(shop, await hana(shop.m)), theirs)
    await add(await run(shop, person), mine)
    desk = await knock(shop, person)
    assert await prove(desk, theirs.answer(await asked(desk))) == 422


@pytest.mark.parametrize("kind", sorted(VALUES))
async def test_what_no_passkey_says_is_refused_politely(shop: Shop, person: Person, kind: str) -> None:
    inside = await run(shop, person)
    await add(inside, Authenticator())
    desk = await knock(shop, person)
    token = await desk.token()
    for field, url, visitor in (
        ("passkey", "/admin/second-factor", desk),
        ("made", "/admin/factors/passkeys", inside),
    ):
        token = await visitor.token()
        body = f"csrf={token}&label=x&{field}={VALUES[kind]}"
        answer = await visitor.client.post(
            url, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert answer.status_code == 422, url
        assert 'role="alert"' in await text(answer)


@pytest.mark.parametrize(
    "junk", ["[" * 5000, "null", "[]", '{"id": 1}', '{"id": [], "response": "x"}', "{" * 9000]
)
async def test_json_that_is_no_passkey_is_refused_politely(shop: Shop, person: Person, junk: str) -> None:
    inside = await run(shop, person)
    await add(inside, Authenticator())
    assert (await inside.post("/admin/factors/passkeys", label="x", made=junk)).status_code == 422
    assert await prove(await knock(shop, person), junk) == 422


async def test_an_answer_to_somebody_elses_question_is_no_new_passkey(shop: Shop, person: Person) -> None:
    desk, other = await run(shop, person), await run(shop, await hana(shop.m))
    made = Authenticator().make(options_in(await text(await other.get("/admin/factors"))))
    answer = await desk.post("/admin/factors/passkeys", label="노트북", made=made)
    assert answer.status_code == 422
    assert 'value="노트북"' in await text(answer)
    for liar in (Authenticator(origin="https://evil.example"), Authenticator(host="evil.example")):
        assert await add(desk, liar) == 422
    assert "패스키 0개" in await text(await desk.get("/admin/factors"))


async def test_one_passkey_sent_twice_is_one(shop: Shop, person: Person) -> None:
    desk, key = await run(shop, person), Authenticator()
    assert [await add(desk, key), await add(desk, key)] == [303, 303]
    assert "패스키 1개" in await text(await desk.get("/admin/factors"))


async def test_there_is_an_end_to_passkeys(shop: Shop, person: Person) -> None:
    desk = await run(shop, person)
    made = Authenticator().make(options_in(await text(await desk.get("/admin/factors"))))
    assert [await add(desk, Authenticator()) for _ in range(MOST_PASSKEYS)] == [303] * MOST_PASSKEYS
    answer = await desk.post("/admin/factors/passkeys", label="x", made=made)
    assert answer.status_code == 422
    assert "먼저 삭제해 주십시오" in await text(answer)


async def test_a_passkey_is_removed_by_its_owner_and_then_opens_nothing(shop: Shop, person: Person) -> None:
    desk, key = await run(shop, person), Authenticator()
    await add(desk, key)
    page = await text(await desk.get("/admin/factors"))
    url = page.split('action="/admin/factors/passkeys/')[1].split('"')[0]
    other = await run(shop, await hana(shop.m))
    assert (await other.post(f"/admin/factors/passkeys/{url}")).status_code == 404
    back = await knock(shop, person)
    answer = key.answer(await asked(back))
    assert (await desk.post(f"/admin/factors/passkeys/{url}")).status_code == 303
    assert "패스키 0개" in await text(await desk.get("/admin/factors"))
    assert await prove(back, answer) == 422
    assert "data-options" not in await text(await back.get("/admin/second-factor"))


def test_a_bare_address_has_no_passkeys_because_browsers_make_none_there() -> None:
    sites = {
        "https://shop.example": ("shop.example", "https://shop.example"),
        "http://localhost:8000": ("localhost", "http://localhost:8000"),
    }
    for url, (host, origin) in sites.items():
        site = passkeys.site_of(Settings(public_url=url))
        assert site is not None
        assert (site.host, site.origin) == (host, origin)
    for url in ("http://127.0.0.1:8000", "http://[::1]:8000", "https://192.0.2.1"):
        assert passkeys.site_of(Settings(public_url=url)) is None
