"""Requests: a sound one for any route, and every way to spoil it."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from tests.fuzz import strange
from tests.fuzz.surface import Route, Surface

FORM = "application/x-www-form-urlencoded"
QUERIES = (
    "q",
    "category",
    "sort",
    "after",
    "signup_id",
    "next",
    "paymentKey",
    "orderId",
    "amount",
    "code",
    "message",
)
# What somebody would type into the fields that a page leaves empty.
TYPED = {
    "recipient_name": "김민지",
    "recipient_phone": "010-1234-5678",
    "phone": "010-1234-5678",
    "postcode": "04524",
    "address1": "서울특별시 중구 세종대로 110",
    "address2": "3층",
    "delivery_note": "문 앞",
    "name": "박새로",
    "quantity": "1",
    "amount": "100",
    "reason": "단순 변심",
    "confirmed": "1",
    "next": "/cart",
    "signup_id": "minji",
    "email": "minji@shop.example",
    "label": "집",
}
PASSWORD = "새벽 안개 맑음 123"  # of everybody who fuzzes, and what is typed into every other field


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. ``changes`` says whether it could change something if it is not refused."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    endpoint: str
    changes: bool

    @property
    def raw(self) -> bytes:
        """The request as it goes over the wire."""
        lines = [
            f"{self.method} {self.target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body

    def __str__(self) -> str:
        shown = [f"{name}: {value[:60]!r}" for name, value in self.headers[1:] if "id=" not in value]
        return f"{self.method} {self.target[:300]} [{'; '.join(shown)}] {self.body[:300]!r}"


@dataclass(slots=True)
class Draft:
    """A request in the making; values are percent-encoded already."""

    route: Route
    method: str
    values: dict[str, str]
    token: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    kind: str = FORM
    tail: str = ""
    body: bytes | None = None

    @property
    def content(self) -> bytes:
        """The body that goes along."""
        if self.body is not None:
            return self.body
        sent = [("csrf", quote(self.token, safe="")), *self.fields] if self.token else self.fields
        return "&".join(f"{name}={value}" for name, value in sent).encode()

    def seal(self, host: str, cookies: dict[str, str]) -> Request:
        """Return the request as it is sent."""
        target = self.route.fill(self.values) + self.tail
        if self.query:
            target += "?" + "&".join(f"{name}={value}" for name, value in self.query)
        body = self.content if self.body is not None or self.method not in {"GET", "HEAD"} else b""
        own = {name.lower() for name, _ in self.headers}
        headers = [] if "host" in own else [("Host", host)]
        if cookies and "cookie" not in own:
            headers.append(("Cookie", "; ".join(f"{name}={value}" for name, value in cookies.items())))
        if body or self.method == "POST":
            headers += [("Content-Type", self.kind), ("Content-Length", str(len(body)))]
        target = quote(target, safe="/%?&=;:@!$'()*+,~\\")
        changes = (
            self.method not in {"GET", "HEAD", "OPTIONS"} or self.route.endpoint == "payments.confirm_return"
        )
        return Request(self.method, target, (*headers, *self.headers), body, self.route.endpoint, changes)


def sound(rng: random.Random, route: Route, seen: Surface) -> Draft:
    """Return a request as a page of ours would send it."""
    method = "POST" if "POST" in route.methods else "GET"
    values = {name: rng.choice(seen.known.get(name) or ["1"]) for name in route.names}
    token = seen.token_for(route.rule)
    draft = Draft(route, method, {name: quote(value, safe="/") for name, value in values.items()}, token)
    forms = seen.forms.get(route.endpoint)
    if method == "POST" and forms:
        for name, value in rng.choice(forms).fields:
            known = seen.known.get(name) or [TYPED.get(name, PASSWORD)]
            typed = quote(value or rng.choice(known), safe="")
            draft.fields = [one for one in draft.fields if one[0] != name] + [(name, typed)]
    if method == "POST" and route.stance == "outside":
        told = {"orderId": rng.choice(seen.known.get("payment_no") or ["x"]), "status": "DONE"}
        draft.body = json.dumps({"eventType": "PAYMENT_STATUS_CHANGED", "data": told}).encode()
        draft.kind, draft.token = "application/json", ""
    if method == "GET" and rng.random() < 0.3:
        draft.query = [(rng.choice(QUERIES), quote(rng.choice(("머그", "/cart", "price", "1")), safe=""))]
    if rng.random() < 0.4:
        draft.headers += [("HX-Request", "true"), ("HX-Request-Type", "partial")]
    return draft


def spoil(rng: random.Random, draft: Draft, *, refused: bool) -> None:
    """Spoil a request in some ways; ``refused``: so that no door can take it for a sound one."""
    if refused and draft.method == "POST":
        rng.choice(REFUSED)(rng, draft)
    for _ in range(rng.choice((0, 1, 1, 2, 3)) if refused else rng.choice((1, 1, 2, 3))):
        rng.choice(WAYS)(rng, draft)


def _spoil_address(rng: random.Random, draft: Draft) -> None:
    if draft.values:
        draft.values[rng.choice(list(draft.values))] = strange.value(rng)
    else:
        _spoil_tail(rng, draft)


def _spoil_tail(rng: random.Random, draft: Draft) -> None:
    draft.tail = rng.choice(strange.TAILS)


def _spoil_query(rng: random.Random, draft: Draft) -> None:
    names = [
        rng.choice((*QUERIES, *strange.COLUMNS, "a[]", "", "%00")) for _ in range(rng.choice((1, 2, 10)))
    ]
    draft.query += [(name, strange.value(rng)) for name in names]


def _spoil_field(rng: random.Random, draft: Draft) -> None:
    if draft.fields:
        place = rng.randrange(len(draft.fields))
        draft.fields[place] = (draft.fields[place][0], strange.value(rng))


def _drop_field(rng: random.Random, draft: Draft) -> None:
    if draft.fields:
        del draft.fields[rng.randrange(len(draft.fields))]


def _double_field(rng: random.Random, draft: Draft) -> None:
    if draft.fields:
        draft.fields.append((rng.choice(draft.fields)[0], strange.value(rng)))


def _rename_field(rng: random.Random, draft: Draft) -> None:
    if draft.fields:
        place = rng.randrange(len(draft.fields))
        name, value = draft.fields[place]
        draft.fields[place] = (rng.choice((f"{name}[]", f"{name}%00", name.upper(), f"{name}.0", "")), value)


def _add_fields(rng: random.Random, draft: Draft) -> None:
    draft.fields += [
        (rng.choice(strange.COLUMNS), strange.value(rng)) for _ in range(rng.choice((1, 5, 150)))
    ]


def _spoil_header(rng: random.Random, draft: Draft) -> None:
    for _ in range(rng.choice((1, 1, 3, 30))):
        draft.headers.append((rng.choice(strange.HEADERS), strange.header(rng)))


def _spoil_host(rng: random.Random, draft: Draft) -> None:
    draft.headers.append(
        ("Host", rng.choice(("", "evil.example", "[", "a b", "127.0.0.1:99999", "é", "x" * 300)))
    )


def _spoil_cookies(rng: random.Random, draft: Draft) -> None:
    names = ("sid", "gid", "oid", "order_pass", "__Host-sid", "__Secure-oid", "a")
    values = (
        "",
        "x",
        "A" * 43,
        "A" * 4_000,
        "20261123-7K3MPX2.9999999999.0",
        "\xff",
        '"',
        "..",
        "٣".encode().decode("latin-1"),
    )
    draft.headers.append(
        ("Cookie", "; ".join(f"{name}={rng.choice(values)}" for name in rng.sample(names, 3)))
    )


def _spoil_method(rng: random.Random, draft: Draft) -> None:
    draft.method = rng.choice(strange.METHODS)


def _spoil_kind(rng: random.Random, draft: Draft) -> None:
    draft.kind = rng.choice(strange.KINDS)


def _spoil_body(rng: random.Random, draft: Draft) -> None:
    draft.body = strange.body(rng)
    draft.kind = rng.choice((draft.kind, "multipart/form-data; boundary=x", *strange.KINDS))
    draft.headers.append(("X-CSRF-Token", draft.token))


def _send_as_parts(_rng: random.Random, draft: Draft) -> None:
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in draft.fields
    ]
    draft.body, draft.kind = ("".join(parts) + "--x--\r\n").encode(), "multipart/form-data; boundary=x"
    draft.headers.append(("X-CSRF-Token", draft.token))


def _lose_token(_rng: random.Random, draft: Draft) -> None:
    draft.token = ""


def _spoil_token(rng: random.Random, draft: Draft) -> None:
    draft.token = ""
    draft.fields.append(("csrf", strange.value(rng)))


def _come_from_elsewhere(rng: random.Random, draft: Draft) -> None:
    draft.headers.append(
        rng.choice(
            (
                ("Sec-Fetch-Site", "cross-site"),
                ("Sec-Fetch-Site", "same-site"),
                ("Origin", "https://evil.example"),
                ("Origin", "null"),
            )
        )
    )


def _send_too_much(_rng: random.Random, draft: Draft) -> None:
    draft.fields.append(("note", "x" * 70_000))


def _ask_for_nothing(rng: random.Random, draft: Draft) -> None:
    draft.method = rng.choice(("PUT", "PATCH", "DELETE", "TRACE", "BREW"))


Way = Callable[[random.Random, Draft], None]
REFUSED: Sequence[Way] = (
    _lose_token,
    _spoil_token,
    _come_from_elsewhere,
    _send_too_much,
    _ask_for_nothing,
    _lose_token,
)
WAYS: Sequence[Way] = (
    _spoil_address,
    _spoil_tail,
    _spoil_query,
    _spoil_field,
    _spoil_field,
    _spoil_field,
    _drop_field,
    _double_field,
    _rename_field,
    _add_fields,
    _spoil_header,
    _spoil_header,
    _spoil_host,
    _spoil_cookies,
    _spoil_method,
    _spoil_kind,
    _spoil_body,
    _send_as_parts,
)
