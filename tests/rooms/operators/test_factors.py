"""The second factor: a code is good once, guessing gets slow, secrets are sealed."""

import asyncio
import gzip
import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
import pytest_asyncio
import segno
from prometheus_client import REGISTRY
from sqlalchemy import select, update

from app.models import operator_factors, operator_recovery_codes, operators
from app.operators import proof, service, totp
from app.operators.sealing import seal, unseal
from tests.desk import changes_of, code_in, come_back, cookie_of, doors, pass_time, text
from tests.shop import Shop, Visitor
from tests.village import COMMAND_LINE, Person, begin, hana, knock, read_secret

pytestmark = pytest.mark.real_first

WRONG = "인증 코드가 맞지 않거나 이미 쓴 코드입니다"


@pytest_asyncio.fixture(loop_scope="session")
async def person(shop: Shop) -> Person:
    """Somebody who runs the shop."""
    return await hana(shop.m)


async def enrolled(shop: Shop, person: Person) -> tuple[Visitor, str]:
    """The browser in which somebody enrolled, and the authenticator's secret."""
    desk, secret = await begin(shop, person)
    answer = await desk.post("/admin/enrolment", code=code_in(shop, secret, 0))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/factors/recovery-codes")
    desk.form_page = "/admin/factors"
    return desk, secret


async def codes_in(desk: Visitor) -> list[str]:
    page = await text(await desk.get("/admin/factors/recovery-codes"))
    return re.findall(r"<code>([\d-]{24})</code>", page)


async def prove(desk: Visitor, code: str) -> int:
    return (await desk.post("/admin/second-factor", proof=code)).status_code


async def test_the_secret_is_shown_as_a_picture_and_as_text_and_stays_the_same_until_it_is_kept(
    shop: Shop, person: Person
) -> None:
    desk, secret = await begin(shop, person)
    page = await text(await desk.get("/admin/enrolment"))
    assert read_secret(page) == secret
    assert len(secret) == 32
    assert re.search(r'<svg class="qr" viewBox="0 0 (\d+) \1"[^>]* role="img" aria-label=', page)
    assert f"secret={secret}" in page  # and as a link, for the phone it is read on
    assert "style=" not in page.partition("<body")[2]


def test_the_picture_spells_the_address() -> None:
    qr = totp.draw("PB4HQ6DYPB4HQ6DYPB4HQ6DYPB4HQ6DY", "hana", "마당")
    drawn = [[0] * qr.side for _ in range(qr.side)]
    start = re.match(r"M(\d+) (\d+).5(?=m)", qr.path)
    assert start
    column, row = int(start[1]), int(start[2])
    for right, down, length in re.findall(r"m(-?\d+) (\d+)h(\d+)", qr.path):
        column, row = column + int(right), row + int(down)
        drawn[row][column : column + int(length)] = [1] * int(length)
        column += int(length)
    code = segno.make(qr.address, micro=False)
    assert drawn == [list(row) for row in code.matrix_iter(border=4)]
    assert "issuer=" in qr.address
    assert "secret=PB4HQ6DYPB4HQ6DYPB4HQ6DYPB4HQ6DY" in qr.address


async def test_an_operators_page_arrives_in_its_first_13_kilobytes(shop: Shop, person: Person) -> None:
    desk, secret = await begin(shop, person)
    pages = {"/admin/login": shop.visitor(), "/admin/enrolment": desk}
    for url, visitor in pages.items():
        assert len(gzip.compress((await text(await visitor.get(url))).encode())) < 13_000, url
    await desk.post("/admin/enrolment", code=code_in(shop, secret, 0))
    for method, url in doors("operator"):
        if method == "GET" and url != "/admin/partials":  # every piece in every state: for whoever builds
            assert len(gzip.compress((await text(await desk.get(url))).encode())) < 13_000, url


async def test_a_wrong_code_enrols_nothing_and_says_so(shop: Shop, person: Person) -> None:
    desk, secret = await begin(shop, person)
    for code in ("000000", "", "abc", pyotp.TOTP(secret).at(0)):
        answer = await desk.post("/admin/enrolment", code=code)
        assert answer.status_code == 422
        page = await text(answer)
        assert 'role="alert"' in page
        assert read_secret(page) == secret
    assert (await desk.get("/admin/payments")).headers["Location"] == "/admin/enrolment"


async def test_a_code_is_good_once(shop: Shop, person: Person) -> None:
    _, secret = await enrolled(shop, person)
    desk = await knock(shop, person)
    answer = await desk.post("/admin/second-factor", proof=code_in(shop, secret, 0))
    assert answer.status_code == 422  # it was the one that enrolled
    assert WRONG in await text(answer)
    code = code_in(shop, secret, 1)
    assert await prove(desk, f"{code[:3]} {code[3:]}") == 303
    other = await knock(shop, person)
    assert await prove(other, code) == 422


@pytest.mark.parametrize(("steps", "status"), [(-3, 422), (-2, 422), (-1, 303), (0, 303), (1, 303), (3, 422)])
async def test_a_code_is_good_for_its_half_minute_and_the_ones_beside_it(
    shop: Shop, person: Person, steps: int, status: int
) -> None:
    _, secret = await enrolled(shop, person)
    async with shop.m.db.write() as tx:
        mine = operator_factors.c.user_id == person.user_id
        await tx.execute(update(operator_factors).where(mine).values(last_step=None))
    assert await prove(await knock(shop, person), code_in(shop, secret, steps)) == status


async def test_one_code_sent_ten_times_at_once_lets_one_in(shop: Shop, person: Person) -> None:
    _, secret = await enrolled(shop, person)
    some = [await knock(shop, person) for _ in range(10)]
    tokens = [await desk.token() for desk in some]
    code = code_in(shop, secret, 1)
    answers = await asyncio.gather(
        *(
            desk.post("/admin/second-factor", csrf=token, proof=code)
            for desk, token in zip(some, tokens, strict=True)
        )
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses.count(303) == 1, statuses
    assert set(statuses) <= {303, 422, 429, 503}


async def test_guessing_gets_slow_and_somebody_is_told(shop: Shop, person: Person) -> None:
    def alarms() -> float:
        return REGISTRY.get_sample_value("madang_alarms_total", {"kind": "operator_second_factor"}) or 0.0

    _, secret = await enrolled(shop, person)
    desk, told = await knock(shop, person), alarms()
    assert [await prove(desk, "000000") for _ in range(proof.FREE)] == [422] * proof.FREE
    answer = await desk.post("/admin/second-factor", proof=code_in(shop, secret, 1))
    assert answer.status_code == 429  # the right one has to wait as well, or guessing would pay
    assert 0 < int(answer.headers["Retry-After"]) <= proof.FIRST_WAIT.total_seconds()
    assert "초 후 다시 시도해 주십시오" in await text(answer)
    waits = []
    for _ in range(proof.FREE, proof.ALARM_AFTER + 2):
        await wait_is_over(shop, person)
        assert await prove(desk, "000000") == 422
        waits.append(await wait_of(shop, person))
    assert waits == sorted(waits)
    assert waits[-1] <= proof.LONGEST_WAIT
    assert alarms() == told + 1
    assert [row.action for row in await changes_of(shop, person)].count("operator.refused") == 13
    await wait_is_over(shop, person)
    assert await prove(desk, code_in(shop, secret, 1)) == 303
    assert (await guessing(shop, person)).failures == 0


async def guessing(shop: Shop, person: Person) -> Any:
    async with shop.m.db.read() as tx:
        return (await tx.execute(select(operators).where(operators.c.user_id == person.user_id))).one()


async def wait_of(shop: Shop, person: Person) -> timedelta:
    row = await guessing(shop, person)
    wait: timedelta = row.open_at - row.updated_at
    return wait


async def wait_is_over(shop: Shop, person: Person) -> None:
    async with shop.m.db.write() as tx:
        mine = operators.c.user_id == person.user_id
        await tx.execute(update(operators).where(mine).values(open_at=shop.m.clock.now()))


async def test_a_recovery_code_works_once(shop: Shop, person: Person) -> None:
    desk, _ = await enrolled(shop, person)
    codes = await codes_in(desk)
    assert len(set(codes)) == 10
    back = await knock(shop, person)
    assert await prove(back, codes[0]) == 303
    back.form_page = "/admin/factors"
    assert "복구 코드 9개" in await text(await back.get("/admin/factors"))
    other = await knock(shop, person)
    assert await prove(other, codes[0]) == 422
    assert await prove(other, codes[1].replace("-", "")) == 303


async def test_a_recovery_code_of_another_operator_opens_nothing(shop: Shop, person: Person) -> None:
    other, _ = await enrolled(shop, await hana(shop.m))
    await enrolled(shop, person)
    assert await prove(await knock(shop, person), (await codes_in(other))[0]) == 422


async def test_recovery_codes_are_shown_to_the_session_that_made_them_for_ten_minutes(
    shop: Shop, person: Person
) -> None:
    desk, secret = await enrolled(shop, person)
    codes = await codes_in(desk)
    assert await codes_in(desk) == codes  # a page that was closed too early is opened again
    back = await come_back(shop, person, secret)
    assert (await back.get("/admin/factors/recovery-codes")).headers["Location"] == "/admin/factors"
    async with shop.m.db.write() as tx:
        mine = operator_recovery_codes.c.user_id == person.user_id
        ago = shop.m.clock.now() - timedelta(minutes=11)
        await tx.execute(update(operator_recovery_codes).where(mine).values(created_at=ago))
    assert (await desk.get("/admin/factors/recovery-codes")).headers["Location"] == "/admin/factors"


async def test_new_recovery_codes_make_the_old_ones_worthless(shop: Shop, person: Person) -> None:
    desk, _ = await enrolled(shop, person)
    old = await codes_in(desk)
    assert (await desk.post("/admin/factors/recovery-codes")).status_code == 303
    new = await codes_in(desk)
    assert not set(old) & set(new)
    back = await knock(shop, person)
    assert await prove(back, old[0]) == 422
    assert await prove(back, new[0]) == 303


async def test_another_authenticator_takes_the_place_of_the_first(shop: Shop, person: Person) -> None:
    desk, old = await enrolled(shop, person)
    new = read_secret(await text(await desk.get("/admin/factors/totp")))
    assert new != old
    assert (await desk.post("/admin/factors/totp", code="000000")).status_code == 422
    assert (await desk.post("/admin/factors/totp", code=code_in(shop, new, 0))).status_code == 303
    assert read_secret(await text(await desk.get("/admin/factors/totp"))) not in {old, new}
    back = await knock(shop, person)
    assert await prove(back, code_in(shop, old, 1)) == 422
    assert await prove(back, code_in(shop, new, 1)) == 303


async def test_what_the_database_keeps_opens_nothing(shop: Shop, person: Person) -> None:
    desk, secret = await enrolled(shop, person)
    codes = await codes_in(desk)
    async with shop.m.db.read() as tx:
        mine = select(operator_factors).where(operator_factors.c.user_id == person.user_id)
        [factor] = (await tx.execute(mine)).all()
        kept = select(operator_recovery_codes).where(operator_recovery_codes.c.user_id == person.user_id)
        written = str([tuple(factor), *(tuple(row) for row in await tx.execute(kept))])
    for word in (secret, cookie_of(desk), *codes, *(code.replace("-", "") for code in codes)):
        assert word not in written
    key = shop.m.settings.secret_key
    assert unseal(key, factor.secret, person.user_id) == secret
    assert unseal("another key", factor.secret, person.user_id) is None
    assert unseal(key, factor.secret, person.user_id + 1) is None  # moved to another's row
    assert unseal(key, "no base64 !", person.user_id) is None
    assert seal(key, secret, person.user_id) != factor.secret  # never twice the same


async def test_factors_that_are_reset_are_enrolled_anew(shop: Shop, person: Person) -> None:
    desk, secret = await enrolled(shop, person)
    codes = await codes_in(desk)
    await service.reset_factors(shop.m, COMMAND_LINE, person.signup_id)
    assert (await desk.get("/admin/payments")).status_code == 404
    back, new = await begin(shop, person)
    assert new != secret
    for code in (codes[0], code_in(shop, secret, 1)):
        assert (await back.post("/admin/enrolment", code=code)).status_code == 422
    assert (await back.post("/admin/enrolment", code=code_in(shop, new, 0))).status_code == 303


async def test_an_enrolment_pressed_twice_is_one(shop: Shop, person: Person) -> None:
    desk, secret = await begin(shop, person)
    token, code = await desk.token(), code_in(shop, secret, 0)
    answers = await asyncio.gather(*(desk.post("/admin/enrolment", csrf=token, code=code) for _ in range(5)))
    assert [answer.status_code for answer in answers].count(303) >= 1
    async with shop.m.db.read() as tx:
        mine = select(operator_factors).where(operator_factors.c.user_id == person.user_id)
        assert len((await tx.execute(mine)).all()) == 1


async def test_a_stale_second_factor_does_not_stop_reading(shop: Shop, person: Person) -> None:
    desk, _ = await enrolled(shop, person)
    await pass_time(shop, desk, "proved_at", minutes=25)
    assert (await desk.get("/admin/factors")).status_code == 200
