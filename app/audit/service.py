"""Who changed what, and who saw whose personal data: noted in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.audit import store
from app.audit.export import write_csv
from app.audit.report import EXPORTED, Review, month_of
from app.audit.store import Access, Change
from app.core.languages import marked
from app.infra.db import Tx
from app.machines import Machines

PAGE = 50
CHUNK = 1000
LONGEST_SUBJECT, LONGEST_DETAIL, LONGEST_WHO = 200, 500, 64
LONGEST_SUBJECTS = 2000
# The law asks for two years; a month more, so that a review at the end of them still finds all of its month.
KEPT = timedelta(days=2 * 366 + 31)

# Every action there is, in the words of the page that lists them.
LABELS = {
    "refund.requested": marked("환불 요청"),
    "payment.asked": marked("토스에 다시 물음"),
    "operator.created": marked("운영자 만듦"),
    "operator.disabled": marked("운영자에서 뺌"),
    "operator.enabled": marked("운영자로 되돌림"),
    "operator.factors_reset": marked("인증 수단 모두 지움"),
    "operator.logged_in": marked("로그인"),
    "operator.logged_out": marked("로그아웃"),
    "operator.refused": marked("2단계 인증 실패"),
    "factor.totp_set": marked("인증 앱 등록"),
    "factor.passkey_added": marked("패스키 등록"),
    "factor.passkey_removed": marked("패스키 삭제"),
    "factor.codes_made": marked("복구 코드 만듦"),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where. Without a number it is the command line."""

    user_id: int | None
    signup_id: str
    address: str


@dataclass(frozen=True, slots=True)
class ChangePage:
    """A page of changes; ``before`` leads to older ones, 0 where there are none."""

    rows: Sequence[Change]
    before: int


@dataclass(frozen=True, slots=True)
class AccessPage:
    """A page of accesses; ``before`` leads to older ones, 0 where there are none."""

    rows: Sequence[Access]
    before: int


async def note_change(tx: Tx, actor: Actor, action: str, subject: str, detail: str = "") -> None:
    """Note a change, in its own transaction: neither is without the other. ``action`` is one of LABELS."""
    assert action in LABELS  # noqa: S101 - a page would have no word for it
    row = {
        "user_id": actor.user_id,
        "signup_id": actor.signup_id[:LONGEST_WHO],
        "address": actor.address,
        "action": action,
        "subject": subject[:LONGEST_SUBJECT],
        "detail": detail[:LONGEST_DETAIL],
    }
    await store.insert_change(tx, row)


async def note_access(tx: Tx, actor: Actor, subjects: Sequence[str], what: str) -> None:
    """Note whose data are about to be shown; what cannot be noted is not shown."""
    assert actor.user_id is not None  # noqa: S101 - the command line shows no pages
    row = {
        "user_id": actor.user_id,
        "signup_id": actor.signup_id,
        "address": actor.address,
        "subject": ", ".join(subjects)[:LONGEST_SUBJECTS],
        "what": what,
    }
    await store.insert_access(tx, row)


async def read_changes(tx: Tx, before: int) -> ChangePage:
    """Return a page of changes, the newest first."""
    rows = await store.select_changes(tx, before, PAGE + 1)
    return ChangePage(rows[:PAGE], rows[PAGE - 1].row_id if len(rows) > PAGE else 0)


async def read_accesses(tx: Tx, before: int) -> AccessPage:
    """Return a page of accesses, the newest first."""
    rows = await store.select_accesses(tx, before, PAGE + 1)
    return AccessPage(rows[:PAGE], rows[PAGE - 1].row_id if len(rows) > PAGE else 0)


async def export_accesses(m: Machines, actor: Actor, month: date) -> str:
    """Return a Korean month's accesses as CSV. The export is an access itself, and is noted first."""
    await m.db.retrying(lambda tx: note_access(tx, actor, [f"{month:%Y-%m}"], EXPORTED))
    return write_csv(await _read_month(m, month))


async def review_month(m: Machines, month: date) -> str:
    """Return what a person reviews each month, as text."""
    async with m.db.read() as tx:
        actions = await store.select_actions_in(tx, month_of(month))
    return Review(month, await _read_month(m, month), actions).text


async def purge_accesses(m: Machines) -> None:
    """Delete accesses that were kept as long as they must be."""
    before = m.clock.now() - KEPT
    while await m.db.retrying(lambda tx: store.delete_accesses(tx, before, CHUNK)) == CHUNK:
        continue


async def _read_month(m: Machines, month: date) -> Sequence[Access]:
    span, found = month_of(month), list[Access]()
    while True:
        after = found[-1].row_id if found else 0
        async with m.db.read() as tx:
            rows = await store.select_accesses_in(tx, span, after, CHUNK)
        found += rows
        if len(rows) < CHUNK:
            return found
