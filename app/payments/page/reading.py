"""What of a page can run, or can make something run: read from its HTML as it arrived; pure."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

RUNS_BY_ITSELF = {"iframe", "object", "embed", "base", "applet", "frame"}
ADDRESSES = {"href", "src", "action", "formaction"}


@dataclass(slots=True)
class Contents:
    """The scripts a page names, the address its widget is loaded from, and what has no business on it."""

    scripts: list[str] = field(default_factory=list)
    sdk_url: str = ""
    strange: list[str] = field(default_factory=list)


def read_contents(html: str) -> Contents:
    """Read a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.contents


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.contents = Contents()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "script" and values.get("src"):
            self.contents.scripts.append(values["src"])
        elif tag == "script":
            self.contents.strange.append("an inline script")
        elif tag in RUNS_BY_ITSELF or (tag == "meta" and "http-equiv" in values):
            self.contents.strange.append(f"<{tag}>")
        if values.get("id") == "payments-widget":
            self.contents.sdk_url = values.get("data-sdk-url", "")
        for name, value in values.items():
            if name.startswith("on") or name == "srcdoc":
                self.contents.strange.append(f"{name} on <{tag}>")
            if name in ADDRESSES and value.strip().lower().startswith("javascript:"):
                self.contents.strange.append(f"javascript: in {name} of <{tag}>")
