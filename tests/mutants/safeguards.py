"""The safeguards, what each looks like when it is missing, and the smallest set of tests that notices.

R1 to R20 are the rules of the cart's protocol in docs/messages.md. Of the others: CAS: a change guarded
by the state that was read; ONCE: a unique key; TOSS: what is asked of Toss, and what its answers mean;
TX: a commit; DOOR: sessions, forms, limits and what is handed out; LINK: what is mailed.
"""

from collections.abc import Sequence

from tests.mutants.bench import Mutant

CARTS = "tests/rooms/cart/test_cart.py"
PERSISTING = "tests/rooms/cart/test_persisting.py"
CONFIRMED = "tests/rooms/cart/test_confirmed.py"
MOVED = "tests/rooms/cart/test_moved.py"
ACCIDENTS = "tests/rooms/cart/test_accidents.py"
CHECKOUT = "tests/rooms/checkout/test_checkout.py"
STOCK = "tests/rooms/stock/test_stock.py"
LOGIN = "tests/rooms/accounts/test_login.py"
RESET = "tests/rooms/accounts/test_reset.py"
EMAIL = "tests/rooms/accounts/test_email.py"
CLOSURE = "tests/rooms/accounts/test_closure.py"
MAIL = "tests/rooms/mail/test_mail.py"
ENTRY = "tests/rooms/operators/test_entry.py"
FACTORS = "tests/rooms/operators/test_factors.py"
PASSKEYS = "tests/rooms/operators/test_passkeys.py"
AGAIN = "tests/rooms/operators/test_again.py"
LOGS = "tests/rooms/audit/test_logs.py"
OPERATOR_RACES = "tests/races/test_operators.py"
SESSIONS = "tests/rooms/accounts/test_sessions.py"
PAYING = "tests/payments/test_paying.py"
ENDS = "tests/payments/test_ends.py"
UNKNOWN = "tests/payments/test_unknown.py"
DEPOSITS = "tests/payments/test_deposits.py"
GUARDS = "tests/payments/test_guards.py"
TURNS = "tests/payments/test_turns.py"
LINE = "tests/unit/test_line.py"
CROWD = "tests/unit/test_crowd.py"
COUNTER = "tests/rooms/cart/test_counter.py"
FOLLOWED = "tests/rooms/catalog/test_changed.py"
STRANGERS = "tests/rooms/catalog/test_strangers.py"
ANSWERS = "tests/payments/test_toss_answers.py"
CLIENT = "tests/payments/test_toss_client.py"
JUDGING = "tests/unit/test_judging.py"
AMQP = "tests/machines/test_amqp_client.py"
DATABASE = "tests/machines/test_database.py"
DURABILITY = "tests/machines/test_durability.py"
CART_RACES = "tests/races/test_carts.py"
ORDER_RACES = "tests/races/test_orders.py"
ACCOUNT_RACES = "tests/races/test_accounts.py"
FLOODS = "tests/rooms/accounts/test_floods.py"
CALLER = "tests/house/test_caller.py"
WIRE = "tests/machines/test_wire.py"
PASSWORDS = "tests/rooms/accounts/test_passwords.py"

UNSAFE = "test_an_unsafe_redis_is_refused_with_the_way_to_mend_it"


def embedded(path: str, test: str, case: str = "") -> tuple[str]:
    """Name a test as pytest does, on the embedded stack."""
    return (f"{path}::{test}[embedded{case and '-'}{case}]",)


def real(path: str, test: str) -> tuple[str]:
    """Name a test on real servers: the embedded database has one writer, and would not show it."""
    return (f"{path}::{test}[real]",)


def stand_in(test: str) -> tuple[str]:
    """Name a test of the client of the broker, with our stand-in for the broker."""
    return (f"{AMQP}::{test}[stand-in]",)


def alone(path: str, test: str) -> tuple[str]:
    """Name a test that needs no stack."""
    return (f"{path}::{test}",)


CART: Sequence[Mutant] = (
    Mutant(
        name="removals travel",
        rule="R1",
        file="app/cart/snapshot.py",
        old="lines = [list(line) for line in self.lines]",
        new="lines = [list(line) for line in self.live]",
        tests=embedded(CART_RACES, "test_a_line_is_removed_once_and_brought_back_once"),
    ),
    Mutant(
        name="stamps only grow",
        rule="R2",
        file="app/cart/lua/register.lua",
        old="return math.max(now_us(), number_at(cart, 'last') + 1, number_at(cart, 'cl') + 1)",
        new="return now_us()",
        tests=embedded(ACCIDENTS, "test_a_clock_that_was_set_back_loses_no_edit"),
    ),
    Mutant(
        name="an edit marks its cart",
        rule="R3",
        file="app/cart/lua/edit.lua",
        old="redis.call('ZADD', dirty, text(stamp), owner)",
        new="",
        tests=embedded(PERSISTING, "test_the_sweeper_writes_what_no_message_wrote"),
    ),
    Mutant(
        name="confirmed by the broker",
        rule="R4",
        file="app/infra/amqp.py",
        old="connection.channel(publisher_confirms=True, on_return_raises=True)",
        new="connection.channel(publisher_confirms=False)",
        tests=stand_in("test_a_full_queue_is_not_confirmed"),
    ),
    Mutant(
        name="mandatory",
        rule="R4",
        file="app/infra/amqp.py",
        old="publish(message, routing_key, mandatory=True)",
        new="publish(message, routing_key, mandatory=False)",
        tests=stand_in("test_a_message_nobody_wants_is_not_confirmed_and_a_deleted_queue_comes_back"),
    ),
    Mutant(
        name="newest stamp in Redis",
        rule="R5",
        file="app/cart/lua/register.lua",
        old="if stamp > cleared and stamp > known then",
        new="if stamp > cleared then",
        tests=embedded(
            PERSISTING, "test_a_wiped_redis_loads_the_cart_again_and_a_late_message_changes_nothing"
        ),
    ),
    Mutant(
        name="newest stamp in the database",
        rule="R5",
        file="app/cart/store.py",
        old="case((incoming.stamp > line.stamp, incoming.quantity), else_=line.quantity)",
        new="incoming.quantity",
        tests=embedded(PERSISTING, "test_messages_may_come_twice_and_in_any_order"),
    ),
    Mutant(
        name="a batch joins",
        rule="R5",
        file="app/cart/service.py",
        old="one if known is None else join(known, one)",
        new="one if known is None or one.last > known.last else known",
        tests=embedded(PERSISTING, "test_a_batch_joins_snapshots_of_one_cart_instead_of_keeping_the_newest"),
    ),
    Mutant(
        name="watermark in Redis",
        rule="R6",
        file="app/cart/lua/register.lua",
        old="if stamp > cleared and stamp > known then",
        new="if stamp > known then",
        tests=embedded(ACCIDENTS, "test_a_message_that_comes_after_the_cart_was_emptied_brings_nothing_back"),
    ),
    Mutant(
        name="what is paid for is dropped",
        rule="R6",
        file="app/cart/lua/register.lua",
        old="  drop_cleared(cart)\n",
        new="",
        tests=embedded(ACCIDENTS, "test_a_message_that_comes_after_the_cart_was_emptied_brings_nothing_back"),
    ),
    Mutant(
        name="watermark in the database",
        rule="R6",
        file="app/cart/store.py",
        old="{row.owner: row.cleared_stamp for row in rows}",
        new="{row.owner: 0 for row in rows}",
        tests=embedded(ACCIDENTS, "test_a_message_that_comes_after_the_cart_was_emptied_brings_nothing_back"),
    ),
    Mutant(
        name="the watermark is only raised",
        rule="R6",
        file="app/cart/store.py",
        old="_newer(incoming.cleared_stamp, head.cleared_stamp)",
        new="incoming.cleared_stamp",
        tests=embedded(ACCIDENTS, "test_a_message_that_comes_after_the_cart_was_emptied_brings_nothing_back"),
    ),
    Mutant(
        name="acknowledged after the commit",
        rule="R7",
        file="app/infra/deliveries.py",
        old="    try:\n        await on_message(batch)\n",
        new="    for early in batch:\n        await early.ack()\n    try:\n        await on_message(batch)\n",
        tests=stand_in("test_when_patience_ends_messages_go_back_once_until_the_machine_is_well"),
    ),
    Mutant(
        name="a newer edit stays marked",
        rule="R7",
        file="app/cart/lua/merge_back.lua",
        old="if score and tonumber(score) <= last then",
        new="if score then",
        tests=embedded(ACCIDENTS, "test_an_older_message_does_not_make_a_newer_edit_forgotten"),
    ),
    Mutant(
        name="the sweeper",
        rule="R8",
        file="tasks/schedule.py",
        old='    Recurring("write carts no message has written", 1.0, cart.sweep),\n',
        new="",
        tests=embedded(PERSISTING, "test_the_sweeper_writes_what_no_message_wrote"),
    ),
    Mutant(
        name="a load shows its token",
        rule="R9",
        file="app/cart/lua/put_load.lua",
        old="if redis.call('HGET', cart, 'ph') ~= token or string.sub(token, 1, #this_run) ~= this_run then",
        new="if false then",
        tests=embedded(ACCIDENTS, "test_a_load_that_a_wipe_overtook_is_not_believed"),
    ),
    Mutant(
        name="loaded by this run",
        rule="R10",
        file="app/cart/lua/register.lua",
        old="if found[1] ~= this_run then return 'NL' end",
        new="if not found[1] then return 'NL' end",
        tests=embedded(ACCIDENTS, "test_a_redis_with_an_older_disk_is_joined_before_it_is_believed"),
    ),
    Mutant(
        name="the barrier",
        rule="R11",
        file="app/cart/lua/register.lua",
        old="if redis.pcall('GET', generation) ~= this_run then return 'NG' end",
        new="",
        tests=embedded(CONFIRMED, "test_the_broker_has_the_edit_before_the_shopper_is_told"),
    ),
    Mutant(
        name="every life has its barrier",
        rule="R11",
        file="app/cart/lua/register.lua",
        old="if redis.pcall('GET', generation) ~= this_run then return 'NG' end",
        new="if not redis.pcall('GET', generation) then return 'NG' end",
        tests=embedded(ACCIDENTS, "test_a_redis_with_an_older_disk_waits_for_what_is_on_its_way"),
    ),
    Mutant(
        name="one press, one key",
        rule="R12",
        file="app/cart/lua/edit.lua",
        old="if seen_before() then return answer('OK') end",
        new="",
        tests=embedded(CARTS, "test_the_same_press_counts_once"),
    ),
    Mutant(
        name="only what has a key is sent again",
        rule="R13",
        file="app/cart/hot.py",
        old='self.operation == "add" and self.form_key != ""',
        new='self.operation == "add"',
        tests=embedded(PERSISTING, "test_a_lost_answer_is_asked_for_again_and_counts_once"),
    ),
    Mutant(
        name="held while a machine is away",
        rule="R14",
        file="app/infra/deliveries.py",
        old="FAULTS_OF_MACHINES = (UnavailableError, OSError)",
        new="FAULTS_OF_MACHINES: tuple[type[Exception], ...] = ()",
        tests=stand_in("test_a_message_is_held_while_a_machine_is_away_and_never_returned"),
    ),
    Mutant(
        name="closing insists",
        rule="R14",
        file="app/infra/background.py",
        old="asyncio.wait(pending, timeout=END_PAUSE)",
        new="asyncio.wait(pending, timeout=None)",
        tests=stand_in("test_closing_ends_though_the_library_swallowed_the_cancellation"),
    ),
    Mutant(
        name="a full queue refuses",
        rule="R15",
        file="app/infra/queues.py",
        old='            "x-overflow": "reject-publish",\n',
        new="",
        tests=stand_in("test_a_full_queue_is_not_confirmed"),
    ),
    Mutant(
        name="the larger quantity",
        rule="R18",
        file="app/cart/lua/merge_guest.lua",
        old="if tonumber(ARGV[i + 1]) > old then",
        new="ARGV[i + 1] = text(tonumber(ARGV[i + 1]) + old)\n  if true then",
        tests=embedded(PERSISTING, "test_a_guests_cart_joins_the_members_once"),
    ),
    Mutant(
        name="a guest's last goods come along",
        rule="R18",
        file="app/cart/service.py",
        old="for _attempt in range(MERGES):",
        new="for _attempt in range(1):",
        tests=embedded(PERSISTING, "test_what_a_guest_puts_in_while_the_carts_are_joined_is_not_left_behind"),
    ),
    Mutant(
        name="an old cookie finds the member's cart",
        rule="R18",
        file="app/cart/lua/move.lua",
        old="redis.call('HSET', cart, 'to', ARGV[3] .. ':' .. text(now_us()))\n",
        new="",
        tests=embedded(MOVED, "test_an_edit_with_the_old_cookie_lands_in_the_members_cart"),
    ),
    Mutant(
        name="a slow log-in takes nothing twice",
        rule="R18",
        file="app/cart/lua/merge_guest.lua",
        old="if tonumber(ARGV[i + 2]) > taken then",
        new="if true then",
        tests=embedded(
            MOVED, "test_a_stalled_log_in_brings_back_nothing_that_was_removed_since", "merge_guest"
        ),
    ),
    Mutant(
        name="tombstones",
        rule="R19",
        file="app/cart/store.py",
        old=" and line.stamp >= horizon",
        new="",
        tests=embedded(
            ACCIDENTS, "test_a_removal_is_remembered_for_thirty_days_and_nothing_older_comes_back"
        ),
    ),
    Mutant(
        name="tombstones are kept",
        rule="R19",
        file="app/cart/store.py",
        old="delete(carts).where(carts.c.quantity == 0, carts.c.stamp < horizon)",
        new="delete(carts).where(carts.c.quantity == 0)",
        tests=embedded(
            ACCIDENTS, "test_a_removal_is_remembered_for_thirty_days_and_nothing_older_comes_back"
        ),
    ),
    Mutant(
        name="no more than there is",
        rule="R20",
        file="app/cart/lua/edit.lua",
        old="math.max(old, math.min(old + quantity, most))",
        new="old + quantity",
        tests=embedded(CARTS, "test_no_more_than_there_is"),
    ),
    Mutant(
        name="a hundred lines",
        rule="R20",
        file="app/cart/lua/edit.lua",
        old="return live >= MAX_LINES or registers >= MAX_REGISTERS",
        new="return false",
        tests=embedded(PERSISTING, "test_a_hundred_lines_and_no_more"),
    ),
)

ORDERS_AND_STOCK: Sequence[Mutant] = (
    Mutant(
        name="the stock guard",
        rule="CAS",
        file="app/stock/store.py",
        old="== product_id, products.c.quantity >= quantity)",
        new="== product_id)",
        tests=embedded(STOCK, "test_what_is_short_is_named"),
    ),
    Mutant(
        name="the stock guard of a batch",
        rule="CAS",
        file="app/stock/store.py",
        old=", products.c.quantity >= _taken)",
        new=")",
        tests=embedded(TURNS, "test_what_is_confirmed_for_different_goods_is_claimed_together"),
    ),
    Mutant(
        name="the ledger's key",
        rule="ONCE",
        file="db/migrations/0001_initial.sqlite.sql",
        old="UNIQUE (web_payment_id, product_id, reason)",
        new="CHECK (delta IS NOT NULL)",
        tests=embedded(STOCK, "test_the_same_hold_twice_is_refused_by_the_ledger_itself"),
    ),
    Mutant(
        name="a failed attempt gives back",
        rule="CAS",
        file="app/payments/settle.py",
        old="        return False\n    await stock.release(tx, attempt.web_payment_id)\n    order = ",
        new="        return False\n    order = ",
        tests=embedded(ENDS, "test_a_declined_card_leaves_the_order_open_for_another"),
    ),
    Mutant(
        name="one open order",
        rule="ONCE",
        file="db/migrations/0001_initial.sql",
        old="    CONSTRAINT uq_orders_owner_open_slot UNIQUE (owner, open_slot),\n",
        new="",
        tests=real(ORDER_RACES, "test_one_cart_is_one_order"),
    ),
    Mutant(
        name="one open attempt",
        rule="ONCE",
        file="db/migrations/0001_initial.sqlite.sql",
        old="UNIQUE (order_id, open_slot)",
        new="CHECK (order_id > 0)",
        tests=embedded(GUARDS, "test_an_order_has_one_open_attempt"),
    ),
    Mutant(
        name="an order moves from where it was read",
        rule="CAS",
        file="app/orders/store.py",
        old="orders.c.status == old, orders.c.status.in_(states.sources(new))",
        new="",
        tests=embedded(GUARDS, "test_an_order_moves_only_from_where_it_was_read"),
    ),
    Mutant(
        name="first the open order",
        rule="TX",
        file="app/checkout/service.py",
        old="""    placed = await orders.read_open(tx, buyer.owner)
    cart, products = await _price(m, tx, snapshot)
""",
        new="""    cart, products = await _price(m, tx, snapshot)
    placed = await orders.read_open(tx, buyer.owner)
""",
        tests=alone(
            ORDER_RACES, "test_a_checkout_overtaken_by_its_own_payment_orders_nothing[read_paid_stamp-real]"
        ),
    ),
    Mutant(
        name="paid goods are not ordered again",
        rule="R6",
        file="app/checkout/pricing.py",
        old="if line.stamp > paid_stamp)",
        new=")",
        tests=embedded(CHECKOUT, "test_paid_goods_that_redis_still_shows_are_not_ordered_again"),
    ),
    Mutant(
        name="the total that was seen",
        rule="TX",
        file="app/checkout/service.py",
        old='return MOVED if cart.total_price != seen_total else ""',
        new='return ""',
        tests=embedded(CHECKOUT, "test_a_price_that_moved_is_shown_before_it_is_asked"),
    ),
    Mutant(
        name="a changed cart ends the old window",
        rule="CAS",
        file="app/checkout/pricing.py",
        old="order.cart_stamp == cart.stamp and ordered == wanted",
        new="True",
        tests=embedded(ENDS, "test_a_changed_cart_supersedes_the_old_window"),
    ),
)

MONEY: Sequence[Mutant] = (
    Mutant(
        name="an attempt is claimed once",
        rule="CAS",
        file="app/payments/turns/store.py",
        old="""        web_payments.c.payment_status == states.PENDING,
    )
    values = {
        "payment_status": states.CONFIRMING,""",
        new="""    )
    values = {
        "payment_status": states.CONFIRMING,""",
        tests=embedded(TURNS, "test_each_of_a_batch_has_an_outcome_of_its_own"),
    ),
    Mutant(
        name="an attempt moves from where it was read",
        rule="CAS",
        file="app/payments/store.py",
        old="""        web_payments.c.payment_status == attempt.status,
        web_payments.c.payment_status.in_(states.sources(new)),
    )
    if unasked:""",
        new="""    )
    if unasked:""",
        tests=embedded(GUARDS, "test_an_answer_read_too_late_takes_nothing_back"),
    ),
    Mutant(
        name="a refusal after a second request",
        rule="CAS",
        file="app/payments/store.py",
        old="    if unasked:\n",
        new="    if unasked and not unasked:\n",
        tests=embedded(GUARDS, "test_a_refusal_is_not_the_end_once_the_reconciliation_has_sent_it_again"),
    ),
    Mutant(
        name="a check is leased",
        rule="CAS",
        file="app/payments/store.py",
        old="        web_payments.c.checks == attempt.checks,\n",
        new="",
        tests=embedded(GUARDS, "test_a_check_is_taken_up_by_one"),
    ),
    Mutant(
        name="the way back is compared",
        rule="TOSS",
        file="app/payments/arrival.py",
        old=" and self.amount == attempt.total_price",
        new="",
        tests=embedded(ENDS, "test_a_tampered_amount_is_not_confirmed"),
    ),
    Mutant(
        name="a key is one attempt's",
        rule="ONCE",
        file="db/migrations/0001_initial.sqlite.sql",
        old="CONSTRAINT uq_web_payments_payment_key UNIQUE (payment_key)",
        new="CONSTRAINT uq_web_payments_payment_key CHECK (order_id > 0)",
        tests=embedded(ENDS, "test_another_payments_key_is_refused"),
    ),
    Mutant(
        name="detached from the request",
        rule="TX",
        file="app/payments/confirm.py",
        old="await asyncio.shield(ticket.answer)",
        new="await ticket.answer",
        tests=embedded(TURNS, "test_whoever_hangs_up_takes_nobody_elses_answer_along"),
    ),
    Mutant(
        name="all of a batch or nobody",
        rule="CAS",
        file="app/payments/turns/claim.py",
        old="!= len(ordered):",
        new="< 0:",
        tests=embedded(TURNS, "test_whoever_canceled_meanwhile_holds_nothing_of_the_batch"),
    ),
    Mutant(
        name="a batch that is too late once",
        rule="CAS",
        file="app/payments/turns/claim.py",
        old="!= len(attempts):",
        new="< 0:",
        tests=embedded(TURNS, "test_those_who_come_too_late_all_get_another_attempt"),
    ),
    Mutant(
        name="an ended order gets no other attempt",
        rule="CAS",
        file="app/orders/service.py",
        old="== len(order_ids)",
        new=">= 0",
        tests=embedded(TURNS, "test_an_order_that_has_ended_gets_no_other_attempt"),
    ),
    Mutant(
        name="a batch takes what it sells",
        rule="CAS",
        file="app/payments/turns/claim.py",
        old="if not await stock.reserve_together(tx, wanted):",
        new="if wanted and not tx:",
        tests=embedded(TURNS, "test_a_batch_whose_commit_nobody_answered_is_read_back", "reply"),
    ),
    Mutant(
        name="the till takes in all or nobody",
        rule="CAS",
        file="app/payments/turns/till.py",
        old="!= len(ordered):",
        new="< 0:",
        tests=embedded(TURNS, "test_one_given_to_a_person_meanwhile_keeps_the_others_payments_apart"),
    ),
    Mutant(
        name="a payment comes from where it was read",
        rule="CAS",
        file="app/payments/turns/store.py",
        old="        web_payments.c.payment_status == old,\n",
        new="",
        tests=embedded(TURNS, "test_one_given_to_a_person_meanwhile_keeps_the_others_payments_apart"),
    ),
    Mutant(
        name="no order that has ended is paid with others",
        rule="CAS",
        file="app/orders/service.py",
        old="!= len(paid):",
        new="< 0:",
        tests=embedded(TURNS, "test_an_order_that_has_ended_is_not_paid_with_the_others"),
    ),
    Mutant(
        name="a place at the door counts",
        rule="DOOR",
        file="app/payments/routes.py",
        old="not limits.counts_at_door(app, scope, limits.READS)",
        new="False",
        tests=embedded(TURNS, "test_a_place_taken_at_the_door_counts_like_any_page"),
    ),
    Mutant(
        name="who is handed a page counts",
        rule="DOOR",
        file="app/web/handout.py",
        old=" or not limits.counts_at_door(self._app, scope, sheet.offer.limit)",
        new="",
        tests=embedded(STRANGERS, "test_strangers_who_are_handed_pages_are_counted"),
    ),
    Mutant(
        name="who brings a cookie is handed nothing",
        rule="DOOR",
        file="app/web/handout.py",
        old='OWN = {b"cookie", ',
        new="OWN = {",
        tests=embedded(STRANGERS, "test_nobody_else_is_handed_it", "Cookie"),
    ),
    Mutant(
        name="what is handed out is young",
        rule="DOOR",
        file="app/web/handout.py",
        old="time.monotonic() < sheet.offer.until",
        new="True",
        tests=embedded(STRANGERS, "test_what_is_handed_out_is_a_second_old_at_most"),
    ),
    Mutant(
        name="a token of ones own for each who is handed a page",
        rule="DOOR",
        file="app/web/handout.py",
        old="        guest = ids.token()\n",
        new='        guest = "a" * 43\n',
        tests=embedded(STRANGERS, "test_what_was_handed_out_is_a_form_of_ones_own"),
    ),
    Mutant(
        name="the page for everybody is a stranger's",
        rule="DOOR",
        file="app/web/crowd.py",
        old='if name.lower() == b"host"]',
        new="]",
        tests=alone(CROWD, "test_beyond_so_many_everybody_is_told_by_one_page_when_to_come_again"),
    ),
    Mutant(
        name="one of a kind at a time",
        rule="TX",
        file="app/infra/line.py",
        old="self._serving.update(kinds)",
        new="self._serving.difference_update(kinds)",
        tests=alone(LINE, "test_of_one_kind_one_batch_at_a_time_so_that_nobody_overtakes"),
    ),
    Mutant(
        name="the idempotency key",
        rule="TOSS",
        file="app/payments/toss.py",
        old='{"Idempotency-Key": idempotency_key} if idempotency_key else {}',
        new="{}",
        tests=alone(CLIENT, "test_the_same_idempotency_key_charges_once"),
    ),
    Mutant(
        name="unknown is not failed",
        rule="TOSS",
        file="app/payments/charge.py",
        old="await _after_unknown(m, attempt, unknown, first=first)",
        new='await settle.transact(m, lambda tx: settle.fail_with(m, tx, attempt, "UNKNOWN"))',
        tests=embedded(UNKNOWN, "test_while_the_answer_is_unknown_nothing_else_can_happen_to_the_order"),
    ),
    Mutant(
        name="an undocumented code is unknown",
        rule="TOSS",
        file="app/payments/verdicts.py",
        old='return Verdict.UNKNOWN if letter == "-"',
        new='return Verdict.REFUSED if letter == "-"',
        tests=alone(ANSWERS, "test_an_undocumented_code_is_unknown_for_every_call"),
    ),
    Mutant(
        name="a trickle is cut off",
        rule="TOSS",
        file="app/payments/toss.py",
        old="asyncio.timeout(self._deadline)",
        new="asyncio.timeout(None)",
        tests=alone(ANSWERS, "test_a_trickle_is_cut_off"),
    ),
    Mutant(
        name="paid is paid as asked",
        rule="TOSS",
        file="app/payments/attempt.py",
        old="payment.total_amount == attempt.total_price\n        and ",
        new="",
        tests=embedded(ENDS, "test_other_amount_at_toss_goes_to_a_person"),
    ),
    Mutant(
        name="a webhook is kept once",
        rule="ONCE",
        file="db/migrations/0001_initial.sqlite.sql",
        old="UNIQUE (fingerprint)",
        new="CHECK (fingerprint IS NOT NULL)",
        tests=embedded(ORDER_RACES, "test_one_webhook_is_kept_once_and_fifty_are_one_payment"),
    ),
    Mutant(
        name="late money is noticed",
        rule="TOSS",
        file="app/payments/charge.py",
        old="if attempt.status in late.GIVEN_UP:",
        new="if attempt.status in late.GIVEN_UP - late.GIVEN_UP:",
        tests=embedded(DEPOSITS, "test_an_impossible_charge_for_goods_that_are_gone_goes_back"),
    ),
    Mutant(
        name="paid is announced with the commit",
        rule="TX",
        file="app/orders/service.py",
        old="        await tx.announce(OrderPaid(order.order_no, order.owner, order.cart_stamp))\n",
        new="        pass\n",
        tests=embedded(GUARDS, "test_a_death_right_after_the_commit_still_empties_the_cart", "alone"),
    ),
    Mutant(
        name="those paid together are announced with the commit",
        rule="TX",
        file="app/orders/service.py",
        old="    await tx.announce_all(told)\n",
        new="",
        tests=embedded(GUARDS, "test_a_death_right_after_the_commit_still_empties_the_cart", "together"),
    ),
    Mutant(
        name="an unanswered commit is unknown",
        rule="TX",
        file="app/infra/db.py",
        old="kind = CommitUnknownError if committing else DatabaseUnavailableError",
        new="kind = DatabaseUnavailableError",
        tests=embedded(DATABASE, "test_a_commit_without_an_answer_is_not_called_a_failure"),
    ),
    Mutant(
        name="an unanswered commit is done again",
        rule="TX",
        file="app/payments/settle.py",
        old="    except CommitUnknownError as unknown:\n        try:\n",
        new="    except CommitUnknownError as unknown:\n        try:\n            raise unknown\n",
        tests=embedded(UNKNOWN, "test_a_commit_nobody_answered_is_read_back", "lost1"),
    ),
)

REST: Sequence[Mutant] = (
    Mutant(
        name="one slot for what one script touches",
        rule="R16",
        file="app/infra/keys.py",
        old='return f"{{b{number}}}dirty"',
        new='return f"dirty:{number}"',
        tests=(
            "tests/house/test_keys.py::test_a_key_has_a_hash_tag_so_that_a_script_finds_its_keys_on_one_node",
        ),
    ),
    Mutant(
        name="a machine that forgets is refused",
        rule="R17",
        file="app/infra/durability.py",
        old="if found[name] != value:",
        new="if found[name] is None:",
        tests=embedded(
            DURABILITY,
            "test_an_unsafe_redis_is_refused_with_the_way_to_mend_it",
            "appendfsync-everysec-always-True",
        ),
    ),
    Mutant(
        name="nothing is evicted",
        rule="R17",
        file="app/infra/durability.py",
        old='("noeviction", "carts',
        new='("allkeys-lru", "carts',
        tests=embedded(
            DURABILITY,
            "test_an_unsafe_redis_is_refused_with_the_way_to_mend_it",
            "maxmemory-policy-allkeys-lru-noeviction-False",
        ),
    ),
    Mutant(
        name="one name, one user",
        rule="ONCE",
        file="db/migrations/0001_initial.sqlite.sql",
        old="UNIQUE (signup_id)",
        new="CHECK (signup_id IS NOT NULL)",
        tests=embedded(ACCOUNT_RACES, "test_of_fifty_who_want_one_name_one_gets_it"),
    ),
    Mutant(
        name="guesses are counted first",
        rule="DOOR",
        file="app/accounts/service.py",
        old="    await m.keep(Attempts).admit(folded)\n",
        new="",
        tests=embedded(ACCOUNT_RACES, "test_fifty_guesses_at_once_are_ten"),
    ),
    Mutant(
        name="a password changes from the one that was shown",
        rule="CAS",
        file="app/accounts/store.py",
        old="""users.c.signup_password == member.password_hash)
        .values(signup_password=password_hash, password_changed_at""",
        new="""users.c.signup_id != "")
        .values(signup_password=password_hash, password_changed_at""",
        tests=embedded(ACCOUNT_RACES, "test_of_fifty_new_passwords_one_holds_and_the_old_one_opens_nothing"),
    ),
    Mutant(
        name="a session outlives Redis",
        rule="DOOR",
        file="app/accounts/sessions.py",
        old="""    except RedisUnavailableError:
        row = await _read_row(m, token_hash)
        return row.shopper if row else None
""",
        new="""    except RedisUnavailableError:
        return None
""",
        tests=embedded(SESSIONS, "test_logging_in_and_being_logged_in_work_while_redis_is_away"),
    ),
    Mutant(
        name="an older Redis revives no session",
        rule="R10",
        file="app/accounts/lua/look_up.lua",
        old="shopper and entry[1] == run and now < expiry",
        new="shopper and now < expiry",
        tests=embedded(SESSIONS, "test_an_ended_session_does_not_come_back_with_an_older_redis"),
    ),
    Mutant(
        name="a session ended while it is looked up",
        rule="R9",
        file="app/accounts/lua/keep.lua",
        old="if redis.call('HGET', session, 'asking') ~= run .. ARGV[2] then return 0 end",
        new="",
        tests=embedded(SESSIONS, "test_a_session_ended_while_it_is_being_looked_up_is_not_kept"),
    ),
    Mutant(
        name="the session epoch",
        rule="DOOR",
        file="app/accounts/store.py",
        old=", sessions.c.epoch == users.c.session_epoch)",
        new=")",
        tests=embedded(SESSIONS, "test_logging_out_everywhere_ends_every_session_and_those_being_opened"),
    ),
    Mutant(
        name="the sender of a form",
        rule="DOOR",
        file="app/web/csrf.py",
        old="""if site != "same-origin":""",
        new="""if site == "none":""",
        tests=embedded(CARTS, "test_another_site_cannot_send_our_form"),
    ),
    Mutant(
        name="the form token",
        rule="DOOR",
        file="app/web/csrf.py",
        old="return hmac.compare_digest(sent, digest_)",
        new="return sent != b''",
        tests=embedded(CARTS, "test_a_wrong_form_token_changes_nothing"),
    ),
    Mutant(
        name="the form token, at the counter",
        rule="DOOR",
        file="app/web/counter.py",
        old='        if not csrf.fits(sent.get(csrf.FIELD, ""), digest):\n            return None\n',
        new="",
        tests=embedded(COUNTER, "test_one_is_served_in_ones_own_cart_only"),
    ),
    Mutant(
        name="what comes from elsewhere is not served at the counter",
        rule="DOOR",
        file="app/web/counter.py",
        old=', b"sec-fetch-site": b"same-origin"}',
        new="}",
        tests=embedded(COUNTER, "test_what_our_pages_do_not_send_is_looked_at_by_the_shop", "from elsewhere"),
    ),
    Mutant(
        name="who is served at the counter counts",
        rule="DOOR",
        file="app/web/counter.py",
        old=" or not limits.counts_at_door(self._app, scope, limits.WRITES)",
        new="",
        tests=embedded(COUNTER, "test_who_edits_too_often_is_told_so_and_each_edit_counts_once"),
    ),
    Mutant(
        name="whose session has ended is not served at the counter",
        rule="DOOR",
        file="app/web/counter.py",
        old='return _Who(f"u:{shopper.user_id}", token) if shopper else None',
        new='return _Who(f"u:{shopper.user_id if shopper else 1}", token)',
        tests=embedded(COUNTER, "test_whose_session_has_ended_is_sent_to_log_in"),
    ),
    Mutant(
        name="what failed at the counter is not done again",
        rule="DOOR",
        file="app/web/counter.py",
        old="served, known[FAILED] = None, error",
        new="served, known['was'] = None, error",
        tests=embedded(COUNTER, "test_an_edit_that_fails_is_made_once_and_the_shop_says_so"),
    ),
    Mutant(
        name="a place nobody can write",
        rule="DOOR",
        file="app/web/places.py",
        old='TOKEN = f"token-{secrets.token_hex(16)}"',
        new='TOKEN = "token-place"',
        tests=embedded(STRANGERS, "test_who_writes_the_word_of_a_place_is_given_no_token"),
    ),
    Mutant(
        name="what was changed is not confirmed",
        rule="DOOR",
        file="app/catalog/service.py",
        old="[key for key, value in values.items() if changed.isdisjoint(shown(key, value))]",
        new="values",
        tests=embedded(FOLLOWED, "test_what_is_changed_is_fetched_and_nothing_else"),
    ),
    Mutant(
        name="what one address may fail",
        rule="DOOR",
        file="app/web/guards.py",
        old="            await limits.spend(door.shared_limit)\n",
        new="            pass\n",
        tests=embedded(
            FLOODS,
            "test_one_address_may_fail_to_log_in_so_often_and_the_next_address_is_not_asked_to_wait",
        ),
    ),
    Mutant(
        name="counted before a machine is asked",
        rule="DOOR",
        file="app/web/guards.py",
        old="    app.before_request(_count)\n",
        new="    pass\n",
        tests=embedded(FLOODS, "test_pages_have_a_limit_too_and_it_costs_no_machine_anything"),
    ),
    Mutant(
        name="few log in at a time",
        rule="DOOR",
        file="app/web/limits.py",
        old="    if not limit.at_once:\n",
        new="    if limit:\n",
        tests=embedded(FLOODS, "test_of_a_crowd_that_logs_in_at_once_few_are_worked_on_and_pages_go_on"),
    ),
    Mutant(
        name="only proxies of ours are believed",
        rule="DOOR",
        file="app/web/caller.py",
        old="if address is None or not any(address in network for network in proxies):",
        new="if address is None:",
        tests=alone(CALLER, "test_without_trusted_proxies_nobody_is_believed[127.0.0.1]"),
    ),
    Mutant(
        name="nobody fills our memory with addresses",
        rule="DOOR",
        file="app/web/caller.py",
        old="self._find_again if len(said) <= MOST_REMEMBERED else self._find",
        new="self._find_again",
        tests=alone(CALLER, "test_what_somebody_says_of_where_they_come_from_does_not_fill_our_memory"),
    ),
    Mutant(
        name="a second's wait late in a second",
        rule="DOOR",
        file="app/accounts/attempts.py",
        old="now = epoch_us(self._m.clock.now()) // MS",
        new="now = epoch_us(self._m.clock.now()) // MS // 1000 * 1000",
        tests=embedded(LOGIN, "test_guessing_gets_slow_for_known_and_unknown_alike_but_locks_nobody_out"),
    ),
    Mutant(
        name="a length and chunks",
        rule="DOOR",
        file="app/web/shape.py",
        old='("Content-Length" in headers or version == "1.0")',
        new="False",
        tests=alone(
            WIRE,
            "test_a_request_that_ends_in_two_ways_is_refused_and_so_is_what_follows[a length and chunks]",
        ),
    ),
    Mutant(
        name="a cheap hash takes as long as a dear one",
        rule="DOOR",
        file="app/accounts/passwords.py",
        old="for cost in range(_cost_of(hashed), self._cost):",
        new="for cost in ():",
        tests=embedded(PASSWORDS, "test_a_hash_made_at_a_lower_cost_does_not_say_that_there_is_an_account"),
    ),
)

LINKS: Sequence[Mutant] = (
    Mutant(
        name="a link is used up by who comes first",
        rule="LINK",
        file="app/accounts/links/store.py",
        old="LINK.token_hash == link.token_hash, LINK.used_at.is_(None), LINK",
        new="LINK.token_hash == link.token_hash, LINK",
        tests=real(ACCOUNT_RACES, "test_of_fifty_who_have_one_link_one_sets_the_password"),
    ),
    Mutant(
        name="a link does what it was sent for",
        rule="LINK",
        file="app/accounts/links/store.py",
        old="            LINK.purpose == purpose,\n",
        new="",
        tests=embedded(RESET, "test_a_link_for_an_address_sets_no_password"),
    ),
    Mutant(
        name="a mistyped address gives its owner nothing",
        rule="LINK",
        file="app/accounts/links/service.py",
        old="link is None or link.user_id != user_id",
        new="link is None",
        tests=embedded(EMAIL, "test_a_mistyped_address_gives_its_owner_nothing"),
    ),
    Mutant(
        name="only a confirmed address gets links",
        rule="LINK",
        file="app/accounts/links/store.py",
        old="users.c.email == email, users.c.email_confirmed_at.is_not(None), ",
        new="users.c.email == email, ",
        tests=embedded(RESET, "test_only_a_confirmed_address_gets_a_link"),
    ),
    Mutant(
        name="a reset ends every session",
        rule="LINK",
        file="app/accounts/links/service.py",
        old="return list(await accounts.update_sessions_revoked(tx, member.user_id))",
        new="return []",
        tests=embedded(RESET, "test_who_forgot_the_password_gets_a_new_one_by_mail"),
    ),
    Mutant(
        name="no Referer carries a token",
        rule="LINK",
        file="app/web/security.py",
        old='= "no-referrer"',
        new='= "same-origin"',
        tests=embedded(RESET, "test_the_token_reaches_neither_a_log_nor_a_referer"),
    ),
    Mutant(
        name="mail leaves by TLS",
        rule="LINK",
        file="app/mail/smtp.py",
        old="None if encrypted or _is_here(host) else True",
        new="None",
        tests=embedded(MAIL, "test_nothing_is_said_in_the_clear_beyond_this_machine"),
    ),
    Mutant(
        name="a borrowed phone proves nothing",
        rule="DOOR",
        file="app/accounts/sessions.py",
        old="row is not None and abs(tx.clock.now() - row.created_at) < FRESH",
        new="row is not None",
        tests=embedded(CLOSURE, "test_a_borrowed_phone_closes_no_account"),
    ),
    Mutant(
        name="an open order keeps the account open",
        rule="DOOR",
        file="app/accounts/closure/service.py",
        old="        if sentence := await find_obstacle(tx, member, obstacles):",
        new='        if sentence := "":',
        tests=embedded(CLOSURE, "test_an_open_order_keeps_the_account_open"),
    ),
    Mutant(
        name="who is still with us is not forgotten",
        rule="DOOR",
        file="app/orders/store.py",
        old='.where(ended, gone, orders.c.recipient_name != "")',
        new='.where(ended, orders.c.recipient_name != "")',
        tests=embedded(CLOSURE, "test_what_was_bought_is_kept_apart_and_forgotten_after_five_years"),
    ),
)

OPERATORS: Sequence[Mutant] = (
    Mutant(
        name="a one-time code is good once",
        rule="CAS",
        file="app/operators/store.py",
        old=".where(factors.c.operator_factor_id == operator_factor_id, later)",
        new=".where(factors.c.operator_factor_id == operator_factor_id)",
        tests=embedded(FACTORS, "test_a_code_is_good_once"),
    ),
    Mutant(
        name="guessing a one-time code waits",
        rule="DOOR",
        file="app/operators/proof.py",
        old="if timedelta(0) < left <= LONGEST_WAIT:",
        new="if left > LONGEST_WAIT:",
        tests=embedded(FACTORS, "test_guessing_gets_slow_and_somebody_is_told"),
    ),
    Mutant(
        name="a passkey's question is used up",
        rule="CAS",
        file="app/operators/store.py",
        old="        .values(challenges=challenges + 1)",
        new="        .values(challenges=challenges)",
        tests=embedded(PASSKEYS, "test_an_answer_is_good_once"),
    ),
    Mutant(
        name="the password alone opens nothing",
        rule="DOOR",
        file="app/web/operators.py",
        old="    if found.stage != INSIDE:\n",
        new="    if found.stage == OVER:\n",
        tests=embedded(ENTRY, "test_the_password_alone_leads_to_the_second_factor_only"),
    ),
    Mutant(
        name="a change asks for the second factor again",
        rule="DOOR",
        file="app/web/operators.py",
        old="if request.method in READING or sessions.is_fresh(current.machines(), found):",
        new="if request.method in READING or found.proved_at:",
        tests=embedded(AGAIN, "test_a_refund_goes_on_where_it_was_interrupted"),
    ),
    Mutant(
        name="an operator's session idles out",
        rule="DOOR",
        file="app/operators/sessions.py",
        old=" or now - row.last_seen_at >= IDLE",
        new="",
        tests=(f"{ENTRY}::test_a_session_is_over_by_the_servers_clock[embedded-columns1-31-True]",),
    ),
    Mutant(
        name="the session of before the second factor ends",
        rule="DOOR",
        file="app/operators/sessions.py",
        old="    if not await store.update_session_ended(tx, operator.token_hash):\n",
        new="    if not operator.token_hash:\n",
        tests=embedded(ENTRY, "test_the_token_is_another_after_the_second_factor_and_the_old_one_is_dead"),
    ),
    Mutant(
        name="one set of recovery codes at a time",
        rule="TX",
        file="app/operators/service.py",
        old="        await store.select_guessing_for_update(tx, operator.user_id)  # or two batches stay\n",
        new="",
        tests=real(OPERATOR_RACES, "test_one_set_of_codes_is_left_where_there_was_none"),
    ),
    Mutant(
        name="a refund is noted with it",
        rule="TX",
        file="app/payments/refunds/service.py",
        old="    if wish.requested_by:\n",
        new="    if wish.requested_by and not wish.refund_id:\n",
        tests=embedded(LOGS, "test_a_refund_and_its_note_are_one"),
    ),
    Mutant(
        name="a look is noted",
        rule="TX",
        file="app/admin/routes.py",
        old='        await audit.note_access(tx, actor, [case.order_no], marked("결제와 환불 내역"))\n',
        new="",
        tests=embedded(LOGS, "test_what_cannot_be_noted_is_not_shown"),
    ),
)

SAFEGUARDS: Sequence[Mutant] = (*CART, *ORDERS_AND_STOCK, *MONEY, *REST, *OPERATORS, *LINKS)
