"""The forms of accounts: signing up, logging in, passwords, the e-mail address, closing."""

from dataclasses import dataclass, field

from app.accounts import consents, rules
from app.accounts.rules import PasswordRule
from app.accounts.service import NewUser
from app.accounts.store import Member
from app.core.languages import _, marked
from app.web.forms import Fields, with_object

MOST_ID_TYPED = 64
REQUIRED_CONSENTS = {
    consents.TERMS: marked("이용약관에 동의하셔야 가입하실 수 있습니다."),
    consents.PRIVACY: marked("개인정보 수집·이용에 동의하셔야 가입하실 수 있습니다."),
    consents.AGE: marked("만 14세 이상만 가입하실 수 있습니다."),
}


@dataclass(frozen=True, slots=True)
class SignUp:
    """What a new user typed."""

    name: str
    phone: str
    email: str
    signup_id: str
    password: str = field(repr=False)
    agreed: tuple[str, ...]

    @classmethod
    def read(cls, fields: Fields, rule: PasswordRule) -> "SignUp":
        """Read the form; what is wrong is in ``fields.errors``."""
        name = fields.text("name", _("이름"), most=255)
        phone = fields.phone("phone", _("휴대전화"))
        email = fields.email("email", _("이메일"))
        signup_id = read_signup_id(fields)
        password = _read_new_password(fields, rule, "password", signup_id, phone, *_words_of(email))
        for consent in consents.REQUIRED:
            if not fields.ticked(consent):
                fields.fail(consent, _(REQUIRED_CONSENTS[consent]))
        agreed = tuple(name for name in consents.VERSIONS if fields.ticked(name))
        return cls(name, phone, email, signup_id, password, agreed)

    def new_user(self) -> NewUser:
        """Return whom to make."""
        return NewUser(self.signup_id, self.password, self.name, self.phone, self.email, self.agreed)


@dataclass(frozen=True, slots=True)
class LogIn:
    """An id and a password."""

    signup_id: str
    password: str = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> "LogIn":
        """Read the form. Only what is empty is an error here: the rest is a wrong id or password."""
        signup_id = fields.text("signup_id", _("아이디"), most=MOST_ID_TYPED)
        return cls(signup_id, _read_password(fields, "password", _("비밀번호")))


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """The present password and the one to come."""

    old: str = field(repr=False)
    new: str = field(repr=False)

    @classmethod
    def read(cls, fields: Fields, rule: PasswordRule, member: Member) -> "ChangePassword":
        """Read the form; what is wrong is in ``fields.errors``."""
        old = read_present_password(fields)
        return cls(old, read_password_for(fields, rule, member))


def read_signup_id(fields: Fields) -> str:
    """Return the id somebody would like to have, as it would be stored."""
    folded = rules.fold_signup_id(fields.text("signup_id", _("아이디"), most=MOST_ID_TYPED))
    if not rules.is_signup_id(folded):
        fields.fail("signup_id", rules.SIGNUP_ID_SENTENCE)
    return folded


def read_present_password(fields: Fields) -> str:
    """Return the password that somebody who is logged in types once more."""
    return _read_password(fields, "password", _("지금 쓰는 비밀번호"))


def read_password_for(fields: Fields, rule: PasswordRule, member: Member) -> str:
    """Return a member's password to be."""
    own = (member.signup_id, member.phone, *_words_of(member.email))
    return _read_new_password(fields, rule, "new_password", *own)


def _read_new_password(fields: Fields, rule: PasswordRule, name: str, *own_words: str) -> str:
    password = _read_password(fields, name, _("새 비밀번호") if name == "new_password" else _("비밀번호"))
    if wrong := rule.judge(password, *own_words):
        fields.fail(name, wrong)
    return password


def _words_of(email: str) -> tuple[str, str]:
    """Return what of an address its owner must not make a password of."""
    return email, email.partition("@")[0]


def _read_password(fields: Fields, name: str, label: str) -> str:
    """Return a password as it was typed: spaces count, nothing is trimmed."""
    values = fields.sent.getlist(name)
    password = values[0] if len(values) == 1 else ""
    if len(values) > 1:
        fields.fail(name, _("%(label)s 값이 여러 개 왔습니다. 하나만 입력해 주십시오.", label=label))
    elif not password:
        fields.fail(name, _("%(label)s 입력해 주십시오.", label=with_object(label)))
    elif len(password) > rules.MOST_TYPED:
        fields.fail(name, _("비밀번호는 %(most)s자까지 입력할 수 있습니다.", most=format(rules.MOST, ",")))
    return password
