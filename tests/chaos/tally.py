"""What a campaign counts while it runs, and the mishaps it writes down word for word."""

from collections import Counter
from dataclasses import dataclass, field

MOST_KEPT = 40


@dataclass(slots=True)
class Tally:
    """Counters, and the first of every kind of mishap. Written by the crowd's thread, read at the end."""

    counts: Counter[str] = field(default_factory=Counter)
    mishaps: dict[str, list[str]] = field(default_factory=dict)
    edit_seconds: list[float] = field(default_factory=list)
    clear_seconds: list[float] = field(default_factory=list)
    wipes: int = 0  # of Redis: it forgets the form keys it has seen, and what can be undone

    def add(self, what: str, times: int = 1) -> None:
        """Count something."""
        self.counts[what] += times

    def mishap(self, kind: str, said: str) -> None:
        """Count something that must not happen, and keep the first of its kind."""
        self.counts[kind] += 1
        kept = self.mishaps.setdefault(kind, [])
        if len(kept) < MOST_KEPT:
            kept.append(said)
