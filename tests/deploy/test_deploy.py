"""Dockerfile, compose.yaml and the cloud-config agree with the settings and with each other."""

import dataclasses
import http.server
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.settings import Settings
from sandbox.valkey import Valkey
from tests.stack import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = (ROOT / "compose.yaml").read_text()
CLOUD_CONFIG = (ROOT / "deploy/gce/cloud-config.yaml").read_text()
SHOP = COMPOSE.partition("\n  mysql:")[0]
SETTINGS = {row.name.upper(): row for row in dataclasses.fields(Settings)}
DRAIN_SECONDS = Settings().drain_seconds


def test_every_named_setting_exists() -> None:
    used = set(re.findall(r"^      ([A-Z_]+):", SHOP, re.MULTILINE))
    used |= set(re.findall(r"^      ([A-Z_]+)=", CLOUD_CONFIG, re.MULTILINE))
    used |= set(re.findall(r"--env ([A-Z_]+)=", CLOUD_CONFIG))
    used |= set(re.findall(r"\b(BIND|DATA_DIR)=", DOCKERFILE))
    assert len(used) > 10
    assert {name.removesuffix("_FILE") for name in used} - set(SETTINGS) == set()


def test_what_is_secret_is_given_as_a_file() -> None:
    given = set(re.findall(r"^      ([A-Z_]+):", SHOP, re.MULTILINE))
    secret = {name for name, row in SETTINGS.items() if row.metadata["secret"]}
    assert given & secret == {"REDIS_URL"}  # it has no password: only the shop's own network reaches it
    assert "TOSS_SECRET_KEY_FILE=/run/secrets/" in CLOUD_CONFIG


def test_all_speak_of_the_same_port() -> None:
    assert re.findall(r"BIND=0\.0\.0\.0:(\d+)", DOCKERFILE) == ["8000"]
    assert re.findall(r"EXPOSE (\d+)", DOCKERFILE) == ["8000"]
    assert '"127.0.0.1:8000:8000"' in SHOP
    assert "--publish 8000:8000" in CLOUD_CONFIG


def test_all_speak_of_the_same_user_and_folder() -> None:
    assert re.findall(r"USER (\S+)", DOCKERFILE) == ["10001:10001"]
    assert "chown 10001:10001 /data" in DOCKERFILE
    assert "--user 10001:10001" in CLOUD_CONFIG
    assert "install -d -m 0700 -o 10001 -g 10001 /mnt/disks/madang/data" in CLOUD_CONFIG
    assert re.findall(r"DATA_DIR=(\S+)", DOCKERFILE) == re.findall(r"VOLUME (\S+)", DOCKERFILE) == ["/data"]
    assert '"shop:/data"' in SHOP
    assert "--volume /mnt/disks/madang/data:/data" in CLOUD_CONFIG


def test_the_shop_is_locked_in_wherever_it_runs() -> None:
    for hardening in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "tmpfs: ["):
        assert hardening in SHOP
    for hardening in ("--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--tmpfs "):
        assert hardening in CLOUD_CONFIG


def test_it_is_given_the_time_it_may_take_to_drain() -> None:
    needed = 2 * DRAIN_SECONDS + 5  # the web processes, then the worker, then the stores
    (grace,) = re.findall(r"stop_grace_period: (\d+)s", SHOP)
    (stop,) = re.findall(r"docker stop --time (\d+)", CLOUD_CONFIG)
    (unit,) = re.findall(r"TimeoutStopSec=(\d+)", CLOUD_CONFIG)
    assert min(int(grace), int(stop)) >= needed
    assert int(stop) < int(unit) < 120  # Compute Engine's own limit


def test_the_stores_lose_nothing_they_answered() -> None:
    flags = Valkey(port=1)
    flags.directory = ROOT
    words = flags.flags()
    for name in ("--appendonly", "--appendfsync", "--aof-load-truncated", "--maxmemory-policy", "--save"):
        value = words[words.index(name) + 1]
        assert re.search(rf'- {name}\n      - "?{value}"?\n', COMPOSE), name
    for flag in ("--innodb-flush-log-at-trx-commit=1", "--sync-binlog=1", "--character-set-server=utf8mb4"):
        assert f"- {flag}\n" in COMPOSE


def test_nothing_but_the_code_goes_into_the_image() -> None:
    copied = set(re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE))
    let_in = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert copied == let_in
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_image_has_a_python_the_shop_runs_on() -> None:
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    (version,) = set(re.findall(r"^FROM python:3\.(\d+)-slim", DOCKERFILE, re.MULTILINE))
    assert required == f">=3.11,<3.{int(version) + 1}"


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_follows_the_bind_address(status: int, healthy: bool) -> None:  # noqa: FBT001 - a parameter
    (code,) = re.findall(r'CMD \["python", "-c", "(.*)"\]$', DOCKERFILE, re.MULTILINE)
    with answering(status) as (port, asked):
        done = subprocess.run([sys.executable, "-c", code], env={"BIND": f"0.0.0.0:{port}"}, check=False)
    assert (done.returncode == 0) is healthy
    assert asked == ["/livez"]


@contextmanager
def answering(status: int) -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, asked
        server.shutdown()
        thread.join()


def test_compose_finds_every_secret_it_names(tmp_path: Path) -> None:
    script = tmp_path / "deploy" / "compose-secrets"
    script.parent.mkdir()
    shutil.copy(ROOT / "deploy/compose-secrets", script)
    subprocess.run([script], input="test_gsk_abc\n", text=True, check=True)
    made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert set(made) == set(re.findall(r"file: \./secrets/(\w+)", COMPOSE))
    assert set(re.findall(r"/run/secrets/(\w+)", COMPOSE)) < set(made)
    assert made["toss_secret_key"] == "test_gsk_abc"
    assert f":{made['mysql_password']}@mysql:3306/madang?" in made["database_url"]
    password = made["rabbitmq_conf"].splitlines()[1].removeprefix("default_pass = ")
    assert made["amqp_url"] == f"amqp://madang:{password}@rabbitmq:5672/"
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    subprocess.run([script], check=True, stdin=subprocess.DEVNULL)
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == made


def test_the_cloud_config_begins_as_cloud_init_wants_it_and_names_its_blanks() -> None:
    assert CLOUD_CONFIG.startswith("#cloud-config\n")
    blanks = set(re.findall(r"@[A-Z_]+@", CLOUD_CONFIG))
    steps = (ROOT / "docs/deploy.md").read_text()
    assert blanks == set(re.findall(r"@[A-Z_]+@", steps))
    assert blanks == {"@IMAGE@", "@REGISTRY@", "@PUBLIC_URL@", "@TOSS_CLIENT_KEY@", "@ADDRESS@"}


def test_the_steps_ask_for_life_to_restart_and_for_readiness_to_send_shoppers() -> None:
    steps = (ROOT / "docs/deploy.md").read_text()
    assert re.search(r"health-checks create http madang-live .*--request-path=/livez", steps)
    assert re.search(r"health-checks create http madang-ready .*--request-path=/readyz", steps)
    assert "--health-check=madang-live" in steps
    assert "--health-checks=madang-ready" in steps
