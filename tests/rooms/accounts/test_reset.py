"""A forgotten password: nobody learns who has an account, and a link works once, for ten minutes."""

import re
import time
from contextvars import ContextVar
from statistics import median
from typing import Any

import pytest
from sqlalchemy import Executable, select

from app.accounts import service
from app.accounts.links import service as links
from app.accounts.links import store
from app.accounts.links.store import Link
from app.accounts.messages import ResetAsked
from app.core import ids
from app.core.message import Message
from app.infra.db import Tx
from app.mail.messages import SendMail
from app.models import account_links
from app.web import limits
from tests.letters import give_email, later, letter, letters_to, link_in, listen_closely, text_of
from tests.shop import Shop, eventually
from tests.village import Person, enter, minji

pytestmark = pytest.mark.real_first

NEW = "새로 지은 긴 비밀번호"
statements: ContextVar[list[str]] = ContextVar("statements", default=[])  # noqa: B039 - nobody reads it
FRESH = re.compile(r'value="[^"]*"')


async def ask(shop: Shop, email: str) -> str:
    """Ask for a link and take it out of the mailbox."""
    answer = await shop.visitor().post("/password-reset", email=email)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/password-reset/sent")
    return link_in(await letter(shop, email.lower(), "새로 정하는 링크"))


async def reset_url(shop: Shop, person: Person, email: str) -> str:
    """Make a link as the worker does, without the mail."""
    seed = ids.token()
    await links.answer_reset(shop.m, ResetAsked(email, seed))
    return f"/password-reset/{ids.derive_token(shop.m.settings.secret_key, f'{seed}.{person.user_id}')}"


async def test_who_forgot_the_password_gets_a_new_one_by_mail(shop: Shop) -> None:
    person = await minji(shop.m)
    email = await give_email(shop.m, person)
    there = await enter(shop, person)
    stranger = shop.visitor()
    page = await (await stranger.get("/login")).get_data(as_text=True)
    assert 'href="/password-reset"' in page
    assert (await stranger.get("/password-reset")).status_code == 200
    url = await ask(shop, email.upper())
    assert person.signup_id in text_of(await letter(shop, email, "새로 정하는 링크"))
    form = await stranger.get(url)
    assert form.status_code == 200
    assert f'action="{url}"' in await form.get_data(as_text=True)
    answer = await stranger.post(url, new_password=NEW)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/password-reset/done")
    assert (await stranger.get("/password-reset/done")).status_code == 200
    assert await service.log_in(shop.m, person.signup_id, person.password) is None
    assert await service.log_in(shop.m, person.signup_id, NEW)
    assert (await there.get("/account")).status_code == 303
    assert "모든 기기에서 로그아웃" in text_of(await letter(shop, email, "비밀번호가 바뀌었습니다"))


async def test_the_mail_is_written_in_the_language_it_was_asked_for_in(shop: Shop) -> None:
    email = await give_email(shop.m, await minji(shop.m))
    visitor = shop.visitor()
    await visitor.get("/languages/en?back=/")
    await visitor.post("/password-reset", email=email)
    mail = await letter(shop, email, "Your link to reset your password")
    assert not re.search(r"[가-힣]", text_of(mail))
    assert mail["Content-Language"] == "en"
    await ask(shop, email)  # who asks in Korean is answered in Korean


async def test_a_link_works_once(shop: Shop) -> None:
    person = await minji(shop.m)
    email = await give_email(shop.m, person)
    first, second = [await reset_url(shop, person, email) for _ in range(2)]
    assert (await shop.visitor().post(first, new_password=NEW)).status_code == 303
    for gone in (first, second):  # and it takes the others with it
        for answer in (
            await shop.visitor().get(gone),
            await shop.visitor().post(gone, new_password="ein anderes Passwort"),
        ):
            assert answer.status_code == 404
            page = await answer.get_data(as_text=True)
            assert "더는 쓸 수 없는 링크입니다" in page
            assert 'href="/password-reset"' in page
    assert await service.log_in(shop.m, person.signup_id, NEW)


async def test_a_mail_scanner_that_opens_every_link_uses_none_up(shop: Shop) -> None:
    person = await minji(shop.m)
    url = await reset_url(shop, person, await give_email(shop.m, person))
    scanner = shop.app.test_client()
    for _ in range(3):
        assert (await scanner.get(url)).status_code == 200
        assert (await scanner.head(url)).status_code == 200
    assert (await shop.visitor().post(url, new_password=NEW)).status_code == 303


async def test_a_link_is_dead_after_ten_minutes(shop: Shop) -> None:
    person = await minji(shop.m)
    token = (await reset_url(shop, person, await give_email(shop.m, person))).rpartition("/")[2]
    assert (await links.read_reset(later(shop.m, minutes=9), token)).user_id == person.user_id
    late = later(shop.m, minutes=10, seconds=1)
    with pytest.raises(links.LinkGoneError):
        await links.read_reset(late, token)
    with pytest.raises(links.LinkGoneError):
        await links.reset_password(late, token, NEW)
    assert await service.log_in(shop.m, person.signup_id, person.password)


@pytest.mark.parametrize("new", ["짧다", "password", "{email}", "{signup_id}1", ""])
async def test_a_poor_password_is_refused_and_the_link_is_still_good(shop: Shop, new: str) -> None:
    person = await minji(shop.m)
    email = await give_email(shop.m, person, f"{ids.idempotency_key()}@example.com")
    url = await reset_url(shop, person, email)
    typed = new.format(email=email, signup_id=person.signup_id)
    answer = await shop.visitor().post(url, new_password=typed)
    assert answer.status_code == 422
    assert 'id="reset-new_password-error"' in await answer.get_data(as_text=True)
    assert (await shop.visitor().post(url, new_password=NEW)).status_code == 303


async def test_the_token_is_in_the_mail_only(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Message] = []
    announce = Tx.announce

    async def listening(self: Tx, message: Message) -> None:
        said.append(message)
        await announce(self, message)

    monkeypatch.setattr(Tx, "announce", listening)
    person = await minji(shop.m)
    email = await give_email(shop.m, person)
    token = (await ask(shop, email)).rpartition("/")[2]
    assert ids.is_token(token)
    async with shop.m.db.read() as tx:
        rows = (
            await tx.execute(select(account_links).where(account_links.c.user_id == person.user_id))
        ).all()
    assert [row.token_hash for row in rows] == [ids.fingerprint(token)]
    assert token not in str(rows)
    mine = [message for message in said if email in str(message)]
    assert {type(message) for message in mine} == {ResetAsked, SendMail}
    assert token not in str(mine)


async def test_the_token_reaches_neither_a_log_nor_a_referer(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    listen_closely(caplog)
    person = await minji(shop.m)
    url = await reset_url(shop, person, await give_email(shop.m, person))
    visitor = shop.visitor()
    answers = [
        await visitor.get(url),
        await visitor.post(url, new_password="짧다"),
        await visitor.post(url, new_password=NEW),
        await visitor.get(url),
        await visitor.post(url, csrf="wrong", new_password=NEW),
        await visitor.post(url, new_password="x" * 100_000),
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 303, 404, 403, 413]
    assert {answer.headers["Referrer-Policy"] for answer in answers} == {"no-referrer"}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    for address in (url, url.rpartition("/")[2]):
        assert address not in caplog.text
    assert person.signup_id not in caplog.text


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00", "..", "ㅁ" * 43, "done2"])
async def test_a_token_that_was_never_given_out_opens_nothing(shop: Shop, token: str) -> None:
    assert (await shop.visitor().get(f"/password-reset/{token}")).status_code == 404
    assert (await shop.visitor().post(f"/password-reset/{token}", new_password=NEW)).status_code == 404


async def test_a_link_for_an_address_sets_no_password(shop: Shop) -> None:
    person, seed = await minji(shop.m), ids.token()
    token = ids.derive_token(shop.m.settings.secret_key, seed)
    async with shop.m.db.write() as tx:
        link = Link(ids.fingerprint(token), person.user_id, "a@example.com")
        await store.insert_link(tx, link, links.EMAIL, tx.clock.now() + links.EMAIL_LIFE)
    assert (await shop.visitor().get(f"/password-reset/{token}")).status_code == 404


async def test_the_answer_is_the_same_for_an_address_nobody_has(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same status, headers and pages, by the same statements: nobody looks whether there is an account."""
    execute = Tx.execute

    async def noting(self: Tx, statement: Executable, *rows: Any) -> Any:
        statements.get().append(str(statement))
        return await execute(self, statement, *rows)

    monkeypatch.setattr(Tx, "execute", noting)

    async def send(email: str) -> tuple[int, dict[str, str], list[str], list[str]]:
        visitor = shop.visitor()
        token = await visitor.token()
        noted = statements.set([])  # the worker was started in another context, and is not noted
        answer = await visitor.post("/password-reset", csrf=token, email=email)
        done = statements.get()
        statements.reset(noted)
        headers = {name: text for name, text in answer.headers.items() if name != "Set-Cookie"}
        sent = await visitor.get(answer.headers["Location"])
        bodies = [FRESH.sub("", await one.get_data(as_text=True)) for one in (answer, sent)]
        return answer.status_code, headers, bodies, done

    known = await give_email(shop.m, await minji(shop.m))
    first, second = await send(known), await send(f"{ids.idempotency_key()}@example.com")
    assert first == second
    assert first[0] == 303
    [only] = first[3]
    assert only.startswith("INSERT INTO outbox")


async def test_the_answer_takes_as_long_for_an_address_nobody_has(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred of each in turn; the medians are within a tenth, at the latest in the third round."""
    known = await give_email(shop.m, await minji(shop.m))

    async def unlimited(_: limits.Limit) -> tuple[()]:
        return ()

    monkeypatch.setattr(limits, "_of_field", unlimited)  # or of two hundred the sixth would be refused

    async def ratio() -> float:
        visitor = shop.visitor()  # a new one for each round: one address may not send so many forms a minute
        token = await visitor.token()

        async def send(email: str) -> float:
            begun = time.perf_counter()
            answer = await visitor.post("/password-reset", csrf=token, email=email)
            assert answer.status_code == 303
            return time.perf_counter() - begun

        took: dict[str, list[float]] = {known: [], "nobody@example.com": []}
        for _ in range(200):
            for email, times in took.items():
                times.append(await send(email))
        one, other = [median(times) for times in took.values()]
        return one / other

    ratios: list[float] = []
    while len(ratios) < 3 and not any(0.9 < one < 1.1 for one in ratios):
        ratios.append(await ratio())
    assert 0.9 < ratios[-1] < 1.1, ratios
    last = await give_email(shop.m, await minji(shop.m))
    await shop.visitor().post("/password-reset", email=last)
    await letter(
        shop, last, "새로 정하는 링크", 300
    )  # behind all the others: the next test finds an empty queue


async def test_of_many_mails_to_one_address_most_are_refused(shop: Shop) -> None:
    """Whoever writes another's address into the form fills no mailbox, whether or not it is known."""
    for email in (await give_email(shop.m, await minji(shop.m)), f"{ids.idempotency_key()}@example.com"):
        answers = [await shop.visitor().post("/password-reset", email=email) for _ in range(7)]
        assert [answer.status_code for answer in answers] == [303] * 5 + [429] * 2
        assert email in await answers[-1].get_data(as_text=True)  # to be sent again


async def test_only_a_confirmed_address_gets_a_link(shop: Shop) -> None:
    person = await minji(shop.m)
    email = f"{ids.idempotency_key()}@example.com"
    new = service.NewUser(
        f"u_{ids.idempotency_key()[:10]}", "달빛 아래 열두 자", "김민지", "01012345678", email
    )
    await service.sign_up(shop.m, new)
    heard = await give_email(shop.m, person)
    for address in (email, heard):
        await shop.visitor().post("/password-reset", email=address)
    await letter(shop, heard, "새로 정하는 링크")  # asked for after the other, and here already
    assert not any("새로 정하는 링크" in mail["Subject"] for mail in letters_to(shop, email))


async def test_a_closed_account_gets_no_link(shop: Shop) -> None:
    person = await minji(shop.m)
    email = await give_email(shop.m, person)
    url = await reset_url(shop, person, email)
    visitor = await enter(shop, person)
    assert (await visitor.post("/account/closure", confirmed="1")).status_code == 303
    assert (await shop.visitor().get(url)).status_code == 404


async def test_a_message_that_comes_twice_makes_one_link(shop: Shop) -> None:
    person = await minji(shop.m)
    email = await give_email(shop.m, person)
    asked = ResetAsked(email, ids.token())
    for _ in range(2):
        await links.answer_reset(shop.m, asked)
    assert await count_links(shop, person) == 1


async def test_nobody_fills_a_mailbox_of_others(shop: Shop) -> None:
    person = await minji(shop.m)
    email = await give_email(shop.m, person)
    for _ in range(links.MOST + 3):
        await links.answer_reset(shop.m, ResetAsked(email, ids.token()))
    assert await count_links(shop, person) == links.MOST
    await links.answer_reset(later(shop.m, hours=1, minutes=1), ResetAsked(email, ids.token()))
    assert await count_links(shop, person) == links.MOST + 1


async def test_two_accounts_with_one_address_get_a_link_each(shop: Shop) -> None:
    one, other = await minji(shop.m), await minji(shop.m)
    email = await give_email(shop.m, one)
    await give_email(shop.m, other, email)
    await shop.visitor().post("/password-reset", email=email)

    async def came() -> bool:
        return len(letters_to(shop, email)) == 2

    await eventually(came, 30)
    texts = [text_of(mail) for mail in letters_to(shop, email)]
    assert all(sum(person.signup_id in text for text in texts) == 1 for person in (one, other))


async def test_a_reset_forgives_the_guesses_before_it(shop: Shop) -> None:
    person = await minji(shop.m)
    url = await reset_url(shop, person, await give_email(shop.m, person))
    visitor = shop.visitor()
    token = await visitor.token()
    for _ in range(11):
        await visitor.post("/login", csrf=token, signup_id=person.signup_id, password="틀린 비밀번호")
    assert (await visitor.post(url, new_password=NEW)).status_code == 303
    assert (await visitor.post("/login", signup_id=person.signup_id, password=NEW)).status_code == 303


@pytest.mark.parametrize("email", ["", "minji", "a@b", ["a@example.com", "b@example.com"], "x" * 300])
async def test_what_is_no_address_is_said_beside_its_field(shop: Shop, email: Any) -> None:
    answer = await shop.visitor().post("/password-reset", email=email)
    assert answer.status_code == 422
    assert 'id="reset-email-error"' in await answer.get_data(as_text=True)


async def test_links_are_forgotten_after_a_week(shop: Shop) -> None:
    person = await minji(shop.m)
    await reset_url(shop, person, await give_email(shop.m, person))
    await links.purge(later(shop.m, days=6))
    assert await count_links(shop, person) == 1
    await links.purge(later(shop.m, days=8))
    assert await count_links(shop, person) == 0


async def count_links(shop: Shop, person: Person) -> int:
    async with shop.m.db.read() as tx:
        rows = await tx.execute(select(account_links).where(account_links.c.user_id == person.user_id))
        return len(rows.all())
