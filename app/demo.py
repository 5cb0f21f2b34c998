"""The two people of a shop that is only being tried out."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from app.accounts import service as accounts
from app.machines import Machines

PEOPLE = (("shopper", "minji", "김민지", "01012345678"), ("operator", "hana", "이하나", "01087654321"))


@dataclass(frozen=True, slots=True)
class LogIn:
    """What to type into the log-in form."""

    role: str
    signup_id: str
    password: str


async def keep_demo_people(m: Machines) -> list[LogIn]:
    """Have the demo accounts, with passwords made once and kept in DATA_DIR; return how to log in."""
    passwords = _keep_passwords(m.settings.data_path / "demo.json")
    for role, signup_id, name, phone in PEOPLE:
        await accounts.ensure_user(
            m, accounts.NewUser(signup_id, passwords[signup_id], name, phone), role=role
        )
    return [LogIn(role, signup_id, passwords[signup_id]) for role, signup_id, _, _ in PEOPLE]


def _keep_passwords(path: Path) -> dict[str, str]:
    if not path.exists():
        passwords = {signup_id: f"madang-{secrets.token_hex(4)}" for _, signup_id, _, _ in PEOPLE}
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(passwords, file)
    kept: dict[str, str] = json.loads(path.read_text())
    return kept
