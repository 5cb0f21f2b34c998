"""Log lines: one JSON object each, on stderr, without personal data."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

# What one request, or the message it left, does in any process, by one number.
trace: ContextVar[str] = ContextVar("trace", default="")

# These name addresses with their passwords, whole messages, or every request, below WARNING.
NOISY = ("httpx", "httpcore", "aio_pika", "aiormq", "aiosqlite", "hypercorn.access")


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


def set_up_log(level: str) -> None:
    """Send every logger of the process to stderr as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
