"""The shop's own counters, read at /metrics."""

from prometheus_client import Counter

cart_edits = Counter("madang_cart_edits", "Cart edits by what came of them", ["outcome"])
carts_persisted = Counter("madang_carts_persisted", "Cart snapshots written to the database", ["by"])
payment_transitions = Counter("madang_payment_transitions", "Attempts to pay entering a state", ["status"])
alarms = Counter("madang_alarms", "Things a person must look at", ["kind"])
