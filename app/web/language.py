"""Which language a request is answered in: the one that was chosen, else the browser's, else Korean."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from quart import Quart, Response, current_app, g, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_accept_header

from app.core import languages
from app.web import current, security, session

COOKIE = "language"
YEAR_SECONDS = 365 * 24 * 3600
NEVER_REPEATED = ("/payments/toss/", security.HANDED_OVER, *security.SECRET_ADDRESSES)
MOST_BACK = 500  # characters of the way back; of a longer one the path must do


@dataclass(frozen=True, slots=True)
class Choice:
    """The other language, as the link to it needs it."""

    code: str
    name: str
    url: str


def register(app: Quart) -> None:
    """Choose before anything can fail: errors speak the language too."""
    app.extensions["templates"].globals["other_language"] = other
    app.before_request(choose)


async def choose() -> None:
    """Speak the shopper's language for the rest of the request."""
    languages.speak(choose_of(current.cookie(COOKIE), request.headers.get("Accept-Language", "")))


def choose_of(chosen: str, header: str) -> str:
    """Return the language of who chose one, and of whose browser likes some."""
    return chosen if chosen in languages.NAMES else match(header)


@lru_cache(maxsize=1000)  # browsers say one of a few things
def match(header: str) -> str:
    """Return the language of ours that a browser likes best."""
    accepted = parse_accept_header(header, LanguageAccept)
    return accepted.best_match(list(languages.NAMES), default=languages.SOURCE)


def remember(response: Response, language: str) -> None:
    """Let the browser keep the choice. It is a preference: nothing of the shop's changes by it."""
    session.set_cookie(response, COOKIE, language, YEAR_SECONDS)


def other() -> Choice | None:
    """Return the language that is not spoken now; its link leads back to this page.

    None where the address is a secret, or says what others wrote into it: no link repeats it.
    """
    if request.path.startswith(NEVER_REPEATED):
        return None
    [code] = languages.NAMES.keys() - {languages.spoken()}
    return Choice(code, languages.NAMES[code], f"/languages/{code}?back={quote(_back(), safe='/')}")


def _back() -> str:
    """Return the address of this page, or of what can be looked at when a form was sent to it."""
    if request.method in ("GET", "HEAD"):
        # A failure does not repeat what was asked: others may have written it.
        whole = request.path if g.get("asked_in_vain") else request.full_path.rstrip("?")
        return whole if len(whole) <= MOST_BACK else request.path[:MOST_BACK]
    try:
        current_app.create_url_adapter(request).match(request.path, method="GET")  # type: ignore[union-attr]
    except HTTPException:
        return "/"
    return request.path
