"""The monthly review of who looked at whose data: per operator, and what a person should ask about."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from app.audit.store import Access, Span
from app.core.clock import KST, to_kst
from app.core.languages import marked

NIGHT = (22, 7)  # from and to, Korean hours
NOTHING = "  nothing"
EXPORTED = marked("접속 기록 내려받기")


@dataclass(frozen=True, slots=True)
class Review:
    """One Korean month: its accesses, and what was done in it as (log-in id, action)."""

    month: date
    accesses: Sequence[Access]
    actions: Sequence[tuple[str, str]]

    @property
    def text(self) -> str:
        """The review as a person reads it."""
        who = sorted({row.signup_id for row in self.accesses} | {signup_id for signup_id, _ in self.actions})
        lines = [
            f"Access to personal data in {self.month:%Y-%m} (Korean time)",
            f"{len(self.accesses)} accesses, {len(self.actions)} changes, {len(who)} people",
        ]
        for signup_id in who:
            lines += ["", signup_id, *self._of(signup_id)]
        lines += ["", "To ask about", *(self._questions() or [NOTHING])]
        return "\n".join([*lines, "", "Reviewed by: ____________________  on: ____________"])

    def _of(self, signup_id: str) -> list[str]:
        mine = [row for row in self.accesses if row.signup_id == signup_id]
        seen = Counter(row.what for row in mine).most_common()
        done = Counter(action for who, action in self.actions if who == signup_id).most_common()
        addresses = Counter(row.address for row in mine).most_common()
        lines = [f"  seen     {number:6}  {what}" for what, number in seen]
        lines += [f"  done     {number:6}  {action}" for action, number in done]
        return [*lines, *(f"  from     {number:6}  {address}" for address, number in addresses)]

    def _questions(self) -> list[str]:
        late = Counter((row.signup_id, row.what) for row in self.accesses if _is_night(row.created_at))
        taken = Counter(row.signup_id for row in self.accesses if row.what == EXPORTED)
        refused = Counter(who for who, action in self.actions if action == "operator.refused")
        lines = [f"  at night {number:6}  {who}  {what}" for (who, what), number in late.items()]
        lines += [f"  exported {number:6}  {who}" for who, number in taken.items()]
        return lines + [f"  refused  {number:6}  second factors of {who}" for who, number in refused.items()]


def _is_night(moment: datetime) -> bool:
    hour = to_kst(moment).hour
    return hour >= NIGHT[0] or hour < NIGHT[1]


def month_of(month: date) -> Span:
    """Return a Korean month as the database's moments."""
    first = date(month.year, month.month, 1)
    after = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return Span(_moment(first), _moment(after))


def _moment(day: date) -> datetime:
    midnight = datetime(day.year, day.month, day.day, tzinfo=KST)
    return midnight.astimezone(UTC).replace(tzinfo=None)
