"""The languages of the shop: Korean sentences are the keys; what is spoken is a matter of the request."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

SOURCE = "ko"
NAMES = {"ko": "한국어", "en": "English"}  # each as those call it who read it

Catalogue = Mapping[str, str | tuple[str, str]]

# Tasks and threads take the language along that they were started in.
_spoken: ContextVar[str] = ContextVar("language", default=SOURCE)
_catalogues: dict[str, Catalogue] = {}


def install(language: str, catalogue: Catalogue) -> None:
    """Know a language: its sentences, and for what is counted a pair of them (one, many)."""
    _catalogues[language] = catalogue


def speak(language: str) -> None:
    """Speak a language from here on, in this request or task."""
    _spoken.set(language)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language for a while."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def spoken() -> str:
    """Return the language that is spoken now."""
    return _spoken.get()


def find(message: str) -> str:
    """Return a sentence as the catalogue has it, its places still open; an unknown one as it is."""
    found = _catalogues.get(_spoken.get(), {}).get(message, message)
    return found if isinstance(found, str) else found[1]


def find_counted(message: str, plural: str, number: int) -> str:
    """Return the sentence for that many. Korean does not count its words: there both are the same."""
    found = _catalogues.get(_spoken.get(), {}).get(message, (message, plural))
    return found if isinstance(found, str) else found[number != 1]


def gettext(message: str, /, **values: object) -> str:
    """Say a sentence, with ``%(name)s`` filled in; a per cent sign of its own is written twice."""
    return find(message) % values


def ngettext(message: str, plural: str, number: int, /, **values: object) -> str:
    """Say a sentence about ``number`` things; it stands at ``%(num)s``."""
    return find_counted(message, plural, number) % {"num": number, **values}


def marked(message: str) -> str:
    """Mark a word of a table for the catalogue; ``gettext`` says it where it is shown."""
    return message


_ = gettext
