"""The doors that mailed links open: a new password, a confirmed address."""

from quart import Blueprint, Response, g
from werkzeug.datastructures import MultiDict

from app.accounts import service
from app.accounts.forms import read_password_for
from app.accounts.links import service as links
from app.accounts.links.service import LinkGoneError
from app.accounts.routes import is_proven, let_member_in, prove_again
from app.accounts.rules import PasswordRule
from app.accounts.store import Member
from app.core import ids
from app.core.languages import _
from app.web import current, htmx, limits
from app.web.forms import Fields, read_fields
from app.web.guards import anyone, member
from app.web.htmx import respond

blueprint = Blueprint("links", __name__)


@blueprint.get("/password-reset")
@anyone
async def show_reset() -> Response:
    """Show the form that asks for a link."""
    return await respond("accounts/reset_ask.html", form={"email": ""}, errors={})


@blueprint.post("/password-reset")
@anyone(limit=limits.RESET)
async def ask_reset() -> Response:
    """Have a link mailed: the same answer whether or not anybody has the address."""
    fields = await read_fields()
    email = fields.email("email", _("이메일"))
    if fields.errors:
        form = {"email": fields.sent.get("email", "")}
        return await respond("accounts/reset_ask.html", status=422, form=form, errors=fields.errors)
    await service.ask_reset(current.machines(), email)
    return htmx.redirect("/password-reset/sent")


@blueprint.get("/password-reset/sent")
@anyone
async def show_reset_sent() -> Response:
    """Say that a link is on its way, if there is such an account."""
    return await respond("accounts/reset_sent.html")


@blueprint.get("/password-reset/done")
@anyone
async def show_reset_done() -> Response:
    """Say that the new password holds."""
    return await respond("accounts/reset_done.html")


@blueprint.get("/password-reset/<token>")
@anyone
async def show_new_password(token: str) -> Response:
    """Show the form for a new password. Looking uses no link up: mail scanners look at every one."""
    try:
        user = await links.read_reset(current.machines(), _checked(token))
    except LinkGoneError:
        return await _say_gone("/password-reset")
    return await _draw_new_password(token, user, Fields(MultiDict()), status=200)


@blueprint.post("/password-reset/<token>")
@anyone(limit=limits.NEW_PASSWORD)
async def reset_password(token: str) -> Response:
    """Set the new password, and log every browser out."""
    m, fields = current.machines(), await read_fields()
    try:
        user = await links.read_reset(m, _checked(token))
        new = read_password_for(fields, m.keep(PasswordRule), user)
        if fields.errors:
            return await _draw_new_password(token, user, fields)
        await links.reset_password(m, token, new)
    except LinkGoneError:
        return await _say_gone("/password-reset")
    return htmx.redirect("/password-reset/done")


@blueprint.get("/account/email")
@member
async def show_email() -> Response:
    """Show the member's e-mail address and the form that changes it."""
    return await _draw_email(Fields(MultiDict()), status=200)


@blueprint.post("/account/email")
@member(limit=limits.LOG_IN)
async def ask_email() -> Response:
    """Mail a link to the address that is to be the member's."""
    m, fields = current.machines(), await read_fields()
    email = fields.email("email", _("이메일"))
    user = await prove_again(fields)
    if user is None:
        return await _draw_email(fields)
    if email == user.confirmed_email:
        fields.fail("email", _("이미 확인된 주소입니다."))
        return await _draw_email(fields)
    await m.db.retrying(lambda tx: links.ask_email(tx, m.settings.secret_key, user.user_id, email))
    goal = "/account/email/sent"
    return await let_member_in(user, goal) if "password" in fields.sent else htmx.redirect(goal)


@blueprint.get("/account/email/sent")
@member
async def show_email_sent() -> Response:
    """Say that a link is on its way."""
    return await respond("accounts/email_sent.html")


@blueprint.get("/account/email/<token>")
@member
async def show_confirmation(token: str) -> Response:
    """Show the button that confirms an address: a member's own, so that nobody else's mailbox can."""
    try:
        email = await links.read_email(current.machines(), _checked(token), g.shopper.user_id)
    except LinkGoneError:
        return await _say_gone("/account/email")
    return await respond("accounts/email_confirm.html", email=email, token=token)


@blueprint.post("/account/email/<token>")
@member
async def confirm_email(token: str) -> Response:
    """Confirm an address."""
    try:
        await links.confirm_email(current.machines(), _checked(token), g.shopper.user_id)
    except LinkGoneError:
        return await _say_gone("/account/email")
    return htmx.redirect("/account/email")


def _checked(token: str) -> str:
    if not ids.is_token(token):
        raise LinkGoneError("no token")
    return token


async def _say_gone(again: str) -> Response:
    title, sentence = _(LinkGoneError.title), _(LinkGoneError.default_say)
    return await respond("accounts/link_gone.html", status=404, title=title, sentence=sentence, again=again)


async def _draw_new_password(token: str, user: Member, fields: Fields, status: int = 422) -> Response:
    return await respond(
        "accounts/reset.html", status=status, token=token, signup_id=user.signup_id, errors=fields.errors
    )


async def _draw_email(fields: Fields, status: int = 422) -> Response:
    async with current.machines().db.read() as tx:
        user = await service.read_member(tx, g.shopper.user_id)
        asks_password = not await is_proven(tx)
    return await respond(
        "accounts/email.html",
        status=status,
        user=user,
        asks_password=asks_password or "password" in fields.errors,
        form={"email": fields.sent.get("email", user.email)},
        errors=fields.errors,
    )
