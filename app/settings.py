"""Every setting of the shop: one row each, read from the environment, never from a file in the repository."""

import dataclasses
import ipaddress
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.core.languages import marked

PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}", re.ASCII)

LEAST_COST = 12  # of bcrypt: a quarter of a second, for whoever has stolen the hashes too
TOSS_ADDRESSES = ("https://api.tosspayments.com", "https://js.tosspayments.com/v2/standard")
PREFIX_OF_ALL = 0
LISTEN_FD = "LISTEN_FD"  # where a web process finds its supervisor's socket; no setting of anybody's
# What shoppers must be told of whom they buy from (E-Commerce Act, articles 10 and 13; its rule, article 7).
SELLER = (
    "shop_name", "shop_representative", "shop_business_number", "shop_mail_order_number",
    "shop_mail_order_office", "shop_address", "shop_phone", "shop_email", "shop_hosting",
    "shop_privacy_officer",
)  # fmt: skip
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingError(Exception):
    """A setting that cannot be used; the text says which and why, and never shows a secret."""


def _row(default: Any, meaning: str, *, secret: bool = False, choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"meaning": meaning, "secret": secret, "choices": choices})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. In the environment a name is in capitals; NAME_FILE names a file that holds the value."""

    bind: str = _row("127.0.0.1:8000", "address and port the web listens on")
    public_url: str = _row("", "address shoppers use, for links to and from Toss; default: http://BIND")
    trusted_proxies: str = _row(
        "", "addresses and networks of the proxies in front, whose X-Forwarded-For is believed; by commas"
    )
    data_dir: str = _row("data", "folder for pictures, generated secrets and the embedded database and cache")
    database_url: str = _row("", "SQLAlchemy address of MySQL; empty: an embedded SQLite file", secret=True)
    redis_url: str = _row("", "address of Redis; empty: an embedded Valkey", secret=True)
    amqp_url: str = _row("", "address of RabbitMQ; empty: an embedded queue", secret=True)
    toss_secret_key: str = _row("", "Toss secret key; empty: the Toss sandbox of this package", secret=True)
    toss_client_key: str = _row("", "Toss client key, the pair of the secret key")
    toss_api_url: str = _row(TOSS_ADDRESSES[0], "address of the Toss API")
    toss_sdk_url: str = _row(TOSS_ADDRESSES[1], "address of the Toss widget script")
    toss_trial: str = _row(
        "no", "yes: try an https shop with Toss test keys, which take no money", choices=("no", "yes")
    )
    toss_sandbox_bind: str = _row("127.0.0.1:0", "address and port of the Toss sandbox; 0: any free port")
    secret_key: str = _row("", "signs cookies and forms; empty: generated and kept in DATA_DIR", secret=True)
    password_pepper: str = _row("", "mixed into passwords; empty: generated, kept in DATA_DIR", secret=True)
    smtp_url: str = _row(
        "", "smtp:// (STARTTLS) or smtps:// address mail leaves by; empty: none is sent", secret=True
    )
    mail_from: str = _row("", "sender of the shop's mail; empty: SHOP_EMAIL, or no-reply@ the shop's host")
    web_workers: int = _row(1, "web processes")
    cart_ack: str = _row(
        "redis",
        "what a cart edit waits for: redis (needs an AOF with fsync always) or confirm (also the broker)",
        choices=("redis", "confirm"),
    )
    bcrypt_cost: int = _row(12, "rounds of bcrypt as a power of two; at least 12 with real shoppers")
    delivery_fee: int = _row(3000, "delivery fee in won")
    free_delivery_from: int = _row(50000, "order value in won from which delivery is free")
    order_minutes: int = _row(30, "minutes an unpaid order stays open")
    drain_seconds: int = _row(15, "seconds a process may take to finish its work when told to stop")
    log_level: str = _row("INFO", "least serious log lines", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    metrics_token: str = _row("", "bearer token for /metrics; empty: only from this machine", secret=True)
    shop_name: str = _row(marked("마당"), "trade name (상호)")
    shop_slogan: str = _row(marked("오래 곁에 두는 살림"), "one line under the name on the first page")
    shop_representative: str = _row("", "representative (대표자)")
    shop_business_number: str = _row("", "business registration number (사업자등록번호)")
    shop_mail_order_number: str = _row("", "mail-order report number (통신판매업 신고번호)")
    shop_mail_order_office: str = _row("", "office that took the mail-order report (신고 기관)")
    shop_address: str = _row("", "place of business (사업장 주소)")
    shop_complaint_address: str = _row("", "address that handles complaints; empty: the place of business")
    shop_phone: str = _row("", "customer centre telephone")
    shop_email: str = _row("", "customer centre e-mail")
    shop_hosting: str = _row("", "hosting provider's name (호스팅 제공자)")
    shop_privacy_officer: str = _row("", "who answers for personal data (개인정보 보호책임자)")

    @property
    def base_url(self) -> str:
        """The address shoppers use, without a trailing slash."""
        return (self.public_url or f"http://{self.bind}").rstrip("/")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.bind.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def local_address(self) -> tuple[str, int]:
        """Host and port at which this machine itself reaches the shop."""
        host, port = self.address
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # nosec B104 # noqa: S104 - compared, not bound

    @property
    def is_https(self) -> bool:
        """Whether shoppers come over TLS, so that cookies can be ``__Host-`` ones."""
        return self.base_url.startswith("https://")

    @property
    def takes_money(self) -> bool:
        """Whether what is paid here is paid in earnest."""
        return self.toss_secret_key.startswith("live_")

    @property
    def missing_seller(self) -> tuple[str, ...]:
        """The settings that the law has every page show of the seller, and that are empty."""
        return tuple(name.upper() for name in SELLER if not getattr(self, name).strip())

    def cookie_name(self, name: str) -> str:
        """Return a cookie's full name: over TLS the browser guards it as a ``__Host-`` cookie."""
        return f"__Host-{name}" if self.is_https else name

    @property
    def sender(self) -> str:
        """The address the shop's mail comes from."""
        return self.mail_from or self.shop_email or f"no-reply@{self.mail_domain}"

    @property
    def mail_domain(self) -> str:
        """The shop's host, as it stands in addresses and numbers of mails."""
        host = urlsplit(self.base_url).hostname or ""
        return "localhost" if not host or ":" in host else host

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of the proxies in front. Raises SettingError."""
        words = [word.strip() for word in self.trusted_proxies.split(",")]
        try:
            return tuple(ipaddress.ip_network(word) for word in words if word)
        except ValueError as error:
            raise SettingError(f"TRUSTED_PROXIES: {error}") from error

    @property
    def data_path(self) -> Path:
        """The data folder."""
        return Path(self.data_dir).resolve()

    @property
    def database(self) -> str:
        """The database's address, the embedded one when none is set."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_path / 'madang.sqlite'}"


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read every setting. Raises SettingError."""
    values: dict[str, Any] = {}
    for row in dataclasses.fields(Settings):
        name = row.name.upper()
        written = _read_one(environ, name)
        if written is not None:
            values[row.name] = _convert(name, written, row)
    settings = Settings(**values)
    if settings.proxies and PREFIX_OF_ALL in {network.prefixlen for network in settings.proxies}:
        raise SettingError("TRUSTED_PROXIES must not be everybody: anyone could then claim any address")
    check_mail(settings)
    return settings


def keep_secrets(settings: Settings) -> Settings:
    """Return settings with every secret there; those not given are made once and kept in DATA_DIR."""
    path = settings.data_path / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    known = len(kept)
    secret_key = settings.secret_key or kept.setdefault("secret_key", secrets.token_urlsafe(32))
    pepper = settings.password_pepper or kept.setdefault("password_pepper", secrets.token_urlsafe(32))
    if len(kept) > known:
        # Whole or not at all: without its pepper no password opens anything.
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    return dataclasses.replace(settings, secret_key=secret_key, password_pepper=pepper)


def check_mail(settings: Settings) -> None:
    """Refuse an address that mail cannot leave by. Raises SettingError."""
    url = urlsplit(settings.smtp_url)
    if settings.smtp_url and (url.scheme not in {"smtp", "smtps"} or not url.hostname):
        raise SettingError("SMTP_URL must be smtp://user:password@host:587 or smtps://user:password@host:465")
    if not PLAIN_ADDRESS.fullmatch(settings.sender):
        raise SettingError("MAIL_FROM (or SHOP_EMAIL) must be a plain address: name@shop.example")


def check_toss(settings: Settings) -> None:
    """Refuse keys that do not fit together or with the address: real shoppers pay, nobody else does.

    Raises SettingError.
    """
    if not settings.toss_secret_key:
        if settings.is_https:
            raise SettingError(
                "TOSS_SECRET_KEY must be set when PUBLIC_URL is https: the sandbox takes no money"
            )
        return
    client, secret = settings.toss_client_key.split("_"), settings.toss_secret_key.split("_")
    if client[0] != secret[0] or client[1:2] != ["gck"] or secret[1:2] != ["gsk"]:
        raise SettingError(
            "TOSS_CLIENT_KEY and TOSS_SECRET_KEY must be a pair: test_gck_ with test_gsk_, or live_"
        )
    if secret[0] == "live":
        if not settings.is_https:
            raise SettingError("live Toss keys take real money: PUBLIC_URL must be https")
        if (settings.toss_api_url, settings.toss_sdk_url) != TOSS_ADDRESSES:
            raise SettingError("live Toss keys go to Toss alone: leave TOSS_API_URL and TOSS_SDK_URL out")
        if settings.missing_seller:
            missing = ", ".join(settings.missing_seller)
            raise SettingError(
                f"live Toss keys sell in earnest, and the law has every page say who: set {missing}"
            )
    elif settings.is_https and settings.toss_trial != "yes":
        raise SettingError(
            "test Toss keys take no money: set live ones, for PUBLIC_URL is https, or TOSS_TRIAL=yes"
        )


def check_passwords(settings: Settings) -> None:
    """Refuse to keep real shoppers' passwords behind a cheap hash. Raises SettingError."""
    if settings.is_https and settings.bcrypt_cost < LEAST_COST:
        raise SettingError(f"BCRYPT_COST must be {LEAST_COST} or more when PUBLIC_URL is https")


def describe(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield name, value (secrets masked) and meaning of every setting."""
    for row in dataclasses.fields(Settings):
        value = str(getattr(settings, row.name))
        shown = ("set" if value else "") if row.metadata["secret"] else value
        yield row.name.upper(), shown, row.metadata["meaning"]


def _read_one(environ: Mapping[str, str], name: str) -> str | None:
    path = environ.get(f"{name}_FILE")
    if path is None:
        return environ.get(name)
    if name in environ:
        raise SettingError(f"{name} and {name}_FILE are both set: leave one")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingError(f"{name}_FILE cannot be read: {error.strerror}") from error


def _convert(name: str, written: str, row: "dataclasses.Field[Any]") -> str | int:
    choices = row.metadata["choices"]
    if choices and written not in choices:
        raise SettingError(f"{name} must be one of {', '.join(choices)}")
    if row.type is not int:
        return written
    if not (written.isascii() and written.isdigit()):
        raise SettingError(f"{name} must be a whole number")
    return int(written)
