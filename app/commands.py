"""What can be done with a shop from the command line: python -m app VERB.

A verb brings in by itself what the others have no use for: a web process starts a third sooner.
"""

import argparse
import asyncio
import getpass
import os
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from app.accounts import service as accounts
from app.audit import service as audit
from app.audit.service import Actor
from app.core.errors import ShopError
from app.infra import ddl, migrations
from app.infra.durability import check_durability
from app.infra.log import set_up_log
from app.machines import Machines, build_machines
from app.operators import service as operators
from app.payments import service as payments
from app.settings import (
    SettingError,
    Settings,
    check_passwords,
    check_toss,
    describe,
    keep_secrets,
    read_settings,
)

if TYPE_CHECKING:
    from app.demo import LogIn

T = TypeVar("T")

NEEDED = ("redis_url", "amqp_url", "toss_secret_key", "toss_client_key", "secret_key", "password_pepper")

DEEDS = {
    "create": "make an operator; the password is asked for, and the first log-in enrols the second factor",
    "disable": "take an operator out; every session ends at once",
    "enable": "let one in again who was taken out",
    "reset": "forget an operator's second factors: the next log-in enrols new ones",
}

Verb = Callable[[Settings, argparse.Namespace], int | None]


def main(argv: Sequence[str]) -> int:
    """Do what the first word says."""
    args = _parser().parse_args(argv)
    try:
        if args.verb is run:  # a person watches: what is well is not said
            os.environ.setdefault("LOG_LEVEL", "WARNING")
        settings = read_settings(os.environ)
        set_up_log(settings.log_level)
        return args.verb(settings, args) or 0
    except (SettingError, ShopError) as error:
        _print(error, file=sys.stderr)
        return 1


def run(settings: Settings, args: argparse.Namespace) -> None:
    """Start the shop with a seeded catalogue and two demo accounts, and print its address."""
    started = time.monotonic()
    settings = keep_secrets(replace(settings, bind=args.bind or settings.bind))
    people = asyncio.run(_prepare(settings, args.products))
    asyncio.run(_run(settings, people, started))


def serve(settings: Settings, _args: argparse.Namespace) -> None:
    """Bring the schema up to date, then run web processes and the task worker: what the container does."""
    from app import supervisor

    settings = keep_secrets(settings)
    settings.data_path.mkdir(parents=True, exist_ok=True)
    asyncio.run(supervisor.supervise(settings, os.environ, asyncio.Event()))


def web(settings: Settings, _args: argparse.Namespace) -> None:
    """Run one web process alone; every address must be set."""
    from app.server import run_web

    complete = _complete(settings)
    asyncio.run(_with_machines(complete, lambda m: check_durability(m.db, m.redis, settings.cart_ack)))
    run_web(complete)


def worker(settings: Settings, _args: argparse.Namespace) -> None:
    """Run the task worker alone; every address must be set."""
    from tasks.__main__ import run_worker

    run_worker(_complete(settings))


def migrate(settings: Settings, _args: argparse.Namespace) -> None:
    """Bring the database's schema up to date."""
    applied = asyncio.run(_migrate(settings))
    _print("\n".join(applied) or "nothing to do")


def seed(settings: Settings, args: argparse.Namespace) -> None:
    """Fill an empty shop with the catalogue, or with many products for a benchmark."""
    asyncio.run(_migrate(settings))
    _print(f"{asyncio.run(_seed(settings, args.products))} products")


def log_out(settings: Settings, args: argparse.Namespace) -> None:
    """End every session of a shopper, in all browsers, within a minute."""
    asyncio.run(_with_machines(settings, lambda m: accounts.end_sessions(m, args.signup_id)))


def show_settings(settings: Settings, _args: argparse.Namespace) -> None:
    """Print every setting, its value (secrets hidden) and its meaning."""
    for name, value, meaning in describe(settings):
        _print(f"{name}={value}  # {meaning}")


def schema(_settings: Settings, _args: argparse.Namespace) -> None:
    """Write db/schema.sql anew from the models."""
    ddl.write_schema()


def operator(settings: Settings, args: argparse.Namespace) -> None:
    """Create an operator's account, disable or enable it, or reset its second factors."""
    actor = Actor(None, _account(), "command line")

    async def act(m: Machines) -> None:
        match args.deed:
            case "create":
                await operators.create(m, actor, args.signup_id, args.name, _ask_password())
            case "disable":
                await operators.disable(m, actor, args.signup_id)
            case "enable":
                await operators.enable(m, actor, args.signup_id)
            case "reset":
                await operators.reset_factors(m, actor, args.signup_id)

    asyncio.run(_with_machines(keep_secrets(settings), act))


def access_report(settings: Settings, args: argparse.Namespace) -> None:
    """Print a month's review of which operator saw whose personal data."""
    month = date.fromisoformat(f"{args.month}-01")
    _print(asyncio.run(_with_machines(settings, lambda m: audit.review_month(m, month))))


def show_code(settings: Settings, _args: argparse.Namespace) -> None:
    """Print the one-time code of the demo operator's authenticator, for /admin/login."""
    from app import demo

    _print(demo.code(settings))


def reconcile(settings: Settings, args: argparse.Namespace) -> int:
    """Compare a Korean day's payments with Toss's, and stock with its ledger; status 1 when they differ."""
    if not settings.toss_secret_key:
        raise SettingError("TOSS_SECRET_KEY must be set, and TOSS_API_URL for a sandbox")

    async def compare(m: Machines) -> payments.Report:
        return await payments.compare(m, args.day or payments.yesterday(m.clock.now()))

    report = asyncio.run(_with_machines(settings, compare))
    _print(report.text)
    return int(bool(report.differences))


def check_payment_page(settings: Settings, _args: argparse.Namespace) -> int:
    """Compare the payment page shoppers get with its inventory; status 1: it differs, 2: there was none."""
    if not settings.toss_secret_key:
        raise SettingError("TOSS_SECRET_KEY must be set, and TOSS_SDK_URL for a sandbox")
    look = asyncio.run(_with_machines(keep_secrets(settings), payments.check_page))
    _print(look.text)
    return {"same": 0, "different": 1}.get(look.outcome, 2)


def health(settings: Settings, _args: argparse.Namespace) -> None:
    """Ask the running shop for a sign of life: the container's health check."""
    host, port = settings.local_address
    with urllib.request.urlopen(f"http://{host}:{port}/livez", timeout=3) as answer:  # nosec B310 # always http
        _print(answer.read().decode().strip())


VERBS: dict[str, Verb] = {
    "run": run,
    "serve": serve,
    "web": web,
    "worker": worker,
    "migrate": migrate,
    "seed": seed,
    "log-out": log_out,
    "settings": show_settings,
    "schema": schema,
    "operator": operator,
    "access-report": access_report,
    "code": show_code,
    "reconcile": reconcile,
    "check-payment-page": check_payment_page,
    "health": health,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, verb in VERBS.items():
        sub = verbs.add_parser(name, help=verb.__doc__)
        sub.set_defaults(verb=verb)
        if name in {"run", "seed"}:
            sub.add_argument("--products", type=int, default=0, help="how many (default: the catalogue)")
        if name == "run":
            sub.add_argument("--bind", default="", help="address and port, instead of BIND")
        if name == "log-out":
            sub.add_argument("signup_id")
        if name == "operator":
            _add_deeds(sub)
        if name == "access-report":
            sub.add_argument("--month", type=_month, required=True, help="YYYY-MM (in Korea)")
        if name == "reconcile":
            sub.add_argument("--day", type=date.fromisoformat, help="YYYY-MM-DD (default: yesterday)")
    return parser


def _add_deeds(parser: argparse.ArgumentParser) -> None:
    deeds = parser.add_subparsers(required=True, metavar="DEED", dest="deed")
    for name, meaning in DEEDS.items():
        deed = deeds.add_parser(name, help=meaning)
        deed.add_argument("signup_id", metavar="LOG-IN")
        if name == "create":
            deed.add_argument("name", metavar="NAME")


def _month(text: str) -> str:
    date.fromisoformat(f"{text}-01")
    return text


def _ask_password() -> str:
    return getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _account() -> str:
    """Return whose command line this is; a container may have no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


async def _prepare(settings: Settings, products: int) -> list["LogIn"]:
    from app import demo

    await _migrate(settings)
    await _seed(settings, products)
    return await _with_machines(settings, demo.keep_demo_people)


async def _run(settings: Settings, people: Sequence["LogIn"], started: float) -> None:
    from app import supervisor

    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        greeting = group.create_task(_greet(settings, people, started, ready))
        await supervisor.supervise(settings, os.environ, ready)
        greeting.cancel()


async def _greet(settings: Settings, people: Sequence["LogIn"], started: float, ready: asyncio.Event) -> None:
    await ready.wait()
    _print(f"\n  {settings.shop_name}: {settings.base_url}   ({time.monotonic() - started:.1f} s)\n")
    for person in people:
        _print(
            f"  {person.role:<9} {person.signup_id:<6} {person.password}  {settings.base_url}{person.path}"
        )
    _print("  the operator's one-time code: ./dev code")
    if not settings.smtp_url:
        _print(f"\n  Mail is not sent: its letters lie in {settings.data_path / 'mail'}")
    _print("\n  Ctrl-C stops everything; what you do is kept in " + str(settings.data_path) + "\n")


async def _migrate(settings: Settings) -> list[str]:
    settings.data_path.mkdir(parents=True, exist_ok=True)
    return await _with_machines(settings, lambda m: migrations.migrate(m.db))


async def _seed(settings: Settings, products: int) -> int:
    from app import seed as seeding

    return await _with_machines(
        settings, lambda m: seeding.seed(m.db, settings.data_path / "pictures", products)
    )


async def _with_machines(settings: Settings, work: Callable[[Machines], Awaitable[T]]) -> T:
    m = build_machines(settings)
    try:
        return await work(m)
    finally:
        await m.close()


def _complete(settings: Settings) -> Settings:
    missing = [name.upper() for name in NEEDED if not getattr(settings, name)]
    if missing:
        raise SettingError(
            f"{', '.join(missing)} must be set; `python -m app serve` starts stand-ins for them"
        )
    check_toss(settings)
    check_passwords(settings)
    return settings


def _print(said: object, **how: Any) -> None:
    print(said, flush=True, **how)  # noqa: T201 - this file speaks to a person
