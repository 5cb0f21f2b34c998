"""No secret is in the tree, in its history, or in the image; keys of Toss fit the address they serve."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.settings import SELLER, SettingError, Settings, check_toss
from sandbox.toss.config import DOCS_CLIENT_KEY, DOCS_SECRET_KEY

ROOT = Path(__file__).parents[2]
MOST_BYTES = 2_000_000  # of one file: larger ones are pictures and lists

# What a secret looks like, by kind.
PATTERNS = {
    "a live Toss key": rb"\blive_(?:g?sk|g?ck)_[A-Za-z0-9]{8,}",
    "a Toss secret key": rb"\btest_g?sk_[A-Za-z0-9_]{12,}",
    "a private key": rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "a key of AWS": rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "a key of Google": rb"\bAIza[A-Za-z0-9_-]{35}\b",
    "a service account of Google": rb'"private_key_id"\s*:\s*"[0-9a-f]{20,}',
    "a token of GitHub": rb"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{40,}",
    "a token of Slack": rb"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "a signed token": rb"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "a password in an address": rb"\b[a-z][a-z0-9+]{2,20}://[A-Za-z0-9_.-]+:([^\s:@/{}<>$\"'`%]{3,})@",
    "a password hash": rb"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}",
    "a value for a secret": rb"(?m)^\s*(?:ENV |ARG |export )?"
    rb"(?:SECRET_KEY|PASSWORD_PEPPER|METRICS_TOKEN)=[^\s\"'$#]{8,}",
}
# Published by Toss, for everybody; they open nothing. And what stands for a password in examples.
HARMLESS = {DOCS_SECRET_KEY.encode(), DOCS_CLIENT_KEY.encode()}
STAND_INS = {b"guest", b"password", b"madang"}


def secrets_in(text: bytes) -> Iterator[tuple[str, str]]:
    """Every secret in a text: its kind, and where it begins."""
    for kind, pattern in PATTERNS.items():
        for found in re.finditer(pattern, text):
            if found[0] in HARMLESS or (found.groups() and found[1] in STAND_INS):
                continue
            yield kind, found[0][:24].decode("ascii", "replace")


def git(*words: str, said: bytes = b"") -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, input=said, capture_output=True, check=True).stdout


# Written in two halves: this file is in the tree too.
SAMPLES = {
    "a live Toss key": "live_" + "gsk_ma60RZblrqBL5Xp1",
    "a Toss secret key": "test_" + "gsk_ma60RZblrqBL5Xp1",
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a key of AWS": "AKIA" + "IOSFODNN7EXAMPLE",
    "a key of Google": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "a service account of Google": '"private_key' + '_id": "0123456789abcdef0123456789"',
    "a token of GitHub": "ghp" + "_0123456789abcdefghijABCDEFGHIJ012345",
    "a token of Slack": "xoxb" + "-123456789012-abcdef",
    "a signed token": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxIn0xx.abcdefghijklmnop",
    "a password in an address": "mysql+aiomysql://" + "madang:hunter2@db:3306/madang",
    "a password hash": "$2b" + "$12$" + "abcdefghijklmnopqrstuu" * 2 + "abcdefghi",
    "a value for a secret": "SECRET" + "_KEY=0123456789abcdef",
}


@pytest.mark.parametrize("kind", PATTERNS)
def test_a_secret_would_be_found(kind: str) -> None:
    assert kind in {found for found, _ in secrets_in(f"x\n{SAMPLES[kind]}\n".encode())}


def test_the_tree_has_no_secret() -> None:
    """Everything that is or would be committed; without git (a released archive), everything there is."""
    if (ROOT / ".git").exists():
        names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").decode().split("\0")
        paths = [ROOT / name for name in names if name]
    else:
        paths = [
            path
            for folder in ("app", "tasks", "db", "sandbox", "deploy", "docs", "tests")
            for path in (ROOT / folder).rglob("*")
        ]
    files = [path for path in paths if path.is_file() and path.stat().st_size < MOST_BYTES]
    assert len(files) > 100
    assert [(path.name, found) for path in files for found in secrets_in(path.read_bytes())] == []


def test_the_history_has_no_secret() -> None:
    """Every version of every file ever committed: what was taken out again is still there to read."""
    if not (ROOT / ".git").exists():  # a released archive has no history to read
        return
    listed = git("rev-list", "--objects", "HEAD").decode("utf-8", "surrogateescape").splitlines()
    named = dict(line.split(" ", 1) for line in listed if " " in line)
    asked = "\n".join(named).encode()
    sizes = git("cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", said=asked).decode()
    blobs = [line.split() for line in sizes.splitlines()]
    wanted = [name for name, kind, size in blobs if kind == "blob" and int(size) < MOST_BYTES]
    assert wanted
    found: list[object] = []
    content, at = git("cat-file", "--batch", said="\n".join(wanted).encode()), 0
    while at < len(content):
        end = content.index(b"\n", at)
        name, _, size = content[at:end].split()
        at = end + 1 + int(size) + 1
        found += [(named[name.decode()], one) for one in secrets_in(content[end + 1 : at])]
    assert found == []


def test_the_image_is_built_without_secrets() -> None:
    """What a Dockerfile sets or copies stays in the image's history, whatever a later step deletes."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert not re.search(r"^\s*ARG\b", dockerfile, re.MULTILINE)
    assert not re.search(r"--mount=type=secret|--build-arg|ADD\s", dockerfile)
    environment = re.findall(r"\b([A-Z_]+)=", " ".join(re.findall(r"(?ms)^ENV (.*?[^\\])$", dockerfile)))
    assert set(environment) == {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "BIND", "DATA_DIR"}
    copied = re.findall(r"^COPY (?!--from)(\S+)", dockerfile, re.MULTILINE)
    assert set(copied) == {"requirements.lock", "db", "sandbox", "tasks", "app", "dev", "pyproject.toml"}
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"/.env", "/secrets/"} <= set(ignored)


LIVE: dict[str, Any] = {
    "toss_client_key": "live_gck_x",
    "toss_secret_key": "live_gsk_x",
    **dict.fromkeys(SELLER, "누구"),
    "shop_email": "hello@shop.example",
}
TEST: dict[str, Any] = {"toss_client_key": "test_gck_x", "toss_secret_key": "test_gsk_x"}
SHOP = "https://shop.example"


def test_keys_that_fit_are_taken() -> None:
    check_toss(Settings(public_url=SHOP, **LIVE))
    check_toss(Settings(public_url="http://localhost:8000", **TEST))
    check_toss(Settings(public_url=SHOP, toss_trial="yes", **TEST))


def test_test_keys_are_refused_where_real_shoppers_pay() -> None:
    with pytest.raises(SettingError, match="take no money"):
        check_toss(Settings(public_url=SHOP, **TEST))


@pytest.mark.parametrize("url", ["", "http://shop.example", "http://localhost:8000"])
def test_live_keys_are_refused_without_tls(url: str) -> None:
    with pytest.raises(SettingError, match="https"):
        check_toss(Settings(public_url=url, **LIVE))


@pytest.mark.parametrize(
    "other", [{"toss_api_url": "http://127.0.0.1:9"}, {"toss_sdk_url": "https://evil.example/x"}]
)
def test_live_keys_go_to_toss_alone(other: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="Toss alone"):
        check_toss(Settings(public_url=SHOP, **LIVE, **other))


@pytest.mark.parametrize("keys", [LIVE, TEST])
def test_a_refusal_shows_no_key(keys: dict[str, Any]) -> None:
    secret = keys["toss_secret_key"] + "0123456789"
    with pytest.raises(SettingError) as refused:
        check_toss(
            Settings(public_url="http://x" if keys is LIVE else SHOP, **{**keys, "toss_secret_key": secret})
        )
    assert secret not in str(refused.value)


@pytest.mark.parametrize("verb", ["web", "worker", "serve"])
def test_every_process_refuses_them_at_start(
    verb: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.commands import main

    settings = {"REDIS_URL": "redis://127.0.0.1:1", "AMQP_URL": "amqp://127.0.0.1:1", "SECRET_KEY": "k",
                "PASSWORD_PEPPER": "p", "PUBLIC_URL": SHOP, "DATA_DIR": str(tmp_path)}  # fmt: skip
    for name, value in (settings | {key.upper(): word for key, word in TEST.items()}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("app.commands.set_up_log", lambda _level: None)  # the tests' own log stays
    assert main([verb]) == 1
    assert "take no money" in capsys.readouterr().err
