"""Closed accounts in the database."""

from datetime import datetime

from sqlalchemy import String, cast, literal, update

from app.infra.db import Tx
from app.models import users

# No log-in id looks like this, so the row keeps nobody from having the id that stood here.
NOBODY = "~"


async def update_closed(tx: Tx, user_id: int) -> bool:
    """Close an account and overwrite who it was; the id stays. False when it was closed already."""
    now = tx.clock.now()
    nobody = {
        "name": "", "phone": "", "email": None, "email_confirmed_at": None, "signup_password": "",
        "consents": "{}",
    }  # fmt: skip
    open_ = update(users).where(users.c.user_id == user_id, users.c.closed_at.is_(None))
    return (await tx.execute(open_.values(**nobody, closed_at=now, updated_at=now))).rowcount == 1


async def update_ids_released(tx: Tx, closed_before: datetime) -> None:
    """Overwrite the ids of accounts closed before then."""
    old = update(users).where(users.c.closed_at < closed_before, ~users.c.signup_id.startswith(NOBODY))
    await tx.execute(old.values(signup_id=literal(NOBODY) + cast(users.c.user_id, String(14))))
