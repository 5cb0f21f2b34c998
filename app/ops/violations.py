"""What browsers report of our Content-Security-Policy, in the two shapes they have for it; pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

MOST_REPORTS = 20
# All others are counted as one: whoever sends reports must not choose how many counters there are.
DIRECTIVES = {
    *("script-src", "script-src-elem", "script-src-attr", "style-src", "style-src-elem", "style-src-attr"),
    *("img-src", "connect-src", "font-src", "frame-src", "form-action", "base-uri", "object-src"),
    *("media-src", "worker-src", "manifest-src", "default-src", "frame-ancestors"),
    *("require-trusted-types-for", "trusted-types"),
}
OTHER = "other"
PAYMENT_PAGE = re.compile(r"/orders/[^/]+/payment")


@dataclass(frozen=True, slots=True)
class Violation:
    """One report: the broken directive, and whether it was on the payment page; no word of the sender's."""

    directive: str
    page: str


def read(body: bytes | str) -> Iterator[Violation]:
    """Yield the violations in a request's body; nothing for what is no report."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return
    for one in (content if isinstance(content, list) else [content])[:MOST_REPORTS]:
        if not isinstance(one, dict):
            continue
        if isinstance(one.get("csp-report"), dict):
            report = one["csp-report"]
            said = report.get("effective-directive") or report.get("violated-directive")
            yield Violation(_directive(said), _page(report.get("document-uri")))
        elif one.get("type") == "csp-violation" and isinstance(one.get("body"), dict):
            report = one["body"]
            yield Violation(_directive(report.get("effectiveDirective")), _page(report.get("documentURL")))


def _directive(said: Any) -> str:
    name = said.split(" ")[0] if isinstance(said, str) else ""
    return name if name in DIRECTIVES else OTHER


def _page(address: Any) -> str:
    try:
        path = urlsplit(address).path if isinstance(address, str) else ""
    except ValueError:
        path = ""
    return "payment" if PAYMENT_PAGE.fullmatch(path) else OTHER
