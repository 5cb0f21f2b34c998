"""The time, as the whole shop reads it: naive UTC with microseconds."""

from datetime import UTC, datetime, timedelta, timezone

KST = timezone(timedelta(hours=9), "KST")


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
    return round(moment.replace(tzinfo=UTC).timestamp() * 1_000_000)
