"""Who runs the shop: their own cookie, what it opens, and the second factor before a change."""

from typing import Any, cast

from quart import Response, g, request

from app.audit.service import Actor
from app.core import ids
from app.core.errors import NotFoundError, ShopError, TooManyError
from app.operators import service, sessions
from app.operators.service import Proof, WrongProofError
from app.operators.sessions import ENROLLING, INSIDE, OVER, PROVING, Operator, Place
from app.web import current, htmx
from app.web.caller import caller

HOME = "/admin"
COOKIE = "oid"
CODE, ANSWER = "proof", "passkey"  # the fields of a second factor; no other form of operators has them
MOST_CODE, MOST_ANSWER = 40, 8000
STANCES = ("operator", "entrant")
ENTRIES = {PROVING: "/admin/second-factor", ENROLLING: "/admin/enrolment", INSIDE: "/admin/payments"}
READING = ("GET", "HEAD", "OPTIONS")


def cookie_name() -> str:
    """Return the cookie's full name: over TLS the browser takes it from us over TLS only.

    ``__Host-`` would need Path=/, and then every page and picture of the shop would be sent it.
    """
    return f"__Secure-{COOKIE}" if current.machines().settings.is_https else COOKIE


async def load() -> None:
    """Set ``g.operator`` from the operators' cookie, at the operators' addresses only."""
    g.operator = None
    path = request.path
    if path != HOME and not path.startswith(f"{HOME}/"):
        return
    token = request.cookies.get(cookie_name(), "")
    if not ids.is_token(token):
        return
    found = await sessions.find_operator(current.machines(), token)
    if found is None:
        return
    g.operator_token = token  # forms stay bound to it when it is over, so that they are answered kindly
    g.operator_over = found.stage == OVER
    if found.stage != OVER:
        g.operator = found
        g.cart_count = None  # their pages have no cart to look up


def operator() -> Operator:
    """Return who runs the shop, behind a door that lets nobody else in."""
    return cast("Operator", g.operator)


def actor() -> Actor:
    """Return who acts, for the logs."""
    return Actor(operator().user_id, operator().signup_id, caller().address)


def place() -> Place:
    """Return where the browser is."""
    return Place(caller().address, request.headers.get("User-Agent", ""))


async def turn_away(stance: str) -> Response | None:
    """Return the answer for who may not come in (yet). Raises NotFoundError for who is nobody here."""
    found: Operator | None = g.get("operator")
    if found is None:
        if g.get("operator_over"):
            return htmx.redirect("/admin/login")
        raise NotFoundError("not an operator")
    if stance == "entrant":
        return None
    if found.stage != INSIDE:
        return htmx.redirect(ENTRIES[found.stage])
    if request.method in READING or sessions.is_fresh(current.machines(), found):
        return None
    return await _prove_again(found)


async def read_proof() -> Proof:
    """Read the second factor off a form; what is longer than any is nothing."""
    form = await request.form
    code, answer = form.get(CODE, "").strip(), form.get(ANSWER, "")
    return Proof(code if len(code) <= MOST_CODE else "x", answer if len(answer) <= MOST_ANSWER else "x")


async def draw_proof(
    page: str, found: Operator, *, error: ShopError | None = None, status: int = 200, **what: Any
) -> Response:
    """Draw a page that asks for the second factor, with the question for a passkey if there is one."""
    m = current.machines()
    if error is not None:  # a passkey's question is used up by a wrong answer too
        found = await sessions.find_operator(m, found.token) or found
    response = await htmx.respond(
        page,
        status=error.status if error else status,
        errors={CODE: error.say} if error else {},
        asked=await service.ask_passkey(m, found),
        **what,
    )
    if isinstance(error, TooManyError):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def _prove_again(found: Operator) -> Response | None:
    """Let a change pass once the second factor is given; until then its form is kept, as it was typed."""
    sent = await read_proof()
    if sent.is_empty:
        return await _ask_again(found, status=403)
    try:
        await service.prove(current.machines(), found, sent, caller().address)
    except (WrongProofError, TooManyError) as error:
        return await _ask_again(found, error=error)
    return None


async def _ask_again(found: Operator, *, error: ShopError | None = None, status: int = 200) -> Response:
    sent = (await request.form).items(multi=True)
    kept = [(name, value) for name, value in sent if name not in {"csrf", CODE, ANSWER}]
    return await draw_proof("operators/again.html", found, error=error, status=status, kept=kept)


def let_in(response: Response, token: str) -> Response:
    """Send a new session's cookie."""
    # Strict: no page elsewhere leads into these pages, and none may send anything to them.
    response.set_cookie(
        cookie_name(),
        token,
        path=HOME,
        secure=current.machines().settings.is_https,
        httponly=True,
        samesite="Strict",
    )
    return response


def let_out(response: Response) -> Response:
    """Take the session's cookie away."""
    secure = current.machines().settings.is_https
    response.delete_cookie(cookie_name(), path=HOME, secure=secure, httponly=True, samesite="Strict")
    return response
