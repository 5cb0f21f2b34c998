"""Each rule of semgrep.yml finds what it forbids, and leaves what the shop does instead."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.stack import ROOT

RULES = ROOT / "tests/house/semgrep.yml"
DOOR, SCRIPT = "app/cart/routes.py", "app/static/js/shop.js"

# rule: where, lines it must find, lines it must leave
SAMPLES: dict[str, tuple[str, list[str], list[str]]] = {
    "sql-pasted-together": (
        DOOR,
        [
            'tx.execute(f"SELECT name FROM users WHERE user_id = {user_id}")',
            'tx.execute("DELETE FROM carts WHERE owner = %s" % owner)',
            'tx.execute("DELETE FROM carts WHERE owner = " + owner)',
            'tx.execute(text("SELECT {}".format(column)))',
            'tx.execute(text(f"SELECT {column}"))',
        ],
        [
            "tx.execute(select(users.c.name).where(users.c.user_id == user_id))",
            'tx.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})',
        ],
    ),
    "sql-past-sqlalchemy": (DOOR, ['conn.exec_driver_sql("COMMIT")'], ["conn.commit()"]),
    "trusted-markup": (
        DOOR,
        [
            "note = Markup(note)",
            'note = markupsafe.Markup("<b>") + note',
            "env = Environment(loader=loader, autoescape=False)",
            "env.from_string(note)",
            "render_template_string(note)",
        ],
        ["note = escape(note)", "env = Environment(loader=loader, autoescape=True)"],
    ),
    "redirect-to-what-was-sent": (
        DOOR,
        [
            'htmx.redirect(request.args.get("next", "/"))',
            'htmx.redirect("https://" + request.headers["Host"])',
            'redirect(fields.sent["next"])',
            'Response("", 303, {"Location": request.args["next"]})',
        ],
        [
            'htmx.redirect(local_path(request.args.get("next", "")) or "/")',
            'htmx.redirect(f"/orders/{order_no}")',
            'redirect("/cart")',
        ],
    ),
    "personal-words-in-the-log": (
        DOOR,
        [
            'log.info("new password %s", form.password)',
            'log.warning("no letter to %s", user.email)',
            'log.error("%s %s cannot be reached", order_no, order.recipient_phone)',
            'log.info("hello %s", user.name)',
            '_log.warning("confirm of %s", attempt.payment_key)',
            'log.info("token %s", token)',
            'log.debug("shipped to %s", shipment.address1)',
            'log.info("made %r", user)',
        ],
        [
            'log.warning("the token of web_payment %d is old", attempt.web_payment_id)',
            'log.warning("%s: parked", queue.name)',
            'log.info("made %d", user.user_id)',
        ],
    ),
    "tls-unchecked": (
        DOOR,
        [
            "client = httpx.AsyncClient(verify=False)",
            "context.check_hostname = False",
            "context.verify_mode = ssl.CERT_NONE",
            "context = ssl._create_unverified_context()",
            "smtp = SMTP(host, validate_certs=False)",
        ],
        ["client = httpx.AsyncClient(verify=True)", "context.verify_mode = ssl.CERT_REQUIRED"],
    ),
    "a-shell": (
        DOOR,
        [
            'subprocess.run(f"convert {name}", shell=True)',
            'os.system("convert " + name)',
            "os.popen(command)",
            "await asyncio.create_subprocess_shell(command)",
            "subprocess.getoutput(command)",
        ],
        ['subprocess.run(["convert", name])', 'await asyncio.create_subprocess_exec("convert", name)'],
    ),
    "a-value-as-program": (
        DOOR,
        [
            "eval(price)",
            "exec(rule)",
            "pickle.loads(body)",
            "marshal.loads(body)",
            "shelve.open(path)",
            "yaml.load(body)",
            "yaml.unsafe_load(body)",
        ],
        ["json.loads(body)", "ast.literal_eval(price)"],
    ),
    "guessable": (
        DOOR,
        ["token = random.randbytes(16)", "code = random.choice(digits)", "key = uuid.uuid1()"],
        ["token = secrets.token_urlsafe(16)", "wait = random.uniform(0.8, 1.2)"],
    ),
    "another-clock": (
        DOOR,
        [
            "at = datetime.now(UTC)",
            "at = datetime.datetime.now()",
            "at = datetime.utcnow()",
            "day = date.today()",
            "day = datetime.today()",
            "at = time.time()",
        ],
        ["at = m.clock.now()", "started = time.monotonic()"],
    ),
    "print-past-the-log": (
        DOOR,
        ["print(order_no)", "sys.stdout.write(order_no)"],
        ['log.info("%s", order_no)'],
    ),
    "weak-hash": (
        DOOR,
        ["hashlib.md5(body)", "hashlib.sha1(body)", 'hashlib.new("md4", body)'],
        ["hashlib.sha256(body)", "hashlib.sha1(lua, usedforsecurity=False)"],
    ),
    "text-as-html": (
        SCRIPT,
        [
            "note.innerHTML = said;",
            "note.outerHTML = said;",
            'note.insertAdjacentHTML("beforeend", said);',
            "document.write(said);",
            "eval(said);",
            "new Function(said);",
        ],
        ["note.textContent = said;", "note.replaceChildren(template.content.cloneNode(true));"],
    ),
}
# rule: files that may do what it forbids everywhere else
AT_HOME = {
    "sql-past-sqlalchemy": ["app/infra/db.py", "app/infra/migrations.py"],
    "trusted-markup": ["app/web/render.py", "app/catalog/routes.py", "app/mail/service.py"],
    "another-clock": ["app/core/clock.py"],
    "print-past-the-log": ["app/commands.py"],
}


def semgrep(folder: Path) -> set[tuple[str, str, int]]:
    """Return what the rules find in a folder: rule, file, line."""
    program = ROOT / ".venv-tools/bin/semgrep"
    assert program.exists(), "./dev setup installs semgrep"
    command = [
        str(program),
        "scan",
        "--config",
        str(RULES),
        "--metrics",
        "off",
        "--disable-version-check",
        "--json",
        ".",
    ]
    off = os.environ | {"SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"}
    said = subprocess.run(command, cwd=folder, env=off, capture_output=True, text=True, check=True)
    answer = json.loads(said.stdout)
    assert answer["errors"] == []
    return {
        (found["check_id"].rpartition(".")[2], found["path"], found["start"]["line"])
        for found in answer["results"]
    }


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str, int]]:
    """Every sample in a shop of its own, judged in one run: its first lines bad, then the good ones."""
    shop = tmp_path_factory.mktemp("shop")
    for rule, (where, bad, good) in SAMPLES.items():
        for path, lines in [
            (named(rule, where), bad + good),
            *((home, bad) for home in AT_HOME.get(rule, [])),
        ]:
            file = shop / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(
                "\n".join([*(file.read_text().splitlines() if file.exists() else []), *lines, ""])
            )
    return semgrep(shop)


def named(rule: str, where: str) -> str:
    """Return the file that tries a rule."""
    path = Path(where)
    return str(path.with_name(f"{rule.replace('-', '_')}{path.suffix}"))


@pytest.mark.parametrize("rule", SAMPLES)
def test_a_rule_finds_every_bad_line_and_leaves_every_good_one(
    rule: str, found: set[tuple[str, str, int]]
) -> None:
    where, bad, _ = SAMPLES[rule]
    lines = {line for name, path, line in found if name == rule and path == named(rule, where)}
    assert lines == set(range(1, len(bad) + 1))


@pytest.mark.parametrize(("rule", "home"), [(rule, home) for rule in AT_HOME for home in AT_HOME[rule]])
def test_a_rule_spares_the_one_place_that_is_there_for_it(
    rule: str, home: str, found: set[tuple[str, str, int]]
) -> None:
    assert [line for name, path, line in found if name == rule and path == home] == []


def test_every_rule_is_tried() -> None:
    assert set(re.findall(r"^  - id: ([\w-]+)$", RULES.read_text(), re.MULTILINE)) == set(SAMPLES)
