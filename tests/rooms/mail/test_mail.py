"""Mail leaves by SMTP, once or twice, never forged, and never through the log."""

import socket
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from app.core import ids
from app.core.message import BadMessageError
from app.machines import Machines
from app.mail import smtp
from app.mail.messages import SendMail
from app.mail.smtp import MailServerError
from app.settings import SettingError, read_settings
from tasks.mail import on_send_mail
from tests.letters import Postman, letter, letters_to, link_in, listen_closely, postman, text_of
from tests.shop import Shop

pytestmark = pytest.mark.real_first

MINJI = "minji@example.com"
FACTS: dict[str, Any] = {"signup_id": "minji", "at": "2026년 11월 23일 18:30"}
KINDS = ("password_reset", "password_changed", "email_confirmation", "email_changed", "account_closed")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Postman]:
    async with postman() as one:
        yield one


def with_server(shop: Shop, url: str, **changed: Any) -> Machines:
    return replace(shop.m, settings=replace(shop.m.settings, smtp_url=url, **changed), _kept={})


def wish(**changed: Any) -> SendMail:
    plain: dict[str, Any] = {
        "kind": "password_reset", "to": MINJI, "number": ids.idempotency_key(), "facts": FACTS,
        "path": "/password-reset/", "seed": ids.token(),
    }  # fmt: skip
    return SendMail(**plain | changed)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_mail_arrives_as_it_was_written(shop: Shop, server: Postman, kind: str) -> None:
    m = with_server(shop, server.url, mail_from="shop@shop.example", shop_phone="02-123-4567")
    asked = wish(kind=kind)
    await on_send_mail(m, [asked])
    [(recipients, mail)] = server.got
    assert recipients == [MINJI]
    assert mail["To"] == MINJI
    assert mail["From"] == "마당 <shop@shop.example>"
    assert mail["Subject"].startswith("[마당] ")
    assert mail["Message-ID"].endswith("@localhost>")
    assert "고객센터 02-123-4567" in text_of(mail)
    if kind in {"password_reset", "email_confirmation"}:
        token = ids.derive_token(m.settings.secret_key, asked.seed)
        assert link_in(mail) == f"/password-reset/{token}"


async def test_a_mail_sent_twice_is_one_in_the_mailbox(shop: Shop, server: Postman) -> None:
    m, one, other = with_server(shop, server.url), wish(), wish()
    await on_send_mail(m, [one])
    await on_send_mail(m, [one, other])
    numbers = [mail["Message-ID"] for _, mail in server.got]
    assert numbers[0] == numbers[1] != numbers[2]
    assert text_of(server.got[0][1]) == text_of(server.got[1][1])


@pytest.mark.parametrize("answer", ["451 try later", "421 busy"])
async def test_a_server_that_is_busy_is_asked_again(shop: Shop, server: Postman, answer: str) -> None:
    m, asked = with_server(shop, server.url), wish()
    server.answer = answer
    with pytest.raises(MailServerError) as failed:
        await on_send_mail(m, [asked])
    assert MINJI not in str(failed.value)
    server.answer = "250 OK"
    await on_send_mail(m, [asked])
    assert len(server.got) == 1


async def test_a_server_that_is_away_is_asked_again(shop: Shop) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"smtp://127.0.0.1:{unheard.getsockname()[1]}"
        with pytest.raises(MailServerError):
            await on_send_mail(with_server(shop, url), [wish()])


async def test_what_a_server_never_takes_is_not_tried_for_ever(
    shop: Shop, server: Postman, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = "550 no such mailbox"
    await on_send_mail(with_server(shop, server.url), [wish()])
    assert "mail password_reset refused: SMTPRecipientsRefused 550" in caplog.text
    assert MINJI not in caplog.text


async def test_nothing_is_said_in_the_clear_beyond_this_machine(
    shop: Shop, server: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "_is_here", lambda _host: False)
    with pytest.raises(MailServerError):
        await on_send_mail(with_server(shop, server.url), [wish()])
    assert server.got == []


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("mail.example", False)],
)
def test_only_this_machine_is_spoken_to_without_tls(host: str, *, here: bool) -> None:
    assert smtp._is_here(host) == here


@pytest.mark.parametrize(
    "to",
    [
        f"{MINJI}\r\nBcc: jun@example.com",
        f"{MINJI}\nBcc: jun@example.com",
        f"{MINJI}, jun@example.com",
        f"Minji <{MINJI}>",
        "민지@example.com",
        "minji@",
        "",
    ],
)
async def test_an_address_cannot_smuggle_a_header_or_a_second_address(
    shop: Shop, server: Postman, to: str
) -> None:
    with pytest.raises(BadMessageError) as refused:
        await on_send_mail(with_server(shop, server.url), [wish(to=to)])
    assert "example.com" not in str(refused.value)
    assert server.got == []


async def test_a_name_cannot_smuggle_a_header(shop: Shop, server: Postman) -> None:
    with pytest.raises(BadMessageError):
        await on_send_mail(with_server(shop, server.url, shop_name="마당\r\nBcc: jun@example.com"), [wish()])
    facts = {**FACTS, "signup_id": "minji\r\nBcc: jun@example.com"}
    await on_send_mail(with_server(shop, server.url), [wish(facts=facts)])
    [(recipients, mail)] = server.got
    assert recipients == [MINJI]
    assert mail["Bcc"] is None


@pytest.mark.parametrize("kind", ["", "../../../etc/passwd", "signature.txt", "UPPER", "a" * 41])
async def test_a_kind_that_is_none_of_ours_is_refused(shop: Shop, kind: str) -> None:
    with pytest.raises(BadMessageError):
        await on_send_mail(with_server(shop, ""), [wish(kind=kind)])


async def test_without_a_server_a_developer_finds_the_mail_and_the_log_does_not(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    listen_closely(caplog)
    address, asked = f"{ids.idempotency_key()}@example.com", wish()
    asked = replace(asked, to=address)
    async with shop.m.db.write() as tx:
        await tx.announce(asked)
    mail = await letter(shop, address, "비밀번호를 새로 정하는 링크")
    token = ids.derive_token(shop.m.settings.secret_key, asked.seed)
    assert link_in(mail).endswith(token)
    folder = shop.m.settings.data_path / "mail"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    said = [record.getMessage() for record in caplog.records if record.name.startswith("app.")]
    assert "mail password_reset not sent: no server" in said
    assert address not in caplog.text
    assert token not in caplog.text


async def test_a_shop_with_real_shoppers_leaves_their_links_in_no_file(shop: Shop) -> None:
    address = f"{ids.idempotency_key()}@example.com"
    await on_send_mail(with_server(shop, "", public_url="https://shop.example"), [wish(to=address)])
    assert letters_to(shop, address) == []


@pytest.mark.parametrize("url", ["http://mail", "mail.example:25", "smtp://", "smtps:"])
def test_an_address_mail_cannot_leave_by_is_refused_at_start(url: str) -> None:
    with pytest.raises(SettingError, match="SMTP_URL"):
        read_settings({"SMTP_URL": url})


@pytest.mark.parametrize(
    "sender", ["마당 <shop@shop.example>", "shop", "a@b.example\r\nBcc: c@d.example", "a@b, c@d"]
)
def test_a_sender_that_is_no_plain_address_is_refused_at_start(sender: str) -> None:
    for name in ("MAIL_FROM", "SHOP_EMAIL"):
        with pytest.raises(SettingError, match="MAIL_FROM"):
            read_settings({name: sender})


@pytest.mark.parametrize(
    ("environment", "sender"),
    [
        ({}, "no-reply@127.0.0.1"),
        ({"BIND": "[::1]:8000"}, "no-reply@localhost"),
        ({"PUBLIC_URL": "https://shop.example"}, "no-reply@shop.example"),
        ({"SHOP_EMAIL": "help@shop.example"}, "help@shop.example"),
        ({"SHOP_EMAIL": "help@shop.example", "MAIL_FROM": "shop@shop.example"}, "shop@shop.example"),
    ],
)
def test_mail_has_a_sender_in_every_shop(environment: dict[str, str], sender: str) -> None:
    assert read_settings(environment).sender == sender
