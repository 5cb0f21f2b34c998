"""What operators fill in to come in, and to keep what proves them."""

from dataclasses import dataclass, field

from app.core.languages import _, marked
from app.web.forms import Fields

MOST_PASSWORD = 1000
MOST_ANSWER = 20_000
NO_PASSKEY = marked("패스키는 브라우저에서 스크립트가 켜져 있을 때 등록할 수 있습니다.")


@dataclass(frozen=True, slots=True)
class LogIn:
    """An id and a password."""

    signup_id: str
    password: str = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> "LogIn":
        """Read the form. What is neither empty nor endless is a wrong id or password, if any."""
        signup_id = fields.text("signup_id", _("아이디"), most=64)
        values = fields.sent.getlist("password")
        password = values[0] if len(values) == 1 else ""
        if not password or len(password) > MOST_PASSWORD:
            fields.fail("password", _("비밀번호를 입력해 주십시오."))
        return cls(signup_id, password)


def read_code(fields: Fields) -> str:
    """Read the code an authenticator app shows for the first time."""
    return fields.text("code", _("인증 코드"), most=40)


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that the browser has made, and what its owner calls it."""

    label: str
    answer: str = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> "NewPasskey":
        """Read the form."""
        label = fields.text("label", _("이름"), most=60)
        answer = fields.sent.get("made", "")
        if not answer or len(answer) > MOST_ANSWER:
            fields.fail("label", NO_PASSKEY)
        return cls(label, answer)
