"""The operators' own door: id and password, the second factor, and what proves them from then on."""

from quart import Blueprint, ResponseReturnValue, g
from werkzeug.datastructures import MultiDict

from app.core.errors import ConflictError, TooManyError
from app.core.languages import _, marked
from app.operators import service
from app.operators.forms import LogIn, NewPasskey, read_code
from app.operators.service import WrongProofError
from app.operators.sessions import ENROLLING, PROVING
from app.web import current, htmx, limits, operators
from app.web.caller import caller
from app.web.forms import Fields, read_fields
from app.web.guards import anyone, entrant, operator
from app.web.htmx import respond

blueprint = Blueprint("operators", __name__)

FACTORS = "/admin/factors"
CODES = "/admin/factors/recovery-codes"
NOT_THEM = marked("아이디 또는 비밀번호가 맞지 않습니다.")
LONG_UNUSED = marked("오래 쓰지 않아 로그아웃되었습니다. 다시 로그인해 주십시오.")


@blueprint.get("/admin")
@entrant
async def show_start() -> ResponseReturnValue:
    """Lead to where the session may go."""
    return htmx.redirect(operators.ENTRIES[operators.operator().stage])


@blueprint.get("/admin/login")
@anyone
async def show_login() -> ResponseReturnValue:
    """Show the operators' log-in form."""
    if g.operator is not None:
        return htmx.redirect(operators.ENTRIES[g.operator.stage])
    return await _draw_login(Fields(MultiDict()), status=200)


@blueprint.post("/admin/login")
@anyone(limit=limits.LOG_IN)
async def log_in() -> ResponseReturnValue:
    """Take id and password; what they open is the second factor."""
    m, fields = current.machines(), await read_fields()
    form = LogIn.read(fields)
    if fields.errors:
        return await _draw_login(fields)
    token = await service.log_in(m, form.signup_id, form.password, operators.place())
    if token is None:
        fields.fail("signup_id", _(NOT_THEM))
        return await _draw_login(fields)
    if g.operator is not None:
        await service.log_out(m, g.operator, caller().address)
    return operators.let_in(htmx.redirect("/admin"), token)


@blueprint.post("/admin/logout")
@entrant
async def log_out() -> ResponseReturnValue:
    """End the session."""
    await service.log_out(current.machines(), operators.operator(), caller().address)
    return operators.let_out(htmx.redirect("/admin/login"))


@blueprint.get("/admin/second-factor")
@entrant
async def show_proof() -> ResponseReturnValue:
    """Ask for the second factor."""
    if operators.operator().stage != PROVING:
        return htmx.redirect("/admin")
    return await operators.draw_proof("operators/proof.html", operators.operator())


@blueprint.post("/admin/second-factor")
@entrant
async def prove() -> ResponseReturnValue:
    """Take the second factor, and let the operator in under a new session."""
    found = operators.operator()
    if found.stage != PROVING:
        return htmx.redirect("/admin")
    sent = await operators.read_proof()
    try:
        token = await service.enter(current.machines(), found, sent, operators.place())
    except (WrongProofError, TooManyError) as error:
        return await operators.draw_proof("operators/proof.html", found, error=error)
    return operators.let_in(htmx.redirect("/admin"), token)


@blueprint.get("/admin/enrolment")
@entrant
async def show_enrolment() -> ResponseReturnValue:
    """Show the first factor's secret: until the app has shown a right code nothing else opens."""
    if operators.operator().stage != ENROLLING:
        return htmx.redirect("/admin")
    return await _draw_enrolment("operators/enrolment.html")


@blueprint.post("/admin/enrolment")
@entrant
async def enrol() -> ResponseReturnValue:
    """Keep the first factor, and let the operator in."""
    found, fields = operators.operator(), await read_fields()
    if found.stage != ENROLLING:
        return htmx.redirect("/admin")
    code = read_code(fields)
    if not fields.errors:
        try:
            token = await service.enrol(current.machines(), found, code, operators.place())
        except WrongProofError as error:
            fields.fail("code", error.say)
        else:
            return operators.let_in(htmx.redirect(CODES), token)
    return await _draw_enrolment("operators/enrolment.html", fields)


@blueprint.get("/admin/factors")
@operator
async def show_factors() -> ResponseReturnValue:
    """Show what proves the operator."""
    return await _draw_factors(Fields(MultiDict()), status=200)


@blueprint.get("/admin/factors/totp")
@operator
async def show_totp() -> ResponseReturnValue:
    """Show the secret of another authenticator app."""
    return await _draw_enrolment("operators/totp.html")


@blueprint.post("/admin/factors/totp")
@operator
async def replace_totp() -> ResponseReturnValue:
    """Let another authenticator app take the place of the present one."""
    fields = await read_fields()
    code = read_code(fields)
    if not fields.errors:
        try:
            await service.replace_totp(current.machines(), operators.operator(), code, caller().address)
        except WrongProofError as error:
            fields.fail("code", error.say)
        else:
            return htmx.redirect(FACTORS)
    return await _draw_enrolment("operators/totp.html", fields)


@blueprint.post("/admin/factors/passkeys")
@operator
async def add_passkey() -> ResponseReturnValue:
    """Keep a passkey that the browser has made."""
    fields = await read_fields()
    form = NewPasskey.read(fields)
    if not fields.errors:
        m, found = current.machines(), operators.operator()
        try:
            await service.add_passkey(m, found, form.label, form.answer, caller().address)
        except (WrongProofError, ConflictError) as error:
            fields.fail("label", error.say)
        else:
            return htmx.redirect(FACTORS)
    return await _draw_factors(fields)


@blueprint.post("/admin/factors/passkeys/<int:operator_factor_id>/removal")
@operator
async def remove_passkey(operator_factor_id: int) -> ResponseReturnValue:
    """Forget a passkey."""
    found = operators.operator()
    await service.remove_passkey(current.machines(), found, operator_factor_id, caller().address)
    return htmx.redirect(FACTORS)


@blueprint.post("/admin/factors/recovery-codes")
@operator
async def make_codes() -> ResponseReturnValue:
    """Make new recovery codes in the place of the old."""
    await service.make_codes(current.machines(), operators.operator(), caller().address)
    return htmx.redirect(CODES)


@blueprint.get("/admin/factors/recovery-codes")
@operator
async def show_codes() -> ResponseReturnValue:
    """Show the recovery codes this session has just made, to be written down."""
    codes = await service.read_new_codes(current.machines(), operators.operator())
    if not codes:
        return htmx.redirect(FACTORS)
    return await respond("operators/codes.html", codes=codes)


async def _draw_login(fields: Fields, status: int = 422) -> ResponseReturnValue:
    form = {"signup_id": fields.sent.get("signup_id", "")}
    over = LONG_UNUSED if g.get("operator_over") else ""
    return await respond("operators/login.html", status=status, form=form, errors=fields.errors, over=over)


async def _draw_enrolment(page: str, fields: Fields | None = None) -> ResponseReturnValue:
    enrolment = await service.begin_totp(current.machines(), operators.operator())
    errors = fields.errors if fields else {}
    return await respond(page, status=422 if errors else 200, enrolment=enrolment, errors=errors)


async def _draw_factors(fields: Fields, status: int = 422) -> ResponseReturnValue:
    found = operators.operator()
    return await respond(
        "operators/factors.html",
        status=status,
        keyring=await service.read_keyring(current.machines(), found),
        form={"label": fields.sent.get("label", "")},
        errors=fields.errors,
    )
