"""Operators at work: their pages by their doors, their session's row, and time that passes for it."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pyotp
from quart import Response
from sqlalchemy import select, update

from app.core import ids
from app.core.clock import epoch_us
from app.models import audit_log, operator_sessions
from app.web.guards import UNSAFE
from tests.house.test_bad_input import bare_app
from tests.shop import Shop, Visitor
from tests.village import Person, knock

ADDRESSES = {"<int:web_payment_id>": "1", "<int:operator_factor_id>": "1"}


def doors(stance: str) -> list[tuple[str, str]]:
    """Every door of that stance, as (method, address)."""
    app, found = bare_app(), list[tuple[str, str]]()
    for rule in app.url_map.iter_rules():
        door = getattr(app.view_functions[rule.endpoint], "door", None)
        url = str(rule)
        for part, value in ADDRESSES.items():
            url = url.replace(part, value)
        if door is not None and door.stance == stance:
            found += [(method, url) for method in sorted((rule.methods or set()) & {"GET", *UNSAFE})]
    return found


async def ask(visitor: Visitor, method: str, url: str, **form: Any) -> Response:
    return await (visitor.get(url) if method == "GET" else visitor.post(url, **form))


async def text(answer: Response) -> str:
    return str(await answer.get_data(as_text=True))


def cookie_of(visitor: Visitor, name: str = "oid") -> str:
    """A token as the browser holds it, without scripts being able to read it."""
    [value] = [cookie.value for cookie in visitor.client.cookie_jar or () if cookie.name == name]
    return value or ""


async def session_row(shop: Shop, token: str) -> Any:
    query = select(operator_sessions).where(operator_sessions.c.token_hash == ids.fingerprint(token))
    async with shop.m.db.read() as tx:
        return (await tx.execute(query)).first()


async def pass_time(shop: Shop, visitor: Visitor, *columns: str, minutes: float) -> None:
    """Let time pass for what a session remembers."""
    token = cookie_of(visitor)
    row = await session_row(shop, token)
    values = {name: getattr(row, name) - timedelta(minutes=minutes) for name in columns}
    this = operator_sessions.c.token_hash == ids.fingerprint(token)
    async with shop.m.db.write() as tx:
        await tx.execute(update(operator_sessions).where(this).values(values))


async def changes_of(shop: Shop, person: Person) -> list[Any]:
    """What an operator changed, the oldest first."""
    query = select(audit_log).where(audit_log.c.user_id == person.user_id).order_by(audit_log.c.audit_log_id)
    async with shop.m.db.read() as tx:
        return list(await tx.execute(query))


async def come_back(shop: Shop, person: Person, secret: str, *, steps: int = 1) -> Visitor:
    """Log in again with the code that the authenticator shows some half minutes later: each is good once."""
    desk = await knock(shop, person)
    answer = await desk.post("/admin/second-factor", proof=code_in(shop, secret, steps))
    assert answer.status_code == 303, await text(answer)
    desk.form_page = "/admin/factors"
    return desk


def code_in(shop: Shop, secret: str, steps: int) -> str:
    """What the authenticator shows so many half minutes from now."""
    now = epoch_us(shop.m.clock.now()) // 1_000_000
    return pyotp.TOTP(secret).at(now, counter_offset=steps)


def options_in(page: str) -> str:
    """What the page has the browser ask a passkey."""
    found = re.search(r'data-options="([^"]+)"', page)
    assert found, page
    return unescape(found[1])
