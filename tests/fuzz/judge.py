"""What is wrong with an answer; nothing, if it is as every answer of the shop is."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass

import brotli

from tests.fuzz.spoil import Request
from tests.fuzz.strange import MARK
from tests.fuzz.surface import Atlas
from tests.stack import ROOT

SENTENCE = {
    "ko": re.compile(r"[가-힣][^<>]*(?:니다|시오|세요|까요)[.?]?"),
    "en": re.compile(r"[A-Z][a-z]+ [^<>]*[a-z][.?]"),
}
INTERNAL = (
    "Traceback",
    "site-packages",
    "sqlalchemy",
    "pymysql",
    "aiomysql",
    "aiosqlite",
    "werkzeug",
    "hypercorn",
    "jinja2",
    "redis.exceptions",
    "aio_pika",
    "quart",
    "SELECT ",
    "Error(",
    "Exception",
    str(ROOT),
)
PROMISED = {
    "content-security-policy": "default-src",
    "x-content-type-options": "nosniff",
}
# None of them tells anybody else more than that one came from this shop.
REFERRER = ("same-origin", "no-referrer", "strict-origin")
PROMISED_OF_PAGES = {"cross-origin-opener-policy": "same-origin", "permissions-policy": "camera"}
MACHINES = {route.endpoint for route in Atlas().routes if route.stance == "outside"}  # they are told a status
OPEN_TO_STORES = ("/static/", "/pictures/")
REFUSED, OURS = 400, 500
AWAY = 503  # a machine did not answer in time, on a loaded computer: a page as any other, and counted
# The server's own refusals, of what is no HTTP: nothing of the app has seen it.
BELOW = {400, 408, 411, 413, 414, 431, 501, 505}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers in lower case, body, and how long it took."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    seconds: float

    def header(self, name: str) -> str:
        """A header's first value, or ''."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def text(self) -> str:
        """The body."""
        unpack = {"gzip": gzip.decompress, "br": brotli.decompress}.get(self.header("content-encoding"))
        body = unpack(self.body) if unpack and self.body else self.body
        return body.decode(errors="replace")

    @property
    def is_below(self) -> bool:
        """Whether the server itself refused, before the app saw anything: nothing but a status."""
        return self.status in BELOW and not self.body and not self.header("server")


def judge(request: Request, answer: Answer) -> Iterator[str]:
    """Say what is wrong."""
    if answer.status >= OURS and answer.status != AWAY:
        yield f"{answer.status}"
    if answer.is_below:
        return
    yield from _judge_headers(request, answer)
    if request.endpoint != "static.show_file":  # they say what they like
        yield from (f"says {word}" for word in INTERNAL if word in answer.text)
    if MARK in answer.text:
        yield "their markup"
    if answer.body and answer.header("content-type").startswith("text/html"):
        yield from _judge_page(answer)
    elif answer.status >= REFUSED and answer.body and request.endpoint not in MACHINES:
        yield f"{answer.status} is no page but {answer.header('content-type')}"
    elif answer.status >= REFUSED and request.method != "HEAD" and request.endpoint not in MACHINES:
        yield f"{answer.status} is empty"


def _judge_headers(request: Request, answer: Answer) -> Iterator[str]:
    # A piece that htmx puts into a page opens no window and asks for no camera: the page it is in decides.
    is_piece = bool(answer.body) and not answer.text.startswith("<!doctype")
    is_page = answer.header("content-type").startswith("text/html") and not is_piece
    for name, part in (PROMISED | (PROMISED_OF_PAGES if is_page else {})).items():
        if part not in answer.header(name):
            yield f"{answer.status} without {name}"
    if answer.header("referrer-policy") not in REFERRER:
        yield f"{answer.status} tells where one came from"
    if answer.header("server") or answer.header("x-powered-by"):
        yield "names its server"
    if answer.header("x-injected"):
        yield "a header of theirs"
    open_to_stores = answer.status < REFUSED and request.target.startswith(OPEN_TO_STORES)
    if not open_to_stores and answer.header("cache-control") != "no-store":
        yield f"may be stored: {answer.header('cache-control')}"
    location = answer.header("location") or answer.header("hx-redirect")
    if location and (not location.startswith("/") or location.startswith(("//", "/\\"))):
        yield f"leads elsewhere: {location}"


def _judge_page(answer: Answer) -> Iterator[str]:
    text = answer.text
    whole = text.startswith("<!doctype html>") and text.rstrip().endswith("</html>")
    if not whole and not text.startswith("<hx-partial"):
        yield f"{answer.status} is neither a page nor pieces"
    main = text.partition("notice-slot")[2].partition("</main>")[0] or text  # what happened, and the page
    if answer.status >= REFUSED and not SENTENCE[answer.header("content-language")].search(main):
        yield f"{answer.status} without a sentence"
