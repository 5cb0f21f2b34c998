"""The failures the shop knows by name; each says what a person may be told."""

from app.core.languages import find, marked


class ShopError(Exception):
    """A failure with a sentence for the shopper.

    ``say`` is in the shopper's language and safe to show; the exception's own text is for the log.
    """

    status = 500
    title = marked("문제가 생겼습니다")
    default_say = marked("잠시 후 다시 시도해 주십시오.")

    def __init__(self, reason: str = "", *, say: str | None = None) -> None:
        super().__init__(reason or type(self).__name__)
        self.say = find(say or self.default_say)


class NotFoundError(ShopError):
    """There is no such thing, or it is not yours: the two are never told apart."""

    status = 404
    title = marked("찾을 수 없습니다")
    default_say = marked("주소가 바뀌었거나 없는 페이지입니다.")


class ForbiddenError(ShopError):
    """The request was refused before anything was read or changed."""

    status = 403
    title = marked("요청을 처리하지 않았습니다")
    default_say = marked("페이지를 새로 연 뒤 다시 시도해 주십시오. 변경된 내용은 없습니다.")


class ConflictError(ShopError):
    """The world moved on (price, stock, state) since the shopper looked."""

    status = 409
    title = marked("그사이 내용이 바뀌었습니다")
    default_say = marked("바뀐 내용을 확인한 뒤 다시 시도해 주십시오.")


class InvalidError(ShopError):
    """Input that no form of ours sends; nothing was changed."""

    status = 422
    title = marked("입력한 내용을 확인해 주십시오")
    default_say = marked("입력한 내용을 확인해 주십시오. 변경된 내용은 없습니다.")


class TooLargeError(ShopError):
    """The request body is larger than the door allows."""

    status = 413
    title = marked("보낸 내용이 너무 큽니다")
    default_say = marked("보낸 내용이 너무 커서 처리하지 않았습니다. 변경된 내용은 없습니다.")


class TooManyError(ShopError):
    """More requests than we take at once; ``retry_after`` is in seconds."""

    status = 429
    title = marked("요청이 너무 많습니다")
    default_say = marked("지금 요청이 많습니다. 잠시 후 다시 시도해 주십시오.")

    def __init__(self, reason: str = "", *, say: str | None = None, retry_after: int = 5) -> None:
        super().__init__(reason, say=say)
        self.retry_after = retry_after


class UnavailableError(ShopError):
    """A machine we need is away; what was asked may or may not have happened there."""

    status = 503
    title = marked("잠시 연결이 원활하지 않습니다")
    default_say = marked("잠시 후 다시 시도해 주십시오. 입력한 내용은 그대로 두었습니다.")


class DatabaseUnavailableError(UnavailableError):
    """The database did not answer in time, or the connection was lost before COMMIT was sent."""


class CommitUnknownError(DatabaseUnavailableError):
    """COMMIT was sent and no answer came: the transaction may have happened. Read it back."""


class RedisUnavailableError(UnavailableError):
    """Redis did not answer in time, refused to write, or is away."""


class RedisLostError(RedisUnavailableError):
    """The connection broke while we waited for the answer: it may have been done."""


class RedisTypeError(RedisUnavailableError):
    """Something else than ours lies at the key; nothing was done with it."""


class AmqpUnavailableError(UnavailableError):
    """The broker did not confirm: the message may or may not be in a queue."""
