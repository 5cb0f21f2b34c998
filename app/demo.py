"""The two people of a shop that is only being tried out."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from app.accounts import service as accounts
from app.accounts.service import NewUser
from app.core.clock import Clock
from app.machines import Machines
from app.operators import service as operators
from app.settings import SettingError, Settings

SHOPPER = ("minji", "김민지", "01012345678")
OPERATOR = ("hana", "이하나", "01087654321")
AUTHENTICATOR = "authenticator"


@dataclass(frozen=True, slots=True)
class LogIn:
    """What to type, and where; for the operator ``./dev code`` is the authenticator app."""

    role: str
    signup_id: str
    password: str
    path: str


async def keep_demo_people(m: Machines) -> list[LogIn]:
    """Have the demo accounts, with secrets made once and kept in DATA_DIR; return how to log in.

    Raises SettingError where real shoppers are: no account there has a password that anybody printed.
    """
    if m.settings.is_https:
        raise SettingError("run makes demo accounts, and PUBLIC_URL is https: use `python -m app serve`")
    kept = _keep(m.settings.data_path / "demo.json")
    shopper, operator = (
        NewUser(signup_id, kept[signup_id], name, phone) for signup_id, name, phone in (SHOPPER, OPERATOR)
    )
    await accounts.ensure_user(m, shopper, role="shopper")
    await operators.ensure_demo_operator(m, operator, kept[AUTHENTICATOR])
    return [
        LogIn("shopper", shopper.signup_id, shopper.password, "/login"),
        LogIn("operator", operator.signup_id, operator.password, "/admin/login"),
    ]


def code(settings: Settings) -> str:
    """Return what the demo operator's authenticator app would show now. Raises SettingError."""
    path = settings.data_path / "demo.json"
    if not path.exists():
        raise SettingError("there is no demo operator here: `./dev run` makes one")
    return operators.code_at(_keep(path)[AUTHENTICATOR], Clock().now())


def _keep(path: Path) -> dict[str, str]:
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    known = len(kept)
    for signup_id, _, _ in (SHOPPER, OPERATOR):
        kept.setdefault(signup_id, f"madang-{secrets.token_hex(4)}")
    kept.setdefault(AUTHENTICATOR, operators.make_secret(secrets.token_bytes(20)))
    if len(kept) > known:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(kept, file)
    return kept
