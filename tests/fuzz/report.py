"""The report of a campaign: a table for people, JSON for programs, and a verdict."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fuzz.batch import Tally

UNEXPLAINED = "503 without a machine's time-out"
MUST_BE_ZERO = (
    "5xx",
    UNEXPLAINED,
    "changes by refused requests",
    "answers not as designed",
    "requests without an answer",
    "unexpected exceptions",
    "not at rest in time",
    "routes not reached",
)


@dataclass(slots=True)
class Report:
    """All that is known at the end."""

    seed: int
    stack: str
    lasted: float
    routes: Sequence[str]
    tally: Tally

    def __post_init__(self) -> None:
        for route in self.routes:
            if not self.tally.reached[route]:
                self.tally.note("routes not reached", route)

    @property
    def failed(self) -> list[str]:
        """What should be zero and is not."""
        return [name for name in MUST_BE_ZERO if self.tally.counts[name]]

    @property
    def rows(self) -> list[tuple[str, object]]:
        """What there is to say."""
        tally = self.tally
        ordered = sorted(tally.seconds) or [0.0]
        slowest, which = tally.slowest
        return [
            ("seed", self.seed),
            ("stack", self.stack),
            ("seconds", f"{self.lasted:.0f}"),
            ("requests", tally.sent + tally.raw),
            ("  of them no HTTP", tally.raw),
            ("  refused, with the books compared", tally.compared),
            (
                "routes reached",
                f"{sum(map(bool, (tally.reached[one] for one in self.routes)))} of {len(self.routes)}",
            ),
            ("fewest to one route", min((tally.sent_to[one], one) for one in self.routes)),
            *((f"answered {status}", number) for status, number in sorted(tally.statuses.items())),
            ("  501 by the server, of what is no HTTP", tally.statuses[501]),  # any other 501 is a 5xx
            *((f"  503 by {cause}", number) for cause, number in sorted(tally.away_because.items())),
            ("answer p50", f"{ordered[len(ordered) // 2] * 1000:.0f} ms"),
            ("answer p99", f"{ordered[len(ordered) * 99 // 100] * 1000:.0f} ms"),
            ("slowest answer", f"{slowest * 1000:.0f} ms: {which}"),
            *((name, tally.counts[name]) for name in MUST_BE_ZERO),
        ]

    def to_json(self) -> str:
        """Write it for a program."""
        told = {name.strip(): value for name, value in self.rows}
        return json.dumps({**told, "failed": self.failed}, ensure_ascii=False, indent=2, default=str)

    def to_text(self) -> str:
        """Write it for a person."""
        width = max(len(name) for name, _ in self.rows)
        lines = [f"{name:<{width}}  {value}" for name, value in self.rows]
        for name in self.failed:
            lines += [
                "",
                f"{name}: {self.tally.counts[name]}",
                *(f"  - {one}" for one in self.tally.trouble.get(name, [])),
            ]
        lines += ["", f"FAILED: {', '.join(self.failed)}" if self.failed else "Nothing gave way."]
        return "\n".join(lines)
