"""The doors of signing up, logging in and out, the account page, its password, sessions and consents."""

from quart import Blueprint, Response, g, request
from werkzeug.datastructures import MultiDict

from app.accounts import consents, service, sessions
from app.accounts.forms import (
    ChangePassword,
    LogIn,
    SignUp,
    read_present_password,
    read_signup_id,
)
from app.accounts.rules import PasswordRule
from app.accounts.service import TakenError, WrongPasswordError
from app.accounts.store import Member
from app.cart import service as carts
from app.core.errors import UnavailableError
from app.core.languages import _, marked
from app.infra.db import Tx
from app.orders import service as orders
from app.orders.view import show
from app.web import current, htmx, limits
from app.web.addresses import local_path
from app.web.forms import Fields, read_fields
from app.web.guards import anyone, member
from app.web.htmx import Piece, respond
from app.web.session import let_in, let_out

blueprint = Blueprint("accounts", __name__)

RECENT_ORDERS = 3
NOT_THEM = marked("아이디 또는 비밀번호가 맞지 않습니다.")


@blueprint.get("/signup")
@anyone
async def show_signup() -> Response:
    """Show the sign-up form."""
    goal = local_path(request.args.get("next", ""))
    if g.shopper is not None:
        return htmx.redirect(goal or "/")
    return await _draw_signup(Fields(MultiDict()), goal, status=200)


@blueprint.post("/signup")
@anyone(limit=limits.SIGN_UP)
async def sign_up() -> Response:
    """Make a user and log them in."""
    m, fields = current.machines(), await read_fields()
    goal = local_path(fields.sent.get("next", ""))
    form = SignUp.read(fields, m.keep(PasswordRule))
    if fields.errors:
        return await _draw_signup(fields, goal)
    try:
        user = await service.sign_up_once(m, form.new_user())
    except TakenError as error:
        fields.fail("signup_id", error.say)
        return await _draw_signup(fields, goal)
    return await let_member_in(user, goal or "/")


@blueprint.get("/signup/availability")
@anyone(limit=limits.AVAILABILITY)
async def show_availability() -> Response:
    """Say, while somebody types, whether an id is free. Without scripts there is only the form."""
    if not htmx.wants_pieces():
        return htmx.redirect("/signup")
    fields = Fields(request.args)
    signup_id, available, reason = read_signup_id(fields), None, ""
    if signup_id:
        reason = fields.errors.get("signup_id", "")
        available = not reason and await service.is_available(current.machines(), signup_id)
    pieces = [Piece("accounts/availability")]
    return await htmx.draw_pieces(pieces, signup_id=signup_id, available=available, reason=reason)


@blueprint.get("/login")
@anyone
async def show_login() -> Response:
    """Show the log-in form."""
    goal = local_path(request.args.get("next", ""))
    if g.shopper is not None:
        return htmx.redirect(goal or "/account")
    return await _draw_login(Fields(MultiDict()), goal, status=200)


@blueprint.post("/login")
@anyone(limit=limits.LOG_IN)
async def log_in() -> Response:
    """Log in."""
    m, fields = current.machines(), await read_fields()
    goal = local_path(fields.sent.get("next", ""))
    form = LogIn.read(fields)
    if fields.errors:
        return await _draw_login(fields, goal)
    user = await service.log_in(m, form.signup_id, form.password)
    if user is None:
        fields.fail("signup_id", _(NOT_THEM))
        return await _draw_login(fields, goal)
    return await let_member_in(user, goal or "/account")


@blueprint.post("/logout")
@anyone
async def log_out() -> Response:
    """Log this browser out."""
    if g.shopper is not None:
        await sessions.close_session(current.machines(), g.session_token)
    response = htmx.redirect("/")
    let_out(response)
    return response


@blueprint.get("/account")
@member
async def show_account() -> Response:
    """Show the shopper's own facts and latest orders."""
    m = current.machines()
    async with m.db.read() as tx:
        user = await service.read_member(tx, g.shopper.user_id)
        newest_first, _ = await orders.read_page(tx, current.owner(), "")
    recent = [show(order, None) for order in newest_first[:RECENT_ORDERS]]
    marketing = consents.holds(user.consents, consents.MARKETING)
    return await respond("accounts/account.html", user=user, orders=recent, marketing=marketing)


@blueprint.get("/account/password")
@member
async def show_password() -> Response:
    """Show the form that changes the password."""
    return await respond("accounts/password.html", errors={})


@blueprint.post("/account/password")
@member(limit=limits.LOG_IN)
async def change_password() -> Response:
    """Change the password: every other browser is logged out, this one gets a new session."""
    m, fields = current.machines(), await read_fields()
    user = await service.read_account(m, g.shopper.user_id)
    form = ChangePassword.read(fields, m.keep(PasswordRule), user)
    if not fields.errors:
        try:
            user = await service.change_password(m, g.shopper.user_id, form.old, form.new)
        except WrongPasswordError as error:
            fields.fail("password", error.say)
        else:
            return await let_member_in(user, "/account")
    return await respond("accounts/password.html", status=422, errors=fields.errors)


@blueprint.get("/account/sessions")
@member
async def show_sessions() -> Response:
    """Show every browser that is logged in."""
    return await _draw_sessions(Fields(MultiDict()), status=200)


@blueprint.post("/account/sessions/<number>/closure")
@member
async def end_session(number: str) -> Response:
    """Log one browser out; this one too, if it is the one."""
    await sessions.close_one(current.machines(), g.shopper.user_id, number)
    return htmx.redirect("/account/sessions")


@blueprint.post("/account/sessions/closure")
@member(limit=limits.LOG_IN)
async def end_sessions() -> Response:
    """Log every browser out, this one too."""
    fields = await read_fields()
    user = await prove_again(fields)
    if user is None:
        return await _draw_sessions(fields)
    await sessions.close_all(current.machines(), user.user_id)
    response = htmx.redirect("/login")
    let_out(response)
    return response


@blueprint.post("/account/consents")
@member
async def set_consents() -> Response:
    """Give or withdraw the one consent that is optional."""
    fields = await read_fields()
    given = fields.ticked(consents.MARKETING)
    await service.set_consent(current.machines(), g.shopper.user_id, consents.MARKETING, given=given)
    return htmx.redirect("/account")


@blueprint.get("/terms")
@anyone
async def show_terms() -> Response:
    """Show the terms of use."""
    return await respond("accounts/terms.html", version=consents.VERSIONS[consents.TERMS])


@blueprint.get("/privacy")
@anyone
async def show_privacy() -> Response:
    """Show the privacy policy."""
    return await respond("accounts/privacy.html", version=consents.VERSIONS[consents.PRIVACY])


async def is_proven(tx: Tx) -> bool:
    """Whether whoever asks typed the password in this browser a short while ago."""
    return await sessions.is_fresh(tx, g.session_token)


async def prove_again(fields: Fields) -> Member | None:
    """Return the member, if the form is sound and they typed their password a short while ago, or with it.

    Else None: draw the form again, its typed values kept, with a field for the password.
    """
    m = current.machines()
    async with m.db.read() as tx:
        user = await service.read_member(tx, g.shopper.user_id)
        proven = await is_proven(tx)
    if proven and "password" not in fields.sent:
        return None if fields.errors else user
    password = read_present_password(fields)
    if fields.errors:
        return None
    try:
        return await service.prove(m, user.user_id, password)
    except WrongPasswordError as error:
        fields.fail("password", error.say)
        return None


async def let_member_in(user: Member, goal: str) -> Response:
    """Give the browser a new session, end the one it came with, and join the guest's cart to the user's."""
    m = current.machines()
    if g.shopper is not None:
        await sessions.close_session(m, g.session_token)
    token = await sessions.open_session(m, user, request.headers.get("User-Agent", ""))
    merged = await _merge_guest(user)
    response = htmx.redirect(goal)
    let_in(response, token, keep_guest=not merged)
    return response


async def _merge_guest(user: Member) -> bool:
    if not current.has_guest_token():
        return True
    guest = current.guest_owner(current.guest_token())
    try:
        await carts.merge_guest(current.machines(), guest, f"u:{user.user_id}")
    except UnavailableError:
        return False  # logging in matters more; the larger quantity can be taken at any later log-in
    return True


async def _draw_signup(fields: Fields, goal: str, status: int = 422) -> Response:
    form = {name: fields.sent.get(name, "") for name in ("name", "phone", "email", "signup_id")}
    ticked = {name: fields.ticked(name) for name in consents.VERSIONS}
    return await respond(
        "accounts/signup.html", status=status, form=form, ticked=ticked, errors=fields.errors, next=goal
    )


async def _draw_sessions(fields: Fields, status: int = 422) -> Response:
    async with current.machines().db.read() as tx:
        shown = await sessions.read_open(tx, g.shopper.user_id, g.session_token)
        asks_password = not await is_proven(tx)
    return await respond(
        "accounts/sessions.html",
        status=status,
        sessions=shown,
        asks_password=asks_password or "password" in fields.errors,
        errors=fields.errors,
    )


async def _draw_login(fields: Fields, goal: str, status: int = 422) -> Response:
    form = {"signup_id": fields.sent.get("signup_id", "")}
    return await respond("accounts/login.html", status=status, form=form, errors=fields.errors, next=goal)
