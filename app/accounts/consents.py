"""What a new user agrees to, required and optional apart, in which version and when; pure."""

import json
from datetime import datetime
from typing import Any

TERMS, PRIVACY, AGE, MARKETING = "terms", "privacy", "age", "marketing"
REQUIRED = (TERMS, PRIVACY, AGE)
# The day from which a text is in force. Change the text, and it gets a new one.
VERSIONS = {TERMS: "2026-11-27", PRIVACY: "2026-11-27", AGE: "2026-11-27", MARKETING: "2026-11-27"}


def give(written: str, names: tuple[str, ...], now: datetime) -> str:
    """Return the record with these consents given now."""
    record: dict[str, Any] = json.loads(written)
    return _write(record | {name: {"version": VERSIONS[name], "at": f"{now.isoformat()}Z"} for name in names})


def withdraw(written: str, name: str, now: datetime) -> str:
    """Return the record with one consent withdrawn now; that it was given stays on it."""
    record: dict[str, Any] = json.loads(written)
    given = record.get(name)
    if given is None or "withdrawn_at" in given:
        return written
    return _write(record | {name: {**given, "withdrawn_at": f"{now.isoformat()}Z"}})


def holds(written: str, name: str) -> bool:
    """Whether a consent was given and not withdrawn."""
    given = json.loads(written).get(name)
    return given is not None and "withdrawn_at" not in given


def _write(record: dict[str, Any]) -> str:
    return json.dumps(record, separators=(",", ":"))
