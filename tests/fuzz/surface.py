"""All that can be asked of the shop: the routes of its URL map, and the forms that stand on its pages."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from app.main import create_app
from app.settings import Settings
from tests.fuzz.pages import Form, Page

NAME = re.compile(r"<(?:\w+:)?(\w+)>")
DESK = "/admin"
OF_A_KIND = 3  # pages of one route that are read, and values of one name that are remembered


@dataclass(frozen=True, slots=True)
class Route:
    """One address of the URL map and what it takes."""

    endpoint: str
    rule: str
    methods: frozenset[str]
    stance: str

    @property
    def names(self) -> list[str]:
        """What must be filled in."""
        return NAME.findall(self.rule)

    def fill(self, values: dict[str, str]) -> str:
        """Return the address with its names filled in."""
        return NAME.sub(lambda found: values[found[1]], self.rule)


class Atlas:
    """The URL map of an app without anything behind it."""

    def __init__(self) -> None:
        app = create_app(Settings(secret_key="k", password_pepper="p"))
        self._found = app.url_map.bind("shop")
        self.routes = [
            Route(
                rule.endpoint,
                str(rule),
                frozenset(rule.methods or ()),
                getattr(app.view_functions[rule.endpoint], "door").stance,  # noqa: B009 - untyped by the framework
            )
            for rule in app.url_map.iter_rules()
        ]

    def find(self, method: str, path: str) -> tuple[str, dict[str, str]]:
        """Return the endpoint of an address and what it fills in; '' when there is none."""
        try:
            endpoint, values = self._found.match(path, method="GET" if method == "HEAD" else method)
        except (HTTPException, RequestRedirect):
            return "", {}
        return str(endpoint), {name: str(value) for name, value in values.items()}


@dataclass(slots=True)
class Surface:
    """What one browser has seen: forms by endpoint, and values for the names in addresses."""

    forms: dict[str, list[Form]] = field(default_factory=dict)
    known: dict[str, list[str]] = field(default_factory=dict)
    pages: dict[str, list[str]] = field(default_factory=dict)
    token: str = ""
    desk_token: str = ""

    def learn(self, name: str, value: str) -> None:
        """Remember a value, the newest few."""
        values = self.known.setdefault(name, [])
        if value not in values:
            self.known[name] = [*values, value][-OF_A_KIND:]

    def nth(self, name: str, number: int) -> str:
        """Return one of the values of a name, from the first again after the last."""
        values = self.known[name]
        return values[number % len(values)]

    def token_for(self, url: str) -> str:
        """Return the form token that is good at an address: operators have a session of their own."""
        return self.desk_token if url.startswith(DESK) else self.token

    def read(self, atlas: Atlas, text: str) -> list[str]:
        """Learn from a page; return the addresses it leads to."""
        page = Page(text)
        self._keep_token(page)
        for form in page.forms:
            endpoint, values = atlas.find(form.method, form.action.partition("?")[0])
            self._learn_all(values)
            if form.method == "POST" and endpoint:
                self.forms[endpoint] = [*self.forms.get(endpoint, []), form][-OF_A_KIND:]
        return [link for link in page.links if self._is_new(atlas, link)]

    def _keep_token(self, page: Page) -> None:
        if page.tokens and any(form.action.startswith(DESK) for form in page.forms):
            self.desk_token = page.tokens[-1]
        elif page.tokens:
            self.token = page.tokens[-1]

    def _is_new(self, atlas: Atlas, link: str) -> bool:
        endpoint, values = atlas.find("GET", link.partition("?")[0])
        self._learn_all(values)
        seen = self.pages.setdefault(endpoint, [])
        if not endpoint or link in seen or len(seen) >= OF_A_KIND:
            return False
        seen.append(link)
        return True

    def _learn_all(self, values: dict[str, str]) -> None:
        for name, value in values.items():
            self.learn(name, value)


def starts(routes: Iterable[Route]) -> list[str]:
    """Return the addresses that need nothing filled in."""
    return [route.rule for route in routes if "GET" in route.methods and not route.names]
