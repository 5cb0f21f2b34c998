"""Places in HTML that is kept: what is each answer's own stands there only when the answer is whole.

A form's token, and the key that makes a form count once, may not be kept from one shopper for the next. What
is drawn once for everybody has these words instead. They are made anew by each process and never leave it, so
nobody can write one into an address or a name and be given a token where it stands.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

TOKEN = f"token-{secrets.token_hex(16)}"
KEY = f"key-{secrets.token_hex(16)}"

_BLANKS = secrets.token_hex(16)

_are_left: ContextVar[bool] = ContextVar("places", default=False)


@cache
def blank(name: str) -> str:
    """Return what stands for a value of that name until it is filled in."""
    return f"{name}-{_BLANKS}"


def are_left() -> bool:
    """Whether what is drawn now is kept, with its places left open."""
    return _are_left.get()


@contextmanager
def left() -> Iterator[None]:
    """Leave the places open in what is drawn."""
    before = _are_left.set(True)
    try:
        yield
    finally:
        _are_left.reset(before)


def fill(html: str, make_token: Callable[[], str], make_key: Callable[[], str]) -> str:
    """Return HTML with the places filled in, of one answer all with the same."""
    if TOKEN in html:
        html = html.replace(TOKEN, make_token())
    return html.replace(KEY, make_key()) if KEY in html else html
