"""The operators' doors: payments that wait for a person, one payment, its refund, and asking Toss again."""

from quart import Blueprint, ResponseReturnValue

from app.admin.forms import RefundForm, blank_refund, typed_refund
from app.audit import service as audit
from app.core.errors import ConflictError
from app.core.languages import marked
from app.infra.db import Tx
from app.payments import service as payments
from app.payments.service import Case, Desk
from app.web import current, htmx, operators
from app.web.forms import read_fields
from app.web.guards import operator
from app.web.htmx import respond

blueprint = Blueprint("admin", __name__)


@blueprint.get("/admin/payments")
@operator
async def show_payments() -> ResponseReturnValue:
    """Show what waits for a person."""
    actor = operators.actor()

    async def read(tx: Tx) -> Desk:
        desk = await payments.read_desk(tx)
        if desk.reviews:
            await audit.note_access(
                tx, actor, [row.order_no for row in desk.reviews], marked("확인이 필요한 결제 목록")
            )
        return desk

    return await respond("admin/payments.html", desk=await current.machines().db.retrying(read))


@blueprint.get("/admin/payments/<int:web_payment_id>")
@operator
async def show_payment(web_payment_id: int) -> ResponseReturnValue:
    """Show one payment, with the form that returns it."""
    return await _page(await _case(web_payment_id))


@blueprint.post("/admin/payments/<int:web_payment_id>/refunds")
@operator
async def refund_payment(web_payment_id: int) -> ResponseReturnValue:
    """Return all or a part of a payment; the same form again is the same refund."""
    case = await _case(web_payment_id)
    fields = await read_fields()
    banks = payments.BANKS if case.needs_account else {}
    form = RefundForm.read(fields, most=case.total_amount, banks=banks)
    if not fields.errors:
        try:
            await payments.refund(current.machines(), web_payment_id, form.wish(operators.actor()))
        except ConflictError as error:
            fields.fail("amount", error.say)
    if fields.errors:
        return await _page(case, form=typed_refund(fields), errors=fields.errors, status=422)
    return htmx.redirect(f"/admin/payments/{web_payment_id}")


@blueprint.post("/admin/payments/<int:web_payment_id>/check")
@operator
async def check_payment(web_payment_id: int) -> ResponseReturnValue:
    """Have Toss asked again, and bring the payment to where Toss says it stands."""
    await _case(web_payment_id)
    await payments.ask_again(current.machines(), web_payment_id, operators.actor())
    return htmx.redirect(f"/admin/payments/{web_payment_id}")


async def _case(web_payment_id: int) -> Case:
    actor = operators.actor()

    async def read(tx: Tx) -> Case:
        case = await payments.read_case(tx, web_payment_id)
        await audit.note_access(tx, actor, [case.order_no], marked("결제와 환불 내역"))
        return case

    return await current.machines().db.retrying(read)


async def _page(
    case: Case,
    *,
    form: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    return await respond(
        "admin/payment.html",
        status=status,
        case=case,
        form=form or blank_refund(),
        errors=errors or {},
        banks=payments.BANKS,
    )
