"""Settings, .env.example and README tell the same story."""

import dataclasses
import re
from pathlib import Path

import pytest

from app.settings import SettingError, Settings, check_passwords, check_toss, describe, read_settings

ROOT = Path(__file__).parent.parent.parent


def test_env_example_lists_every_setting_with_its_default_and_meaning() -> None:
    written = (ROOT / ".env.example").read_text()
    for row in dataclasses.fields(Settings):
        assert f"# {row.metadata['meaning']}\n#{row.name.upper()}={row.default}\n" in written, row.name
    names = re.findall(r"^#([A-Z_]+)=", written, re.MULTILINE)
    assert names == [row.name.upper() for row in dataclasses.fields(Settings)]


def test_readme_names_only_settings_that_exist() -> None:
    table = (ROOT / "README.md").read_text().partition("## Settings")[2].partition("## ")[0]
    names = set(re.findall(r"`([A-Z_]{4,})`", table)) - {"NAME_FILE"}
    assert names <= {row.name.upper() for row in dataclasses.fields(Settings)}
    assert "TOSS_SECRET_KEY" in names


def test_a_secret_is_never_shown() -> None:
    shown = {name: value for name, value, _ in describe(Settings(secret_key="hunter2"))}
    assert shown["SECRET_KEY"] == "set"
    assert "hunter2" not in shown.values()


def test_a_setting_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    assert read_settings({"SECRET_KEY_FILE": str(tmp_path / "key")}).secret_key == "from a file"
    with pytest.raises(SettingError, match="cannot be read"):
        read_settings({"SECRET_KEY_FILE": str(tmp_path / "nothing")})
    with pytest.raises(SettingError, match="both set"):
        read_settings({"SECRET_KEY_FILE": str(tmp_path / "key"), "SECRET_KEY": "x"})


@pytest.mark.parametrize("value", ["-1", "two", "1.5", "٣", ""])
def test_a_number_is_a_number(value: str) -> None:
    with pytest.raises(SettingError, match="WEB_WORKERS"):
        read_settings({"WEB_WORKERS": value})


@pytest.mark.parametrize("value", ["everybody", "10.0.0.1/8", "10.0.0.0/33", "0.0.0.0/0", "10.0.0.1,::/0"])
def test_a_proxy_is_an_address_or_a_network_and_never_everybody(value: str) -> None:
    with pytest.raises(SettingError, match="TRUSTED_PROXIES"):
        read_settings({"TRUSTED_PROXIES": value})
    assert len(read_settings({"TRUSTED_PROXIES": "10.0.0.1, fd00::/8"}).proxies) == 2


def test_a_choice_is_one_of_its_choices() -> None:
    with pytest.raises(SettingError, match="redis, confirm"):
        read_settings({"CART_ACK": "maybe"})


@pytest.mark.parametrize(
    ("client", "secret"),
    [
        ("test_ck_x", "test_gsk_x"),
        ("test_gck_x", "live_gsk_x"),
        ("test_gck_x", "test_sk_x"),
        ("", "test_gsk_x"),
    ],
)
def test_toss_keys_that_do_not_fit_together_are_refused_at_start(client: str, secret: str) -> None:
    with pytest.raises(SettingError, match="pair"):
        check_toss(Settings(toss_client_key=client, toss_secret_key=secret))


def test_real_shoppers_never_meet_the_sandbox() -> None:
    with pytest.raises(SettingError, match="TOSS_SECRET_KEY"):
        check_toss(Settings(public_url="https://shop.example"))


def test_real_shoppers_passwords_are_never_hashed_cheaply() -> None:
    with pytest.raises(SettingError, match="BCRYPT_COST"):
        check_passwords(Settings(public_url="https://shop.example", bcrypt_cost=11))
    check_passwords(Settings(public_url="https://shop.example", bcrypt_cost=12))
    check_passwords(Settings(public_url="http://localhost:8000", bcrypt_cost=4))
    assert Settings().bcrypt_cost >= 12
