"""The shop's commands: python -m app VERB, and --help for the list."""

import gc
import sys

# Reading a program in makes a hundred thousand objects and no garbage: by Python's own measure (700, 10, 10)
# a fifth of a start is spent looking for it.
COLLECT_AFTER = (20_000, 20, 50)

if __name__ == "__main__":
    gc.set_threshold(*COLLECT_AFTER)
    from app.commands import main

    sys.exit(main(sys.argv[1:]))
