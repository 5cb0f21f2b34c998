"""The shop's commands: python -m app run, serve, web, worker, migrate, seed, settings, schema, operator, health."""

import argparse
import asyncio
import getpass
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import replace

from app import demo, seed, supervisor
from app.accounts import service as accounts
from app.core.errors import ShopError
from app.infra.ddl import write_schema
from app.infra.log import set_up_log
from app.infra.migrations import migrate
from app.machines import build_machines
from app.server import run_web
from app.settings import SettingError, Settings, describe, read_settings
from tasks.__main__ import main as run_worker

Verb = Callable[[Settings, argparse.Namespace], None]


def main(argv: Sequence[str]) -> int:
    """Do what the first word says."""
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for verb in VERBS:
        sub = verbs.add_parser(verb.__name__, help=verb.__doc__)
        sub.set_defaults(verb=verb)
        if verb in {run, seed_}:
            sub.add_argument("--products", type=int, default=0, help="how many products (default: the catalogue)")
        if verb is run:
            sub.add_argument("--bind", default="", help="address and port, instead of BIND")
        if verb is operator:
            sub.add_argument("signup_id")
            sub.add_argument("name")
    args = parser.parse_args(argv)
    try:
        settings = read_settings(os.environ)
        set_up_log(settings.log_level)
        args.verb(settings, args)
    except (SettingError, ShopError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run(settings: Settings, args: argparse.Namespace) -> None:
    """Start the shop with a seeded catalogue and two demo accounts, and print its address."""
    started = time.monotonic()
    if args.bind:
        settings = replace(settings, bind=args.bind)
    settings = supervisor.keep_secrets(settings)
    asyncio.run(_prepare(settings, args.products))
    asyncio.run(_serve(settings, started))


def serve(settings: Settings, _args: argparse.Namespace) -> None:
    """Bring the schema up to date, then run web processes and the task worker: what the container does."""
    settings = supervisor.keep_secrets(settings)
    asyncio.run(_migrate(settings))
    asyncio.run(supervisor.supervise(settings, os.environ, asyncio.Event()))
