"""Who may import whom, and why."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

ROOMS = (
    "home",
    "catalog",
    "search",
    "cart",
    "checkout",
    "payments",
    "orders",
    "stock",
    "accounts",
    "operators",
    "admin",
    "audit",
    "ops",
    "mail",
)

# Downhill only: a room may use the rooms named here, through their service (or what it hands out).
DOWNHILL = {
    "checkout": {"cart", "catalog", "stock", "orders", "payments", "accounts"},
    "payments": {"orders", "stock", "cart", "audit"},
    "orders": {"stock"},
    "admin": {"payments", "audit", "cart", "catalog", "orders"},
    "operators": {"accounts", "audit"},
    "audit": set(),
    "home": {"catalog"},
    "search": {"catalog"},
    "cart": {"catalog"},
    "stock": set(),
    "accounts": {"mail"},
    "catalog": set(),
    "ops": set(),
    "mail": set(),
}

# A door may ask more rooms than its own service may: it only puts their answers on one page.
DOORS_MAY = {"accounts": {"cart", "orders", "payments"}, "orders": {"payments"}}

DRIVERS = {
    "babel": {"app/infra/words.py"},
    "redis": {"app/infra/redis.py"},
    "aio_pika": {"app/infra/amqp.py", "app/infra/declaring.py"},
    "httpx": {"app/payments/toss.py"},
    "bcrypt": {"app/accounts/passwords.py"},
    "aiosmtplib": {"app/mail/smtp.py"},
    "cryptography": {"app/operators/sealing.py"},
    "pyotp": {"app/operators/totp.py"},
    "tantivy": {"app/search/index.py", "app/search/matching.py"},
    "segno": {"app/infra/qr.py"},
    "webauthn": {"app/operators/passkeys.py"},
}

# What of a room others may see: what it does, what it announces, and the shapes these hand out.
PUBLIC = {
    "service", "messages", "product", "order", "access", "view", "snapshot", "sessions", "shopper", "views",
    "toss", "states", "outcome",
}  # fmt: skip


@dataclass(frozen=True)
class Import:
    """One import statement: where it stands and what it names."""

    file: str
    module: str

    @property
    def room(self) -> str:
        parts = Path(self.file).parts
        return parts[1] if parts[0] == "app" and len(parts) > 2 else ""

    @property
    def target_room(self) -> str:
        parts = self.module.split(".")
        return parts[1] if parts[0] == "app" and len(parts) > 1 and parts[1] in ROOMS else ""


def imports() -> Iterator[Import]:
    for folder in ("app", "tasks", "sandbox", "db"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                file = str(path.relative_to(ROOT))
                if isinstance(node, ast.Import):
                    yield from (Import(file, alias.name) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield Import(file, node.module)
                    yield from (Import(file, f"{node.module}.{alias.name}") for alias in node.names)


def broken(rule: object) -> list[str]:
    return sorted({f"{one.file} imports {one.module}" for one in imports() if rule(one)})  # type: ignore[operator]


@pytest.mark.parametrize(("driver", "homes"), DRIVERS.items())
def test_a_driver_has_one_home_so_that_a_swap_is_one_file(driver: str, homes: set[str]) -> None:
    def rule(one: Import) -> bool:
        return (
            one.file.startswith(("app", "tasks"))
            and one.module.split(".")[0] == driver
            and one.file not in homes
        )

    assert broken(rule) == []


def test_sql_is_spoken_only_in_stores_so_that_it_has_one_address() -> None:
    def rule(one: Import) -> bool:
        speaks = one.file.startswith(("app/models/", "app/infra/")) or one.file.endswith("/store.py")
        return (
            one.module.split(".")[0] == "sqlalchemy" and one.file.startswith(("app", "tasks")) and not speaks
        )

    assert broken(rule) == []


def test_the_web_framework_ends_at_the_door_so_that_services_run_without_it() -> None:
    def rule(one: Import) -> bool:
        at_door = (
            one.file.startswith("app/web/") or one.file.endswith("/routes.py") or one.file == "app/main.py"
        )
        return one.module.split(".")[0] == "quart" and one.file.startswith(("app", "tasks")) and not at_door

    assert broken(rule) == []


def test_web_is_used_by_doors_only_so_that_services_serve_tasks_too() -> None:
    def rule(one: Import) -> bool:
        at_door = one.file.endswith(("/routes.py", "/forms.py")) or one.file.startswith("app/web/")
        builds = one.file in {"app/main.py", "app/server.py"}
        return one.module.startswith("app.web") and not at_door and not builds

    assert broken(rule) == []


def test_core_knows_only_the_standard_library_so_that_it_can_be_read_first() -> None:
    def rule(one: Import) -> bool:
        outside = one.module.startswith("app.") and not one.module.startswith("app.core")
        third = one.module.split(".")[0] in {
            "quart",
            "sqlalchemy",
            "redis",
            "jinja2",
            "httpx",
            "aio_pika",
            "babel",
        }
        return one.file.startswith("app/core/") and (outside or third)

    assert broken(rule) == []


def test_rooms_meet_downhill_so_that_there_is_no_circle() -> None:
    def rule(one: Import) -> bool:
        if one.room not in ROOMS or one.target_room in {"", one.room}:
            return False
        allowed = set(DOWNHILL[one.room])
        if one.file.endswith("/routes.py"):
            allowed |= DOORS_MAY.get(one.room, set())
        return one.target_room not in allowed

    assert broken(rule) == []


def test_rooms_meet_at_service_and_messages_so_that_their_inside_is_theirs() -> None:
    def rule(one: Import) -> bool:
        parts = one.module.split(".")
        foreign = one.target_room and one.target_room != one.room and one.file.startswith(("app", "tasks"))
        if not foreign or len(parts) < 3 or one.file in {"app/main.py", "app/machines.py"}:
            return False
        return parts[2] not in PUBLIC

    assert broken(rule) == []


def test_the_shop_does_not_know_its_tasks_so_that_either_runs_alone() -> None:
    def rule(one: Import) -> bool:
        return (
            one.file.startswith("app/")
            and one.module.split(".")[0] == "tasks"
            and one.file != "app/commands.py"
        )

    assert broken(rule) == []


def test_stand_ins_know_nothing_of_ours_so_that_they_cannot_agree_by_accident() -> None:
    def rule(one: Import) -> bool:
        return one.file.startswith("sandbox/") and one.module.split(".")[0] in {"app", "tasks", "db"}

    assert broken(rule) == []
