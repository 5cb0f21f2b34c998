"""Log lines: one JSON object each, on stderr, without personal data."""

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

# What one request, or the message it left, does in any process, by one number.
trace: ContextVar[str] = ContextVar("trace", default="")


OURS = ("app", "tasks", "db", "sandbox")


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON, so that CR and LF in a value cannot forge a second line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "said": record.getMessage(),
        }
        if trace.get():
            line["trace"] = trace.get()
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's own name
        """Return where it happened, and of what kind it was, without what strangers say about it."""
        return "".join(_trace_back(ei[1])).rstrip()


def name_error(error: BaseException) -> str:
    """Return what may be said of an error. A driver's own words quote the value that it tripped over."""
    kind = type(error)
    if kind.__module__.split(".")[0] in OURS:
        return f"{kind.__name__}: {error}"
    if isinstance(error, OSError) and error.strerror:
        return f"{kind.__name__}: {error.strerror}"
    return kind.__name__


def _trace_back(error: BaseException) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _trace_back(before)
        yield "-- and then --\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{name_error(error)}\n"
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _trace_back(one)


def set_up_log(level: str) -> None:
    """Send every logger of the process to stderr as JSON; ``level`` is for ours alone.

    Below WARNING, libraries name addresses with their passwords, statements with their values, all headers.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(
        level=max(logging.WARNING, logging.getLevelName(level)), handlers=[handler], force=True
    )
    for ours in (*OURS, "__main__"):
        logging.getLogger(ours).setLevel(level)
