"""What is done before and after every request, as one step each."""

from quart import Quart, Response
from quart.typing import ResponseReturnValue


def join(app: Quart) -> None:
    """Make one function of all that are registered so far: the framework examines each of them every time."""
    before = tuple(app.before_request_funcs[None])
    after = tuple(reversed(app.after_request_funcs[None]))

    async def enter() -> ResponseReturnValue | None:
        for step in before:
            answer: ResponseReturnValue | None = await step()  # type: ignore[misc]
            if answer is not None:
                return answer
        return None

    async def leave(response: Response) -> Response:
        for step in after:
            response = await step(response)
        return response

    app.before_request_funcs[None] = [enter]
    app.after_request_funcs[None] = [leave]
