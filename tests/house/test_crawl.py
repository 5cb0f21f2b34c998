"""The verdict of ./dev crawl: it fails on what has no reason, and when the crawler saw next to nothing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.crawl import findings
from tests.crawl.findings import fail, read, to_text

TABLES = """
CREATE TABLE paths (path_id INTEGER, path TEXT, method TEXT, evil BOOLEAN);
CREATE TABLE payloads (evil_path_id INTEGER, category TEXT, level INTEGER, info TEXT);
"""


def crawled(folder: Path, *, level: int, pages: int = 40) -> Path:
    """The crawler's database after it has seen so many pages and found one thing."""
    with closing(sqlite3.connect(folder / "shop.db")) as db:
        db.executescript(TABLES)
        db.executemany("INSERT INTO paths VALUES (?, ?, 'GET', 0)", [(n, f"/{n}") for n in range(pages)])
        db.execute("INSERT INTO paths VALUES (99, '/cart?q=x', 'GET', 1)")
        db.execute("INSERT INTO payloads VALUES (99, 'Cookies', ?, 'a cookie without Secure')", (level,))
        db.commit()
    return folder


def test_a_finding_fails_until_it_has_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = read("guest", crawled(tmp_path, level=2), ["xss"])
    assert fail([crawl]) == "1 findings without a reason"
    told = to_text([crawl])
    assert "medium: Cookies: a cookie without Secure (GET /cart?q=x, guest)" in told
    assert "not to the end: xss" in told
    monkeypatch.setattr(findings, "EXPLAINED", (("Cookies", "Secure", "it is not TLS"),))
    assert fail([crawl]) == ""
    assert "[explained: it is not TLS]" in to_text([crawl])


def test_what_is_only_worth_a_look_does_not_fail(tmp_path: Path) -> None:
    assert fail([read("guest", crawled(tmp_path, level=0), [])]) == ""


def test_a_crawler_that_saw_nothing_fails(tmp_path: Path) -> None:
    assert "hardly a page" in fail([read("member", crawled(tmp_path, level=0, pages=1), [])])


def test_a_crawler_without_time_fails(tmp_path: Path) -> None:
    assert "--minutes" in fail([read("member", crawled(tmp_path, level=0), ["xss"] * 10)])
