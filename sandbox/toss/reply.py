"""An answer of the API before it becomes bytes."""

from dataclasses import dataclass

from sandbox.toss.codes import CODES, sentence
from sandbox.toss.payment import Json


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and JSON body."""

    status: int
    body: Json


def error(code: str, language: str = "") -> Reply:
    """Write an error answer; observed 401 bodies carry an extra null."""
    status = CODES[code].status if code in CODES else 400
    body: Json = {"code": code, "message": sentence(code, language)}
    return Reply(status, {**body, "data": None} if status == 401 else body)  # noqa: PLR2004 - an HTTP status
