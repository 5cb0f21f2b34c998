"""The log: a line of JSON for each record, ours to any level, libraries from WARNING, no strangers' words."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import IntegrityError

from app.core.errors import NotFoundError
from app.infra.log import JsonFormatter, name_error, set_up_log
from app.payments.toss import TossUnknown

SECRET = "canary-7d1f"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a process set up at DEBUG writes."""
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    root = logging.getLogger()
    before = (root.level, list(root.handlers), {name: logging.getLogger(name).level for name in NAMES})
    set_up_log("DEBUG")
    yield written
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)


NAMES = ("app", "tasks", "db", "sandbox", "__main__")


def raised() -> BaseException:
    """An error as a driver raises it, with the values of the statement in it, on top of others."""
    try:
        fail()
    except IntegrityError as error:
        return error
    raise AssertionError


def fail() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise IntegrityError("INSERT", {"phone": SECRET}, error) from error


def test_a_traceback_tells_where_and_not_what_strangers_say(lines: io.StringIO) -> None:
    logging.getLogger("app.x").error("unexpected", exc_info=raised())
    logging.getLogger("app.x").error("many", exc_info=ExceptionGroup(SECRET, [KeyError(SECRET)]))
    assert SECRET not in lines.getvalue()
    [one, many] = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert "in fail\n" in one["traceback"]
    assert one["traceback"].index("ValueError") < one["traceback"].index("IntegrityError")
    assert many["traceback"] == "ExceptionGroup\nKeyError"


def test_our_own_words_and_the_systems_are_told() -> None:
    assert name_error(NotFoundError("order")) == "NotFoundError: order"
    assert name_error(TossUnknown("timeout")) == "TossUnknown: timeout"
    assert name_error(ConnectionRefusedError(111, "Connection refused", SECRET)).endswith(
        ": Connection refused"
    )
    assert name_error(ValueError(SECRET)) == "ValueError"


def test_libraries_stay_silent_below_warning(lines: io.StringIO) -> None:
    for library in (
        "hpack",
        "aiosqlite",
        "httpx",
        "aio_pika",
        "asyncio",
        "sqlalchemy.engine",
        "smtplib",
        "new",
    ):
        logging.getLogger(library).debug("executing %s", SECRET)
        logging.getLogger(library).info("executing %s", SECRET)
    logging.getLogger("app.web").debug("ours")
    assert [json.loads(line)["said"] for line in lines.getvalue().splitlines()] == ["ours"]


@pytest.mark.parametrize("value", ["a\r\n{}", "a\nb", "\x1b[31m", "\u2028", '"}\n{"level":"INFO"'])
def test_a_value_cannot_begin_a_line_of_its_own(value: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "said %s", (value,), None)
    written = JsonFormatter().format(record)
    assert len(written.splitlines()) == 1 or "\u2028" in value
    assert "\x1b" not in written
    assert "\n" not in written
    assert json.loads(written)["said"] == f"said {value}"
