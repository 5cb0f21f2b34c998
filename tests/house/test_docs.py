"""What the documents list is what the code has: their tables are compared with its tables."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

from app.core.message import Envelope
from app.infra import durability, metrics
from app.orders import states as order_states
from app.payments import attempt
from app.payments import states as payment_states
from tasks.registry import LISTENERS
from tasks.schedule import SCHEDULE

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def tables(page: str) -> Iterator[tuple[tuple[str, ...], list[list[str]]]]:
    """Every table of a page: its head and its rows, cells stripped of their backquotes."""
    text = (DOCS / page).read_text()
    for found in re.findall(r"(?m)^\|.*\|\n\|[-|]+\|\n(?:\|.*\|\n)+", text):
        head, _, *rows = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in found.splitlines()
        ]
        yield tuple(head), [[cell.strip("`") for cell in row] for row in rows]


def table(page: str, *head: str) -> list[list[str]]:
    found = [rows for cells, rows in tables(page) if cells[: len(head)] == head]
    assert len(found) == 1 or head == ("state", "on screen", "may become"), (page, head)
    return found[0]


@pytest.mark.parametrize(
    ("which", "states"), [(0, payment_states), (1, order_states)], ids=["payment", "order"]
)
def test_the_states_are_those_of_the_code_so_that_nobody_acts_on_an_arrow_that_is_not_there(
    which: int, states: ModuleType
) -> None:
    both = [rows for head, rows in tables("payments.md") if head[:3] == ("state", "on screen", "may become")]
    written = {row[0]: (row[1], set(row[2].split(", ")) - {"—"}) for row in both[which]}
    ways = {old: {new for before, new in states.ALLOWED if before == old} for old in states.LABELS}
    assert written == {state: (label, ways[state]) for state, label in states.LABELS.items()}


def test_the_judgements_are_those_of_the_code() -> None:
    rows = table("payments.md", "judgement")
    assert {row[0] for row in rows} == {standing.name for standing in attempt.Standing}


def test_the_envelope_is_the_one_that_is_sent() -> None:
    rows = table("messages.md", "field", "meaning")
    assert [row[0] for row in rows] == [field.name for field in dataclasses.fields(Envelope)]


def test_the_messages_are_those_of_the_registry() -> None:
    rows = table("messages.md", "type", "version")
    written = {(row[0], int(row[1]), row[3]) for row in rows}
    assert written == {(kind.TYPE, kind.VERSION, one.name) for one in LISTENERS for kind in one.messages}
    queues = {row[0].removesuffix(".dead") for row in table("operate.md", "queue")}
    assert queues == {listener.name for listener in LISTENERS}


def test_the_schedule_is_the_one_that_is_kept() -> None:
    written = {row[1]: row[0] for row in table("operate.md", "every", "what")}
    assert written == {one.name: say(one.every) for one in SCHEDULE}


def say(seconds: float) -> str:
    return "1 day" if seconds == 86_400 else f"{seconds:g} s"


def test_every_alarm_is_explained_so_that_whoever_is_woken_knows_what_to_do() -> None:
    code = "".join(path.read_text() for folder in ("app", "tasks") for path in (ROOT / folder).rglob("*.py"))
    raised = set(re.findall(r'(?:raise_alarm|alarms\.labels)\(f?"([^"]+)"', code))
    written = {row[0] for row in table("operate.md", "alarm", "means", "do")}
    assert written == {re.sub(r"\{.*\}", "<code>", kind) for kind in raised}


def test_every_metric_is_explained() -> None:
    kept = [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]
    written = {(row[0], row[1]) for row in table("operate.md", "metric", "label")}
    names = {one: f"{one._name}_total" if isinstance(one, Counter) else one._name for one in kept}
    assert written == {(names[one], ", ".join(one._labelnames)) for one in kept}


def test_what_the_machines_must_promise_is_what_is_checked() -> None:
    written = {row[1] for row in table("operate.md", "machine", "setting")}
    redis = durability.REDIS_ALWAYS | durability.REDIS_AS_WITNESS
    checked = {f"{name} {value}" for name, (value, _) in redis.items()}
    assert written == checked | {f"{name} = {value}" for name, (value, _) in durability.MYSQL.items()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    """A path in backquotes is of the repository, or of app/."""
    for path in re.findall(r"`((?:[\w-]+/)+[\w.-]+\.(?:py|lua|html|sql|css|js|yaml))`", page.read_text()):
        assert (ROOT / path).exists() or (ROOT / "app" / path).exists(), path
