"""What the crawler says it found: by level, the whole list, and what of it is explained."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

LEVELS = ("informational", "low", "medium", "high", "critical")
FOUND = """
    SELECT DISTINCT level, category, info, method || ' ' || path
    FROM payloads JOIN paths ON path_id = evil_path_id
    ORDER BY level DESC, category, path_id
"""
FEWEST = 30
MOST_ENDED = 9  # of eighteen modules; with so little time the crawl says nothing
# A finding that is none: its category, a part of what it says, and why (docs/security.md has the same).
EXPLAINED: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, as the crawler words it. ``who`` had logged in, or had not."""

    who: str
    level: int
    category: str
    said: str
    at: str

    @property
    def reason(self) -> str:
        """Why it is none, or ''."""
        return next(
            (why for category, part, why in EXPLAINED if category == self.category and part in self.said), ""
        )

    def __str__(self) -> str:
        explained = f" [explained: {self.reason}]" if self.reason else ""
        return f"{LEVELS[self.level]}: {self.category}: {self.said} ({self.at}, {self.who}){explained}"


@dataclass(frozen=True, slots=True)
class Crawl:
    """What came of one crawl."""

    who: str
    pages: int
    ended: Sequence[str]  # the modules whose time was up
    findings: Sequence[Finding]


def read(who: str, home: Path, ended: Sequence[str]) -> Crawl:
    """Read the crawler's own database, the one file of its kind in its folder."""
    [file] = home.glob("*.db")
    with closing(sqlite3.connect(file)) as db:
        found = db.execute(FOUND).fetchall()
        [pages] = db.execute("SELECT count(*) FROM paths WHERE NOT evil").fetchone()
    return Crawl(who, pages, ended, [Finding(who, *row) for row in found])


def fail(crawls: Sequence[Crawl]) -> str:
    """Return why the shop did not stand it, or ''. A crawler that saw next to nothing proves nothing."""
    left = [one for crawl in crawls for one in crawl.findings if one.level and not one.reason]
    blind = [crawl.who for crawl in crawls if crawl.pages < FEWEST]
    if blind:
        return f"hardly a page was seen as a {blind[0]}"
    if any(len(crawl.ended) > MOST_ENDED for crawl in crawls):
        return "most modules were not through in time: give it more --minutes"
    return f"{len(left)} findings without a reason" if left else ""


def to_text(crawls: Sequence[Crawl]) -> str:
    """Write the summary and the list."""
    levels = Counter(one.level for crawl in crawls for one in crawl.findings)
    lines = [f"pages and forms as a {crawl.who:<7} {crawl.pages}" for crawl in crawls]
    lines += [f"  not to the end: {', '.join(crawl.ended)}" for crawl in crawls if crawl.ended]
    lines += [f"{name:<19} {levels[level]}" for level, name in enumerate(LEVELS)]
    lines += [f"  - {one}" for crawl in crawls for one in crawl.findings if one.level]
    told = Counter((crawl.who, one.category) for crawl in crawls for one in crawl.findings if not one.level)
    lines += [
        f"  - {LEVELS[0]}: {category} at {number} addresses ({who})"
        for (who, category), number in told.items()
    ]
    failed = fail(crawls)
    return "\n".join([*lines, f"FAILED: {failed}" if failed else "Nothing was found above informational."])
