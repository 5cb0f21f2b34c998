"""Puts on every answer the headers that tell a browser what our pages never do."""

from collections.abc import Mapping

from quart import Quart, Response, g, request

from app.core import policy
from app.settings import Settings
from app.web.assets import Assets
from app.web.htmx import HTML

# They end in what opens something: not even our own pages are told where the browser came from.
SECRET_ADDRESSES = ("/password-reset/", "/account/email/")
# The payment page that follows must not hear of it either: Toss's script reads there where the browser came
# from. The origin may stay: without it an old browser says that the form came from nowhere, and is refused.
HANDED_OVER = "/payments/handovers/"
FILES = ("/static/", "/pictures/")
REFUSED = 400  # a file that is not there now may be there in a minute


def register(app: Quart, settings: Settings, assets: Assets) -> None:
    """Put the headers on every answer."""
    always = policy.HSTS if settings.is_https else {}
    bare = {**policy.ALWAYS, "Content-Security-Policy": policy.BARE, **always}
    window, counter = (policy.hash_style(css) for css in (assets.window_style, assets.counter_style))
    in_window = {**policy.plain_page(window), **always}
    plain = {**policy.plain_page(counter), **always}
    paying = {**policy.payment_page(counter, settings.toss_sdk_url), **always}

    async def add_headers(response: Response) -> Response:
        here, path = g.get, request.path
        page = paying if here("embeds_toss") else in_window if here("is_window") else plain
        # Pieces are read by htmx; what a browser would be told of a page of theirs is half of their weight.
        is_page = response.content_type == HTML and not here("sends_pieces")
        _put(response, page if is_page else bare)
        if path.startswith(SECRET_ADDRESSES):
            response.headers["Referrer-Policy"] = "no-referrer"
        elif path.startswith(HANDED_OVER):
            response.headers["Referrer-Policy"] = "strict-origin"
        if response.status_code >= REFUSED or not path.startswith(FILES):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    app.after_request(add_headers)


def _put(response: Response, headers: Mapping[str, str]) -> None:
    """Set many headers at once: each set by itself would look for its name among all the others."""
    there = {name.lower() for name, _ in response.headers}
    for name, value in headers.items():
        if name.lower() in there:
            response.headers.set(name, value)
        else:
            response.headers.add(name, value)


def allow_toss() -> None:
    """Let this one answer embed the Toss widget."""
    g.embeds_toss = True
