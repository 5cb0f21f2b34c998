"""The report of a campaign: a table for people, JSON for programs, and a verdict."""

import json
from dataclasses import asdict, dataclass, field

from tests.chaos.books import DOUBLE, LOST, OPEN, OTHER_GOODS, RESURRECTED, STOCK, UNCHARGED, UNPAID
from tests.chaos.tally import Tally

MUST_BE_ZERO = (
    LOST,
    RESURRECTED,
    "stale reads",
    DOUBLE,
    UNPAID,
    UNCHARGED,
    OTHER_GOODS,
    STOCK,
    OPEN,
    "parked messages",
    "unexpected answers",
    "unexpected exceptions",
    "shoppers who stumbled",
    "shoppers who did not finish",
    "not at rest in time",
)
SHOWN = (
    "acknowledged edits",
    "reads",
    "cut",
    "away",
    "guests who became members",
    "orders placed",
    "checkouts refused",
    "wipes put off",
)
WORDS = {"cut": "answers cut off", "away": "refused politely (503)"}


@dataclass(slots=True)
class Report:
    """All that is known at the end."""

    seed: int
    stack: str
    cart_ack: str
    minutes: float
    places: int
    shoppers: int
    seconds: float
    counts: dict[str, int]
    faults: dict[str, int]
    edit_milliseconds: dict[str, float]
    clear_seconds: float
    drain: dict[str, float | None]
    mishaps: dict[str, list[str]] = field(default_factory=dict)

    @property
    def failed(self) -> list[str]:
        """What should be zero and is not."""
        return [name for name in MUST_BE_ZERO if self.counts.get(name)]

    def to_json(self) -> str:
        """Write it for a program."""
        return json.dumps({**asdict(self), "failed": self.failed}, ensure_ascii=False, indent=2)

    def to_text(self) -> str:
        """Write it for a person."""
        edits = self.counts.get("acknowledged edits", 0)
        payments = {name: n for name, n in self.counts.items() if name.startswith("payments ")}
        rows: list[tuple[str, object]] = [
            ("seed", self.seed),
            ("stack", f"{self.stack}, CART_ACK={self.cart_ack}"),
            ("minutes", f"{self.minutes:g}"),
            ("shoppers", f"{self.shoppers}, {self.places} at once"),
            ("edits per second", f"{edits / self.seconds:.0f}"),
            *((WORDS.get(name, name), self.counts.get(name, 0)) for name in SHOWN),
            *sorted(payments.items()),
            *((f"edit {name}", f"{ms:.0f} ms") for name, ms in self.edit_milliseconds.items()),
            ("paid cart seen empty after", f"{self.clear_seconds:.1f} s at most"),
            ("faults", sum(self.faults.values())),
            *((f"  {name}", number) for name, number in sorted(self.faults.items())),
            *((f"drained: {what}", _seconds(after)) for what, after in self.drain.items()),
            *((name, self.counts.get(name, 0)) for name in MUST_BE_ZERO),
        ]
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:<{width}}  {value}" for name, value in rows]
        for name in self.failed:
            lines += [
                "",
                f"{name}: {self.counts[name]}",
                *(f"  - {one}" for one in self.mishaps.get(name, [])),
            ]
        lines += ["", f"FAILED: {', '.join(self.failed)}" if self.failed else "Nothing was lost."]
        return "\n".join(lines)


def _seconds(after: float | None) -> str:
    return "never" if after is None else f"{after:.1f} s"


def percentiles(tally: Tally) -> dict[str, float]:
    """Return how long edits took, in milliseconds."""
    ordered = sorted(tally.edit_seconds) or [0.0]
    return {
        f"p{share}": ordered[min(len(ordered) - 1, len(ordered) * share // 100)] * 1000
        for share in (50, 95, 99)
    }
