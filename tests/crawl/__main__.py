"""A crawler from elsewhere at every page and form: python -m tests.crawl --minutes 6, which is ./dev crawl.

The shop stands behind TLS on the embedded stack, as it does in production, and nothing leaves this machine:
what the crawler would have a victim fetch is the shop's own address.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from app.accounts import sessions
from app.machines import build_machines
from app.seed import seed
from sandbox.children import MissingProgram, ServerFailed, bound, free_port
from tests.crawl.door import NAME, tls_door
from tests.crawl.findings import Crawl, fail, read, to_text
from tests.fuzz.people import sign_up
from tests.processes import serving
from tests.shop import settings_for
from tests.stack import ROOT, STACKS

CRAWLER = ROOT / ".venv-crawler" / "bin" / "wapiti"
# Not ssrf, xxe and log4shell: they wait for a server elsewhere to be called. Not those that guess at other
# people's software.
MODULES = (
    "cookieflags", "csp", "csrf", "htaccess", "http_headers", "redirect", "upload", "methods", "shellshock",
    "crlf", "xss", "permanentxss", "sql", "ldap", "file", "exec", "backup", "timesql",
)  # fmt: skip
# What would end the session that crawls, and files.
KEPT_OUT = ("/logout", "/account/closure", "/account/sessions/closure", "/pictures/", "/static/")
SHARE_TO_LOOK = 0.25  # of the time of each crawl; the rest is for attacks
SECONDS_AROUND = 30  # to start and to end, on a loaded machine
OF_A_KIND = 4  # goods, of hundreds


def main(argv: Sequence[str]) -> int:
    """Crawl as a guest and as a member; 0 when nothing was found that has no reason."""
    parser = argparse.ArgumentParser(prog="./dev crawl", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="at most, about")
    given = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp(prefix="madang-crawl-"))
    print(f"{given.minutes:g} minutes at most, in {folder}", flush=True)
    try:
        crawls = asyncio.run(_run(given.minutes * 60, folder))
    except (MissingProgram, ServerFailed) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    print(to_text(crawls))
    if fail(crawls):
        print(f"The crawler's words and the shop's log are kept in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


async def _run(seconds: float, folder: Path) -> list[Crawl]:
    port = free_port()
    with STACKS["embedded"](folder) as stack:
        m = build_machines(settings_for(stack, folder))
        try:
            url = f"https://{NAME}:{port}"
            settings = {"PUBLIC_URL": url, "BCRYPT_COST": "12", "TOSS_TRIAL": "yes"}
            async with serving(stack, folder, **settings) as shop:
                await seed(m.db, Path(shop.environment["DATA_DIR"]) / "pictures")
                token = await sessions.open_session(m, await sign_up(m), "crawl")
                people = {"guest": "", "member": f"__Host-sid={token}"}
                async with tls_door(port, int(shop.url.rpartition(":")[2]), folder):
                    return [
                        await _crawl(who, url, cookie, seconds / len(people), folder)
                        for who, cookie in people.items()
                    ]
        finally:
            await m.close()


async def _crawl(who: str, url: str, cookie: str, seconds: float, folder: Path) -> Crawl:
    """Look at every page, then attack with one module after the other; each is ended when its time is up."""
    home, log = folder / who, folder / f"{who}.log"
    home.mkdir()
    command = [
        str(CRAWLER), "--url", f"{url}/", "--scope", "domain", "--endpoint", f"{url}/",
        "--dns-endpoint", NAME, "--max-files-per-dir", str(OF_A_KIND), "--no-bugreport",
        "--store-session", str(home), "--store-config", str(home),
        "--format", "json", "--output", str(home / "report.json"),
        *(each for path in KEPT_OUT for each in ("--exclude", f"{url}{path}*")),
        *(("--cookie-value", cookie) if cookie else ()),
    ]  # fmt: skip
    looking = seconds * SHARE_TO_LOOK
    await _call(
        [*command, "--module", "", "--max-scan-time", f"{looking:.0f}"], looking + SECONDS_AROUND, log
    )
    until, ended = time.monotonic() + seconds - looking, []
    for number, module in enumerate(MODULES):
        share = (until - time.monotonic()) / (
            len(MODULES) - number
        )  # what the quick ones leave is the others'
        if not await _call([*command, "--skip-crawl", "--module", module], share, log):
            ended.append(module)
    return read(who, home, ended)


async def _call(command: Sequence[str], seconds: float, log: Path) -> bool:
    """Run the crawler; False when it had to be ended. What it found until then is in its database."""
    return await asyncio.to_thread(_wait_for, bound(command), seconds, log)


def _wait_for(command: Sequence[str], seconds: float, log: Path) -> bool:
    env = {"PATH": os.environ["PATH"], "HOME": str(log.parent)}
    with log.open("ab") as said:
        try:
            subprocess.run(command, stdout=said, stderr=said, env=env, timeout=seconds, check=True)
        except subprocess.TimeoutExpired:
            return False
        except subprocess.CalledProcessError as error:
            raise ServerFailed(f"The crawler failed: {log}") from error
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
