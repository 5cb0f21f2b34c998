"""Libraries that answer for the kernel: loaded into a program before libc, told by a file what to say."""

import os
import subprocess
from pathlib import Path

from sandbox import children
from tests.stack import Machine


class Preload:
    """One library, compiled here; what its file says holds at once for every program started with it."""

    def __init__(self, name: str, source: str, folder: Path) -> None:
        self.variable = f"{name.upper()}_FILE"
        self.control = folder / name
        self.library = folder / f"{name}.so"
        gcc = children.find_program(("gcc",), "gcc libc6-dev")
        argv = [gcc, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-x", "c", "-", "-o", str(self.library)]
        subprocess.run(argv, input=source, text=True, check=True)

    def environment(self) -> dict[str, str]:
        """What a program needs in its environment."""
        return {"LD_PRELOAD": str(self.library), self.variable: str(self.control)}

    def put_under(self, machine: Machine) -> None:
        """Start a machine again, with this and what was put under it before."""
        others = machine.env.get("LD_PRELOAD", "")
        machine.env.update(self.environment())
        machine.env["LD_PRELOAD"] = f"{self.library} {others}".strip()
        machine.restart()

    def say(self, words: str) -> None:
        """Replace what the file says."""
        written = self.control.with_suffix(".new")
        written.write_text(words)
        os.replace(written, self.control)  # noqa: PTH105 - never half a sentence
