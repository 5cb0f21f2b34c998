"""The operators' pages of what was changed and what was seen."""

import re
from datetime import date

from quart import Blueprint, Response, ResponseReturnValue, request

from app.audit import service as audit
from app.core.clock import to_kst
from app.core.errors import InvalidError
from app.core.languages import marked
from app.web import current, operators
from app.web.guards import operator
from app.web.htmx import respond

blueprint = Blueprint("audit", __name__)

NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)
NO_MONTH = marked("달을 2026-11처럼 입력해 주십시오.")


@blueprint.get("/admin/audit-log")
@operator
async def show_changes() -> ResponseReturnValue:
    """Show what operators changed, the newest first."""
    async with current.machines().db.read() as tx:
        log = await audit.read_changes(tx, _before())
    return await respond("audit/changes.html", log=log, labels=audit.LABELS, before=_before())


@blueprint.get("/admin/access-log")
@operator
async def show_accesses() -> ResponseReturnValue:
    """Show whose personal data operators saw, the newest first."""
    m = current.machines()
    async with m.db.read() as tx:
        log = await audit.read_accesses(tx, _before())
    month = f"{to_kst(m.clock.now()):%Y-%m}"
    return await respond("audit/accesses.html", log=log, before=_before(), month=month)


@blueprint.get("/admin/access-log.csv")
@operator
async def export_accesses() -> ResponseReturnValue:
    """Hand out a month of the access log, for whoever must report a breach; that too is in the log then."""
    month = request.args.get("month", "")
    if not MONTH.fullmatch(month):
        raise InvalidError("month", say=NO_MONTH)
    text = await audit.export_accesses(
        current.machines(), operators.actor(), date.fromisoformat(f"{month}-01")
    )
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="access-log-{month}.csv"',
    }
    return Response(text, 200, headers)


def _before() -> int:
    """Return the row the page begins behind; 0, the newest, when the address names none."""
    written = request.args.get("before", "")
    return int(written) if NUMBER.fullmatch(written) else 0
