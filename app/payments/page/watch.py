"""Looks at the payment page as shoppers get it, and compares headers and scripts with the inventory.

What was changed on the way (a proxy, a CDN, a machine that somebody else has got into) shows here and in no
test. The page of the newest order that waits for its payment is asked for, as its shopper would: nothing of
it is kept or told but what differs.
"""

import asyncio
import hashlib
import http.client
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.core import policy, stylesheet
from app.infra import metrics
from app.machines import Machines
from app.orders import service as orders
from app.orders.access import PASS_COOKIE
from app.payments import store
from app.payments.page.inventory import SCRIPTS, TOSS
from app.payments.page.reading import read_contents
from app.settings import Settings

STATIC = Path(__file__).parent.parent.parent / "static"
ADDRESS = re.compile(r"/static/[0-9a-f]+/(.+)")
SECONDS = 10.0
MOST_BYTES = 4 * 1024 * 1024
OK = 200
# What changes pages may spare whoever is plainly no shopper.
BROWSER = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look came to: ``same``, ``different``, ``unreachable``, or ``no_order`` with a page to see."""

    outcome: str
    differences: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The look, for a person."""
        return "\n".join([f"payment page: {self.outcome}", *(f"  {line}" for line in self.differences)])


async def check_page(m: Machines) -> Look:
    """Look at the payment page once, count what came of it, and raise an alarm when it differs."""
    look = await _look(m)
    metrics.payment_page_checks.labels(look.outcome).inc()
    if look.outcome == "different":
        metrics.alarms.labels("payment_page_changed").inc()
        log.error("alarm payment_page_changed: %s", "; ".join(look.differences))
    return look


async def _look(m: Machines) -> Look:
    async with m.db.read() as tx:
        attempt = await store.select_newest_payable(tx)
        order = None if attempt is None else await orders.read_order(tx, attempt.order_id)
    if order is None:
        return Look("no_order")
    shown = orders.issue_pass(m, order)
    cookie = f"{m.settings.cookie_name(PASS_COOKIE)}={shown}"
    try:
        page = await asyncio.to_thread(_fetch, m.settings, f"/orders/{order.order_no}/payment", cookie)
        if page.status != OK:
            return Look("no_order")  # paid or ended meanwhile, and its page with it
        differences = await asyncio.to_thread(lambda: tuple(_differences(m.settings, page)))
    except (OSError, http.client.HTTPException) as error:
        return Look("unreachable", (type(error).__name__,))
    return Look("different" if differences else "same", differences)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def _fetch(settings: Settings, path: str, cookie: str = "") -> _Answer:
    """Ask for something as a browser does, by the address shoppers use. Raises OSError, HTTPException."""
    address = urlsplit(settings.base_url)
    kind = http.client.HTTPSConnection if settings.is_https else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=SECONDS)
    try:
        connection.request("GET", path, headers={"User-Agent": BROWSER, "Accept": "*/*", "Cookie": cookie})
        answer = connection.getresponse()
        headers: dict[str, str] = {}
        for name, value in answer.getheaders():  # a header sent twice is one more way to change it
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known}, {value}"
        return _Answer(answer.status, headers, answer.read(MOST_BYTES))
    finally:
        connection.close()


def _differences(settings: Settings, page: _Answer) -> Iterator[str]:
    style = policy.hash_style(stylesheet.read_inline(STATIC / "css", stylesheet.COUNTER))
    wanted = policy.payment_page(style, settings.toss_sdk_url) | {"Cache-Control": "no-store"}
    for name, value in (wanted | (policy.HSTS if settings.is_https else {})).items():
        if page.headers.get(name.lower()) != value:
            yield f"header {name}"
    contents = read_contents(page.body.decode("utf-8", "replace"))
    yield from contents.strange
    if contents.sdk_url != settings.toss_sdk_url:
        yield "the address of Toss's script"
    digests = {script.source: script.digest for script in SCRIPTS if script.source != TOSS}
    for address in contents.scripts:
        found = ADDRESS.fullmatch(address)
        source = found[1] if found else ""
        digest = digests.pop(source, None)
        if digest is None:
            yield f"a script that is not in the inventory: {address[:200]!r}"
        elif hashlib.sha256(_fetch(settings, address).body).hexdigest() != digest:
            yield f"the content of {source}"
    yield from (f"no {source}" for source in digests)
