"""The sandbox's clock: Seoul time that a test may move forward."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

SEOUL = timezone(timedelta(hours=9))


@dataclass(slots=True)
class Clock:
    """Real time plus whatever was skipped."""

    skipped: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """Return the present in Seoul, to the second, as Toss writes it."""
        return (datetime.now(SEOUL) + self.skipped).replace(microsecond=0)

    def skip(self, seconds: float) -> None:
        """Move forward; nothing moves it back."""
        self.skipped += timedelta(seconds=seconds)
