"""The shop's own counters, read at /metrics: those of all processes where the launcher has set a folder."""

import os

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's own name; it reads it too
PLACE = "METRICS_PLACE"  # which of the launcher's processes this is

if os.environ.get(FOLDER) and os.environ.get(PLACE):
    # By place and not by process number: one that is started again goes on counting in the same file.
    values.ValueClass = values.MultiProcessValue(lambda: os.environ[PLACE])  # type: ignore[no-untyped-call]

cart_edits = Counter("madang_cart_edits", "Cart edits by what came of them", ["outcome"])
carts_persisted = Counter("madang_carts_persisted", "Cart snapshots written to the database", ["by"])
payment_transitions = Counter("madang_payment_transitions", "Attempts to pay entering a state", ["status"])
publishes_dropped = Counter(
    "madang_cart_publishes_dropped", "Cart snapshots the broker did not take; the sweeper writes them"
)
dead_messages = Gauge(
    "madang_dead_messages",
    "Messages that wait for a person",
    ["queue"],
    multiprocess_mode="mostrecent",
)
policy_violations = Counter(
    "madang_policy_violations", "What browsers kept from happening on our pages", ["directive", "page"]
)
payment_page_checks = Counter(
    "madang_payment_page_checks", "Looks at the payment page by what came of them", ["outcome"]
)
searches = Counter("madang_searches", "Searches by what came of them, or that the database did them", ["by"])
alarms = Counter("madang_alarms", "Things a person must look at", ["kind"])


def exposition() -> bytes:
    """Return everything that was counted, as Prometheus reads it."""
    if not os.environ.get(FOLDER):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
