"""python -m bench NAME [options]: how fast the shop is, measured the same way every time."""

import importlib
import sys

from bench.machine import complain
from bench.wrk import WrongAnswerError
from sandbox.children import MissingProgram, ServerFailed

# A bench is a module with main(args) -> exit code; its docstring's first line is its help.
BENCHES = ("load", "chart", "drain", "hour", "growth", "flash_sale", "login_flood", "search", "weight")


def main(args: list[str]) -> int:
    """Run the bench that the first word names."""
    name, rest = (args[0], args[1:]) if args else ("help", [])
    if name not in BENCHES:
        print("Usage: ./dev bench NAME [options]")
        for known in BENCHES:
            print(f"  {known:<12} {caption_of(known)}")
        return 0 if name == "help" else 2
    try:
        code: int = importlib.import_module(f"bench.{name}").main(rest)
    except KeyboardInterrupt:
        print("\nInterrupted; nothing was left running.", file=sys.stderr)
        return 130
    except TimeoutError:
        return complain("Nothing was measured: the shop did not open in time, or never came to rest.")
    except (MissingProgram, ServerFailed, WrongAnswerError) as trouble:
        return complain(f"Nothing was measured: {trouble}")
    return code


def caption_of(name: str) -> str:
    """Return what a bench measures."""
    return (importlib.import_module(f"bench.{name}").__doc__ or "").splitlines()[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
