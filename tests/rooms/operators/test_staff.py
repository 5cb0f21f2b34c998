"""Operators are made at the command line and nowhere else; no shop but a demo has one it was not told of."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import func, select

from app import demo, seed
from app.accounts.service import TakenError
from app.commands import main
from app.core.errors import InvalidError, NotFoundError
from app.infra.migrations import migrate
from app.machines import build_machines
from app.models import operators, users
from app.operators import service
from app.settings import SettingError, Settings
from tests.desk import text
from tests.shop import Shop, settings_for
from tests.stack import ROOT
from tests.village import COMMAND_LINE, enter, hana, knock, minji, typed, unheard_of_id

pytestmark = pytest.mark.real_first


async def count_people(shop: Shop) -> tuple[int, int]:
    async with shop.m.db.read() as tx:
        both = [
            (await tx.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (users, operators)
        ]
    return both[0], both[1]


async def test_a_new_shop_has_no_account_at_all(shop: Shop, tmp_path: Path) -> None:
    settings = replace(settings_for(shop.stack, tmp_path), database_url=shop.stack.create_database())
    m = build_machines(settings)
    await migrate(m.db)
    await seed.seed(m.db, tmp_path / "pictures", 3)
    assert await count_people(Shop(shop.stack, m, shop.app)) == (0, 0)
    await m.close()


async def test_the_demo_is_refused_where_real_shoppers_are(shop: Shop) -> None:
    before = await count_people(shop)
    real = replace(shop.m, settings=replace(shop.m.settings, public_url="https://shop.example"))
    with pytest.raises(SettingError, match="serve"):
        await demo.keep_demo_people(real)
    assert await count_people(shop) == before


async def test_the_demos_operator_is_inside_in_a_minute(shop: Shop, tmp_path: Path) -> None:
    """With what ./dev run and ./dev code print, and again after a second start."""
    settings = replace(
        settings_for(shop.stack, tmp_path),
        database_url=shop.stack.create_database(),
        redis_url="redis://127.0.0.1:1",
    )
    m = build_machines(settings)
    await migrate(m.db)
    first = await demo.keep_demo_people(m)
    assert await demo.keep_demo_people(m) == first
    [_, operator] = first
    await m.close()
    assert (tmp_path / "demo.json").stat().st_mode & 0o077 == 0

    from app.main import create_app

    there = replace(shop.m, settings=replace(shop.m.settings, data_dir=str(tmp_path)), db=m.db)
    visiting = Shop(shop.stack, there, create_app(there.settings, there))
    visitor = visiting.visitor()
    visitor.form_page = operator.path
    answer = await visitor.post(operator.path, signup_id=operator.signup_id, password=operator.password)
    assert answer.status_code == 303
    visitor.form_page = "/admin/second-factor"
    answer = await visitor.post("/admin/second-factor", proof=demo.code(settings))
    assert answer.status_code == 303
    assert (await visitor.get("/admin/payments")).status_code == 200
    await m.db.close()


def test_without_a_demo_there_is_no_code(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no demo operator"):
        demo.code(Settings(data_dir=str(tmp_path)))


async def test_signing_up_makes_no_operator_whatever_the_form_says(shop: Shop) -> None:
    visitor, signup_id = shop.visitor(), unheard_of_id("eve")
    form = typed(signup_id=signup_id, role="operator", operator="1", user_id="1")
    answer = await visitor.post("/signup", **form)
    assert answer.status_code == 303
    with pytest.raises(NotFoundError):
        await service.enable(shop.m, COMMAND_LINE, signup_id)


@pytest.mark.parametrize("deed", [service.disable, service.enable, service.reset_factors])
async def test_nothing_is_done_to_who_is_no_operator(shop: Shop, deed: object) -> None:
    for signup_id in ("nobody_at_all", (await minji(shop.m)).signup_id):
        with pytest.raises(NotFoundError):
            await deed(shop.m, COMMAND_LINE, signup_id)  # type: ignore[operator]


async def test_an_operator_needs_a_sound_password_and_an_id_of_their_own(shop: Shop) -> None:
    person = await hana(shop.m)
    with pytest.raises(TakenError):
        await service.create(shop.m, COMMAND_LINE, person.signup_id, "이하나", "달빛 아래 걷는 밤")
    with pytest.raises(InvalidError):
        await service.create(shop.m, COMMAND_LINE, unheard_of_id("duri"), "김두리", "password")


async def test_who_is_let_in_again_keeps_the_authenticator(shop: Shop) -> None:
    person = await hana(shop.m)
    desk = await knock(shop, person)
    await service.disable(shop.m, COMMAND_LINE, person.signup_id)
    assert (await desk.get("/admin/enrolment")).status_code == 404
    await service.enable(shop.m, COMMAND_LINE, person.signup_id)
    assert (await desk.get("/admin/enrolment")).status_code == 404  # the old session stays ended
    assert (await (await knock(shop, person)).get("/admin/enrolment")).status_code == 200


async def test_the_account_page_shows_operators_the_way_to_their_door(shop: Shop) -> None:
    visitor = await enter(shop, await hana(shop.m))
    assert 'href="/admin/login"' in await text(await visitor.get("/account"))
    visitor = await enter(shop, await minji(shop.m))
    assert "/admin" not in await text(await visitor.get("/account"))


async def test_the_command_line_does_it_all(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.endswith(("_URL", "_KEY"))}
    env |= {"DATA_DIR": str(tmp_path), "BCRYPT_COST": "4"}

    async def app(*words: str, typed: str = "") -> tuple[int, str]:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "app", *words],
            input=typed, capture_output=True, text=True, cwd=ROOT, env=env, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    assert (await app("migrate"))[0] == 0
    assert await app("operator", "create", "hana", "이하나", typed="달빛 아래 걷는 밤\n") == (0, "")
    code, said = await app("operator", "create", "hana", "이하나", typed="달빛 아래 걷는 밤\n")
    assert (code, "Traceback" in said) == (1, False)
    assert await app("operator", "disable", "hana") == (0, "")
    code, said = await app("access-report", "--month", "2026-11")
    assert code == 0
    assert "Access to personal data in 2026-11" in said


def test_a_month_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["access-report", "--month", "2026-13"])
    assert "--month" in capsys.readouterr().err


def test_the_tests_authenticator_is_the_standards_own() -> None:
    """RFC 6238, appendix B, in six digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert [pyotp.TOTP(secret).at(at) for at in (59, 1111111109, 2000000000)] == [
        "287082",
        "081804",
        "279037",
    ]
