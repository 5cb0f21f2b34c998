"""The small parts of ./dev that can be wrong quietly."""

import importlib.machinery
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.stack import ROOT


@pytest.fixture(scope="module")
def dev() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("dev", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_help_names_every_verb_and_an_unknown_one_is_refused(dev: ModuleType) -> None:
    asked = subprocess.run([ROOT / "dev", "help"], capture_output=True, text=True, check=True)
    for verb in dev.VERBS:
        assert f"\n  {verb} " in asked.stdout
    assert subprocess.run([ROOT / "dev", "rnu"], capture_output=True, check=False).returncode == 2


def test_nothing_is_missing_here(dev: ModuleType) -> None:
    assert dev.missing_packages() == []


def test_each_missing_program_is_named_by_its_package(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **_: name if name == "valkey-server" else None)
    assert dev.missing_packages() == [
        "mariadb-server-core",
        "mariadb-client-core",
        "rabbitmq-server",
        "chromium",
        "gcc",
    ]


def test_each_missing_file_is_named_by_its_package(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = [((str(tmp_path),), patterns, package) for _, patterns, package in dev.FILES]
    monkeypatch.setattr(dev, "FILES", elsewhere)
    assert dev.missing_packages() == ["fonts-noto-cjk", "libc6-dev"]
    (tmp_path / "stdio.h").touch()
    assert dev.missing_packages() == ["fonts-noto-cjk"]


def test_where_it_may_not_install_it_says_what_to_install(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "missing_packages", lambda: ["redis-server", "chromium"])
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(dev.Refused, match=r"apt-get install redis-server chromium$"):
        dev.install_programs()


@pytest.mark.parametrize(
    ("name", "content", "caption"),
    [
        ("a.py", '"""The cart."""\n\nx = 1\n', "The cart."),
        ("b.py", "x = 1\n# not a caption\n", ""),
        ("c.sh", "#!/bin/sh\n# Starts it.\n", "Starts it."),
        ("d.html", "\n{# in: line, currency #}\n<p>", "in: line, currency"),
        ("e.css", "/* One button. */\n", "One button."),
        ("f.sql", "-- 장바구니\n", "장바구니"),
        ("g.md", "# Deploy\n", "Deploy"),
        ("h.lock", "httpx==1 \\\n    # via madang\n", ""),
        ("i.webp", b"RIFF\xff\xff", ""),
    ],
)
def test_a_file_s_caption(
    dev: ModuleType, tmp_path: Path, name: str, content: str | bytes, caption: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    assert dev.caption_of(file) == caption


def test_the_map_goes_folder_by_folder(dev: ModuleType) -> None:
    lines = dev.draw_map([Path("dev"), Path("tests/stack.py"), Path("tests/conftest.py")])
    assert [line.split("  ")[0] or line.split()[0] for line in lines if line] == [
        "./",
        "dev",
        "tests/",
        "conftest.py",
        "stack.py",
    ]


def test_a_stamp_is_of_this_python_and_this_lock_file(dev: ModuleType) -> None:
    assert dev.stamp_of("run") != dev.stamp_of("test")
    assert dev.stamp_of("run").startswith(f"{sys.version_info.major}.{sys.version_info.minor} ")


def test_the_lock_for_tests_has_everything_of_the_lock_for_running(dev: ModuleType) -> None:
    run, test = (
        {line.split()[0] for line in lock.read_text().splitlines() if line[:1].isalnum()}
        for kind in ("run", "test")
        for lock in dev.ENVIRONMENTS[kind].locks
    )
    assert run < test


def test_a_python_without_venv_is_named_by_its_package(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Path(dev.bundled_pip()).parent.suffix == ".whl"
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(dev.Refused, match=r"apt-get install python3\.\d+-venv\.$"):
        dev.bundled_pip()


@pytest.mark.parametrize(
    ("args", "chosen"),
    [
        ([], ["-m", "not slow"]),
        (["tests/house", "-x"], ["tests/house", "-x", "-m", "not slow"]),
        (["--all"], []),
        (["tests/house", "--all"], ["tests/house"]),
        (["-m", "slow"], ["-m", "slow"]),
        (["-mslow"], ["-mslow"]),
    ],
)
def test_slow_tests_run_only_when_they_are_asked_for(
    dev: ModuleType, args: list[str], chosen: list[str]
) -> None:
    assert dev.choice(args) == chosen


def test_paths_are_told_from_other_arguments(dev: ModuleType) -> None:
    assert dev.is_path("tests/house/test_dev.py::test_x")
    assert not dev.is_path("-x")
    assert not dev.is_path("name of a test")


def test_a_step_that_fails_shows_what_was_said_and_what_it_means(
    dev: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dev.step("good", [sys.executable, "-c", "print('noise')"], "Nothing fits.")
    assert "noise" not in capsys.readouterr().out
    assert not dev.step("bad", [sys.executable, "-c", "import sys; sys.exit('line 7')"], "Nothing fits.")
    assert re.fullmatch(r"bad +FAILED \(\d+\.\d s\)\nline 7\nbad: Nothing fits\.\n", capsys.readouterr().out)


def test_what_is_shipped_is_judged_by_bandit_and_by_our_own_rules_and_asks_no_network(
    dev: ModuleType,
) -> None:
    commands = {name: command for name, command, _ in dev.checks()}
    assert {"app", "tasks", "sandbox", "db", "dev"} <= set(commands["bandit"])
    assert {"app", "tasks", "sandbox", "db", "dev", "tests/house/semgrep.yml"} <= set(commands["semgrep"])
    assert commands["semgrep"][-7:-5] == ["off", "--disable-version-check"]
