"""Pages as a fuzzer reads them: where they lead, and which forms they have."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

LEADING = ("href", "src", "data-hx-get")
TYPED = {"input", "select", "textarea", "button"}


@dataclass(slots=True)
class Form:
    """One form: where it is sent, and its fields with the values the page gave them."""

    method: str
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)


class Page(HTMLParser):
    """One page or piece, read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.tokens: list[str] = []
        self._by_id: dict[str, Form] = {}
        self._open: Form | None = None
        self._strays: list[tuple[str, tuple[str, str]]] = []
        self.feed(text)
        self.close()
        for name, typed in self._strays:  # a button may stand before or after the form it belongs to
            if name in self._by_id:
                self._by_id[name].fields.append(typed)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what leads somewhere and what can be filled in."""
        has = {name: value or "" for name, value in attrs}
        self.links += [has[name] for name in LEADING if has.get(name, "").startswith("/")]
        if tag == "form":
            self._open = Form(has.get("method", "get").upper(), has.get("action", ""))
            self._by_id[has.get("id", "")] = self._open
            self.forms.append(self._open)
        elif tag in TYPED and "name" in has:
            self._note(has.get("form", ""), (has["name"], has.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        """Note that a form ends."""
        if tag == "form":
            self._open = None

    def _note(self, belongs_to: str, typed: tuple[str, str]) -> None:
        if typed[0] == "csrf":
            self.tokens.append(typed[1])
        elif belongs_to:
            self._strays.append((belongs_to, typed))
        elif self._open is not None:
            self._open.fields.append(typed)
