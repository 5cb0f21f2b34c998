"""The time, as the whole shop reads it: naive UTC with microseconds."""

from datetime import UTC, datetime, timedelta, timezone

from app.core import languages

KST = timezone(timedelta(hours=9), "KST")
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, as all of ours
DAY_SECONDS = 24 * 3600
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Clock:
    """The server's clock. Tests hand in one they can move."""

    def now(self) -> datetime:
        """Return the current moment in UTC, without tzinfo, as the database stores it."""
        return datetime.now(UTC).replace(tzinfo=None)


def to_kst(moment: datetime) -> datetime:
    """Return a stored (naive UTC) moment as Korean local time."""
    return moment.replace(tzinfo=UTC).astimezone(KST)


def epoch_us(moment: datetime) -> int:
    """Return a stored moment as microseconds since 1970, the unit of cart stamps."""
    since = moment - EPOCH
    return (since.days * DAY_SECONDS + since.seconds) * 1_000_000 + since.microseconds


def format_kst(moment: datetime) -> str:
    """Return a stored moment as ``2026년 11월 23일 18:30`` or ``23 Nov 2026, 18:30 KST``, in Korea."""
    time = f"{to_kst(moment):%H:%M}"
    return (
        f"{format_kst_date(moment)}, {time} KST"
        if languages.spoken() == "en"
        else f"{format_kst_date(moment)} {time}"
    )


def format_kst_date(moment: datetime) -> str:
    """Return a stored moment's day in Korea as ``2026년 11월 23일`` or ``23 Nov 2026``."""
    local = to_kst(moment)
    if languages.spoken() == "en":
        return f"{local.day} {MONTHS[local.month - 1]} {local.year}"
    return f"{local.year}년 {local.month}월 {local.day}일"
