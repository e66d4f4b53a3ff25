"""The whole protocol against a real server: what is sent, what waits, what is refused, and how often."""

import json
import time
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from letters import NOON, letter, letters, reason_of, state_of, tamper
from post_office import BEHAVIOURS, Postal, open_post_office, status

from senders import one_call
from senders.contract import EventKind, Outcome, ProviderEvent, State, Verdict
from senders.delivery import Pace, deliver, plan
from senders.entries import Planned
from senders.ledger import Ledger
from senders.transport import TOO_LATE
from senders.warm_up import parse

QUICK = Pace(first_backoff_seconds=0.1, patience_seconds=0.0)
IMPATIENT = replace(QUICK, call_seconds=1.0, connect_seconds=0.9)  # for an answer that never comes


def send(ledger, office, clock, messages, pace=QUICK, budget_seconds=20, provider=None):
    provider = provider or Postal(office.url)
    plan(ledger, {"sms": provider}, messages, clock())
    return deliver(ledger, {"sms": provider}, clock, budget_seconds, pace=pace)


def test_every_message_is_taken_once_with_the_bytes_that_were_planned(ledger, office, clock):
    messages = letters(300)
    summary = send(ledger, office, clock, messages)
    assert (summary.attempted, dict(summary.accepted)) == (300, {"sms": 300})
    provider = Postal(office.url)
    assert dict(office.taken) == {
        m.message_id: sha256(provider.request(m).body).hexdigest() for m in messages
    }
    assert len(office.taken) == 300
    assert ledger.counts() == {State.ACCEPTED: 300}
    assert not ledger.has_work(clock())
    assert office.authorizations == {"Bearer stamp"}


def test_what_is_planned_and_delivered_again_is_not_sent_again(ledger, office, clock):
    messages = letters(20)
    send(ledger, office, clock, messages)
    again = [replace(message, content={"text": "changed"}) for message in messages]
    assert send(ledger, office, clock, again).attempted == 0
    assert len(office.taken) == 20


def test_every_attempt_sends_the_same_bytes(ledger, office, clock):
    office.behave = lambda message_id, nth: "busy" if nth == 0 else "accept"
    pace = replace(QUICK, patience_seconds=3.0)
    summary = send(ledger, office, clock, [letter("anna")], pace=pace)
    assert (summary.attempted, summary.retrying, dict(summary.accepted)) == (2, 1, {"sms": 1})
    shas = tamper(ledger, "select distinct body_sha256 from attempts").fetchall()
    assert [tuple(row) for row in shas] == [(office.taken[0][1],)]


def test_nothing_secret_is_in_the_ledger(file_ledger, office, clock, tmp_path):
    send(file_ledger, office, clock, letters(3))
    file_ledger.close()
    assert b"stamp" not in (tmp_path / "ledger.db").read_bytes()


# What each answer does: (behaviour, the state after one round, its reason, how often it was taken)

ANSWERS = [
    ("accept", State.ACCEPTED, "accepted", 1),
    ("refuse", State.REJECTED, "invalid_content", 0),
    ("gone", State.SUPPRESSED, "invalid_address", 0),
    ("busy", State.RETRY_WAIT, "rate_limited", 0),
    ("unauthorized", State.PLANNED, "credentials_refused", 0),
    ("suspended", State.PLANNED, "account_suspended", 0),
    ("break", State.UNKNOWN, "unclear_answer", 0),
    ("redirect", State.UNKNOWN, "unclear_answer", 0),
    ("reset_before", State.UNKNOWN, "connection_lost", 0),
    ("reset_after", State.UNKNOWN, "connection_lost", 1),
    ("truncate", State.UNKNOWN, "answer_not_understood: JSONDecodeError", 1),
    ("drip_head", State.UNKNOWN, "deadline", 1),
    ("drip_body", State.UNKNOWN, "answer_not_understood: JSONDecodeError", 1),
    ("hang", State.UNKNOWN, "deadline", 1),
    ("babble", State.UNKNOWN, "connection_lost", 1),
]


@pytest.mark.parametrize(("behaviour", "state", "reason", "taken"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_a_provider_that_does_this_leaves_the_message(ledger, office, clock, behaviour, state, reason, taken):
    office.behave = lambda message_id, nth: behaviour
    message = letter("anna")
    began = time.monotonic()
    # It can be asked later, so what is unknown is not settled in this round.
    provider = Postal(office.url, can_look_up=True)
    pace = IMPATIENT if behaviour in ("hang", "drip_head", "drip_body") else QUICK
    summary = send(ledger, office, clock, [message], provider=provider, pace=pace)
    assert time.monotonic() - began < 5
    assert (state_of(ledger, message), reason_of(ledger, message)) == (state, reason)
    assert (summary.attempted, len(office.calls), len(office.taken)) == (1, 1, taken)


def test_a_provider_that_is_not_there_is_known_not_sent(ledger, clock):
    with open_post_office() as gone:
        pass
    message = letter("anna")
    summary = send(ledger, gone, clock, [message])
    assert (summary.retrying, state_of(ledger, message)) == (1, State.RETRY_WAIT)
    assert reason_of(ledger, message) == "connection_failed"


def test_a_provider_that_is_down_costs_a_few_attempts_and_not_the_backlog(ledger, office, clock):
    office.behave = lambda message_id, nth: "reset_after"
    summary = send(ledger, office, clock, letters(300), provider=Postal(office.url, can_look_up=True))
    assert summary.attempted <= 2 * QUICK.first_calls
    assert summary.cut_short == {"postal": "connection_lost"}
    assert ledger.counts()[State.PLANNED] == 300 - summary.attempted


def test_a_few_broken_connections_among_many_answers_do_not_end_the_round(ledger, office, clock):
    broken = {message.message_id for message in letters(300)[::10]}
    office.behave = lambda message_id, nth: "reset_before" if message_id in broken else "accept"
    summary = send(ledger, office, clock, letters(300), provider=Postal(office.url, can_look_up=True))
    assert (summary.accepted["sms"], summary.unknown) == (270, 30)


# Configuration errors


@pytest.mark.parametrize("behaviour", ["unauthorized", "suspended"])
def test_a_wrong_account_blocks_the_route_and_burns_no_attempt(ledger, office, clock, behaviour):
    office.behave = lambda message_id, nth: behaviour
    messages = letters(100)
    summary = send(ledger, office, clock, messages)
    assert summary.blocked == len(office.calls) <= 2 * QUICK.first_calls
    assert list(summary.blocked_routes) == ["postal"]
    assert ledger.counts() == {State.PLANNED: 100}
    assert not ledger.has_work(clock())
    office.behave = lambda message_id, nth: "accept"
    assert deliver(ledger, {"sms": Postal(office.url)}, clock, 20, pace=QUICK).attempted == 0
    ledger.free_route("postal", "new key", clock())
    assert deliver(ledger, {"sms": Postal(office.url)}, clock, 20, pace=QUICK).accepted["sms"] == 100
    burnt = tamper(ledger, "select max(attempts), min(attempts) from messages").fetchone()
    assert tuple(burnt) == (1, 1)


def test_refused_credentials_block_the_route_before_anything_is_called(ledger, office, clock):
    provider = Postal(office.url)
    provider.refuses_credentials = True
    summary = send(ledger, office, clock, letters(10), provider=provider)
    assert (summary.attempted, office.calls) == (0, [])
    assert summary.blocked_routes == {"postal": "credentials_refused"}
    assert ledger.counts() == {State.PLANNED: 10}


@pytest.mark.parametrize(
    ("base_url", "key", "reason"),
    [
        ("http://127.0.0.1:port", "stamp", "wrong_endpoint"),
        ("http://", "stamp", "wrong_endpoint"),
        ("http://mail server", "stamp", "wrong_endpoint"),
        ("http://127.0.0.1:99999", "stamp", "wrong_endpoint"),
        ("127.0.0.1", "stamp", "wrong_endpoint"),
        (None, "stamp\u2026", "credentials_refused"),
        (None, "stamp\r\nx: y", "credentials_refused"),
    ],
)
def test_an_address_or_a_key_that_is_malformed_blocks_the_route_and_burns_no_attempt(
    ledger, office, clock, base_url, key, reason
):
    async def authorize(client):
        return {"authorization": f"Bearer {key}"}

    provider = Postal(base_url or office.url)
    provider.authorize = authorize
    summary = send(ledger, office, clock, letters(10), provider=provider)
    assert (summary.attempted, office.calls, ledger.counts()) == (0, [], {State.PLANNED: 10})
    assert ledger.blocked_routes() == {"postal": reason}


def test_an_authorization_that_breaks_leaves_everything_planned_and_the_route_free(ledger, office, clock):
    provider = Postal(office.url)

    async def broken(client):
        await client.post("http://127.0.0.1:1/token")

    provider.authorize = broken
    summary = send(ledger, office, clock, letters(10), provider=provider)
    assert summary.cut_short["postal"].startswith("authorization_failed")
    assert (ledger.counts(), ledger.blocked_routes()) == ({State.PLANNED: 10}, {})


# One bad row, one slow provider


@pytest.mark.parametrize("absurd", ["253402300799", "1.79e12", "inf", "nan", "-5"])
def test_an_absurd_wait_loses_no_answer_that_came_with_it(ledger, office, clock, absurd):
    messages = letters(8)
    BEHAVIOURS["absurdly_busy"] = status(429, f"retry-after: {absurd}")
    odd = messages[3].message_id
    office.behave = lambda message_id, nth: "absurdly_busy" if message_id == odd else "accept"
    send(ledger, office, clock, messages)
    assert ledger.counts() == {State.ACCEPTED: 7, State.RETRY_WAIT: 1}
    again = deliver(ledger, {"sms": Postal(office.url)}, clock, 20, pace=replace(QUICK, patience_seconds=1))
    assert (again.accepted["sms"], len(office.times_taken)) == (0, 7)


@pytest.mark.parametrize("odd_id", [["x"], "half an emoji \ud83d"], ids=["no text", "no Unicode"])
def test_an_answer_that_cannot_be_written_down_is_unknown_and_loses_no_other(ledger, office, clock, odd_id):
    class Odd(Postal):
        def judge(self, answer):
            verdict = super().judge(answer)
            is_odd = messages[3].message_id in verdict.provider_message_id
            return replace(verdict, provider_message_id=odd_id) if is_odd else verdict

    messages = letters(8)
    send(ledger, office, clock, messages, provider=Odd(office.url, can_look_up=True))
    assert ledger.counts() == {State.ACCEPTED: 7, State.UNKNOWN: 1}
    assert reason_of(ledger, messages[3]).startswith("answer_not_recorded: ")


def test_a_message_of_which_no_request_can_be_made_does_not_hold_up_the_others(ledger, office, clock):
    bad = letter("bad", content={})
    provider = Postal(office.url)
    result = plan(ledger, {"sms": provider}, [letter("anna"), bad, letter("fax", channel="fax")], clock())
    assert result == Planned(planned=1, refused=1, without_route=1)
    assert deliver(ledger, {"sms": provider}, clock, 20, pace=QUICK).accepted["sms"] == 1
    assert (state_of(ledger, bad), reason_of(ledger, bad)) == (State.REJECTED, "no_request: KeyError: 'text'")


def test_a_header_that_would_begin_another_is_refused_and_not_sent(ledger, office, clock):
    class Careless(Postal):
        def request(self, message):
            return replace(super().request(message), headers={"x-name": message.content["text"]})

    message = letter("anna", content={"text": "Anna\r\nx-admin: 1"})
    send(ledger, office, clock, [message], provider=Careless(office.url))
    assert (state_of(ledger, message), reason_of(ledger, message)) == (State.REJECTED, "invalid_request")
    assert office.calls == []


def test_a_slow_provider_holds_up_nobody_else(ledger, office, clock):
    with open_post_office() as slow:
        slow.behave = lambda message_id, nth: "hang"
        providers = {
            "sms": Postal(office.url),
            "rcs": Postal(slow.url, name="slow", channel="rcs", can_look_up=True),
        }
        plan(ledger, providers, letters(100), clock())
        plan(ledger, providers, [letter(f"slow {n}", channel="rcs") for n in range(100)], clock())
        done = []
        began = time.monotonic()
        deliver(
            ledger, providers, clock, 20, pace=replace(QUICK, call_seconds=2.0),
            on_progress=lambda summary: done.append((summary.accepted["sms"], time.monotonic() - began)),
        )  # fmt: skip
    fast = next(seconds for accepted, seconds in done if accepted == 100)
    assert fast < 1.5


# Throttle, budget, retries


def test_no_more_messages_a_second_than_the_provider_allows(ledger, office, clock):
    called_at = []
    office.on_call = lambda message_id: called_at.append(time.monotonic())
    provider = Postal(office.url, messages_per_second=40.0)
    summary = send(ledger, office, clock, letters(100), provider=provider)
    assert summary.accepted["sms"] == 100
    busiest = max(sum(at <= other < at + 1 for other in called_at) for at in called_at)
    assert busiest <= 40 + 6  # as they arrive on a machine that is busy with other tests
    assert called_at[-1] - called_at[0] < (100 - 8) / 40 * 1.3


def test_nothing_is_claimed_after_the_budget_is_spent(ledger, office, clock):
    provider = Postal(office.url, messages_per_second=20.0)
    summary = send(ledger, office, clock, letters(200), budget_seconds=1, provider=provider)
    assert 10 <= summary.accepted["sms"] <= 40
    assert summary.seconds < 3
    assert ledger.counts()[State.PLANNED] == 200 - summary.attempted
    assert ledger.has_work(clock())


def test_a_message_is_tried_again_until_it_expires_and_never_after(ledger, office, clock):
    office.behave = lambda message_id, nth: "busy"
    message = letter("anna", expires_at=NOON + timedelta(minutes=10))
    began_at = clock()
    send(ledger, office, clock, [message])
    tries = 1
    while state_of(ledger, message) is State.RETRY_WAIT:
        # Asked as of the round's beginning: the clock goes on, and the first retries are due within 0.1 s.
        due_at = ledger.next_attempt_at(began_at)
        assert due_at <= message.expires_at
        clock.forward(seconds=max(0.0, (due_at - clock()).total_seconds()))
        began_at = clock()
        tries += deliver(ledger, {"sms": Postal(office.url)}, clock, 20, pace=QUICK).attempted
    assert state_of(ledger, message) is State.EXPIRED
    assert len(office.calls) == tries > 3
    assert not ledger.has_work(clock())


def test_a_long_wait_asked_for_ends_the_lane_and_is_honoured(ledger, office, clock):
    office.behave = lambda message_id, nth: "busy_for_long"
    summary = send(ledger, office, clock, letters(100), pace=replace(QUICK, patience_seconds=3.0))
    assert summary.cut_short == {"postal": "asked_to_wait"}
    assert summary.attempted <= 2 * QUICK.first_calls
    assert summary.seconds < 3
    assert ledger.next_attempt_at(clock() + timedelta(seconds=1)) >= clock() + timedelta(seconds=590)


def test_a_long_wait_asked_for_holds_for_the_rounds_that_follow_and_burns_no_attempt(
    file_ledger, office, clock
):
    office.behave = lambda message_id, nth: "busy_for_long"
    attempted = send(file_ledger, office, clock, letters(100)).attempted
    office.behave = lambda message_id, nth: "accept"
    clock.forward(seconds=300)
    assert not file_ledger.has_work(clock())
    assert deliver(file_ledger, {"sms": Postal(office.url)}, clock, 20, pace=QUICK).attempted == 0
    assert file_ledger.next_attempt_at(clock()) <= clock() + timedelta(seconds=300)
    assert tamper(file_ledger, "select sum(attempts) from messages").fetchone()[0] == attempted
    clock.forward(seconds=310)
    assert (
        deliver(file_ledger, {"sms": Postal(office.url)}, clock, 20, pace=QUICK).accepted["sms"]
        >= 100 - attempted
    )


def test_a_short_wait_asked_for_is_waited_out_by_the_whole_lane(ledger, office, clock):
    office.behave = lambda message_id, nth: "busy" if nth == 0 else "accept"
    called_at = []
    office.on_call = lambda message_id: called_at.append(time.monotonic())
    summary = send(ledger, office, clock, letters(30), pace=replace(QUICK, patience_seconds=4.0))
    assert summary.accepted["sms"] == 30
    assert summary.cut_short == {}
    assert sum(at < called_at[0] + 0.9 for at in called_at) == QUICK.first_calls


def test_calls_that_take_long_do_not_stretch_the_budget(ledger, office, clock):
    office.behave = lambda message_id, nth: "dawdle"
    summary = send(ledger, office, clock, letters(1000), budget_seconds=0.5)
    assert summary.accepted["sms"] == summary.attempted < 500
    assert ledger.counts()[State.PLANNED] == 1000 - summary.attempted


def test_a_clock_that_stands_still_does_not_keep_a_lane_waiting(ledger, office):
    office.behave = lambda message_id, nth: "busy"
    began = time.monotonic()
    summary = send(ledger, office, lambda: NOON, letters(3), pace=replace(QUICK, patience_seconds=2.5))
    assert (summary.retrying, time.monotonic() - began < 10) == (3, True)


# What is urgent


def test_an_order_confirmation_planned_last_leaves_before_fifty_thousand_of_a_campaign(
    file_ledger, office, clock
):
    provider = Postal(office.url, messages_per_second=200.0)
    plan(file_ledger, {"sms": provider}, letters(50_000), clock())
    order = letter("order", message_class="transactional", priority=0, due_at=clock())
    seen = []

    def look(summary):
        seen[:] = [message_id for message_id, _ in office.taken]
        if len(seen) > 40 and summary.attempted < 100:
            with Ledger(file_ledger.place) as other:
                plan(other, {"sms": provider}, [order], clock())

    deliver(file_ledger, {"sms": provider}, clock, 1.0, on_progress=look, pace=QUICK)
    place = [message_id for message_id, _ in office.taken].index(order.message_id)
    assert 40 < place < 40 + 5 * 20  # a few batches may have been claimed when it was planned
    deliver(file_ledger, {"sms": provider}, clock, 0.1, pace=QUICK)
    assert file_ledger.counts()[State.PLANNED] > 49_000


def test_an_order_confirmation_does_not_wait_for_the_answers_to_a_campaign(ledger, office, clock):
    order = letter("order", message_class="transactional", due_at=clock())
    office.behave = lambda message_id, nth: "accept" if message_id == order.message_id else "hang"
    began, taken_after = time.monotonic(), []

    def plan_order(message_id):
        if message_id == order.message_id:
            taken_after.append(time.monotonic() - began)
        elif len(office.calls) == 8:
            with Ledger(ledger.place) as other:
                plan(other, {"sms": Postal(office.url)}, [order], clock())

    office.on_call = plan_order
    pace = replace(QUICK, call_seconds=2.0, urgent_seconds=0.1)
    summary = send(
        ledger, office, clock, letters(50), pace=pace, provider=Postal(office.url, can_look_up=True)
    )
    assert summary.accepted["sms"] == 1
    assert taken_after[0] < 1.5


def test_a_retry_that_a_look_for_what_is_urgent_put_in_line_is_sent_in_the_same_round(
    file_ledger, office, clock
):
    slow, busy = letter("slow"), letter("busy")
    answers = {slow.message_id: ["hang"], busy.message_id: ["busy", "accept"]}
    office.behave = lambda message_id, nth: answers[message_id][min(nth, len(answers[message_id]) - 1)]
    pace = replace(QUICK, call_seconds=2.0, urgent_seconds=0.05, patience_seconds=2.0)
    provider = Postal(office.url, can_look_up=True)
    summary = send(file_ledger, office, clock, [slow, busy], pace=pace, provider=provider)
    assert (summary.attempted, summary.accepted["sms"]) == (3, 1)


def test_a_day_of_a_route_that_warms_up_is_told_and_the_rest_waits(ledger, office, clock):
    provider = Postal(office.url, warm_up=parse("20*2"))
    summary = send(ledger, office, clock, letters(50), provider=provider)
    assert (summary.accepted["sms"], summary.full_days) == (20, ["postal"])
    assert deliver(ledger, {"sms": provider}, clock, 5, pace=QUICK).attempted == 0
    clock.forward(days=1)
    plan(
        ledger,
        {"sms": provider},
        [letter(f"next {n}", expires_at=clock() + timedelta(hours=1)) for n in range(50)],
        clock(),
    )
    assert deliver(ledger, {"sms": provider}, clock, 5, pace=QUICK).accepted["sms"] == 40


# Stopping


def test_an_opt_out_that_comes_in_while_a_token_is_fetched_is_heeded(ledger, office, clock):
    class Slow(Postal):
        async def authorize(self, client):
            with Ledger(ledger.place) as other:
                other.suppress("anna@example.com", "marketing", "stop", clock())
            return await super().authorize(client)

    anna, bert = letter("anna"), letter("bert")
    send(ledger, office, clock, [anna, bert], provider=Slow(office.url))
    assert [message_id for message_id, _ in office.taken] == [bert.message_id]
    assert (state_of(ledger, anna), state_of(ledger, bert)) == (State.SUPPRESSED, State.ACCEPTED)


def test_the_kill_switch_ends_a_round_that_is_under_way(ledger, office, clock):
    def pull(summary):
        if summary.accepted["sms"] >= 20:
            with Ledger(ledger.place) as other:
                other.stop("all", "", "drill", clock())

    provider = Postal(office.url)
    plan(ledger, {"sms": provider}, letters(2000), clock())
    summary = deliver(ledger, {"sms": provider}, clock, 20, on_progress=pull, pace=QUICK)
    assert 20 <= len(office.taken) == summary.accepted["sms"] < 500
    assert ledger.counts()[State.PLANNED] == 2000 - len(office.taken)


def test_a_stop_received_between_plan_and_send_is_heeded(ledger, office, clock):
    provider = Postal(office.url)
    plan(ledger, {"sms": provider}, [letter("anna"), letter("bert")], clock())
    stop = ProviderEvent(
        "1", "postal", EventKind.UNSUBSCRIBED, clock(), address="anna@example.com", reason="stop"
    )
    ledger.apply_receipts([stop], clock())
    summary = deliver(ledger, {"sms": provider}, clock, 20, pace=QUICK)
    assert (summary.suppressed, [m for m, _ in office.taken]) == (1, [letter("bert").message_id])


def test_a_receipt_that_is_faster_than_the_answer_is_not_undone_by_it(ledger, office, clock):
    def report(message_id):  # the provider's webhook comes in while the call is under way
        event = ProviderEvent(message_id, "postal", EventKind.DELIVERED, clock(), message_id=message_id)
        with Ledger(ledger.place) as other:
            other.apply_receipts([event], clock())

    office.on_call = report
    summary = send(ledger, office, clock, letters(20), pace=QUICK)
    assert summary.accepted["sms"] == 20
    assert ledger.counts() == {State.DELIVERED: 20}


def test_the_summary_can_be_written_as_json(ledger, office, clock):
    told = json.loads(json.dumps(send(ledger, office, clock, letters(2)).as_dict()))
    assert told["accepted"] == {"sms": 2}


def test_a_round_without_work_opens_no_connection(ledger, office, clock):
    assert send(ledger, office, clock, []).attempted == 0
    assert office.connections == 0


def test_a_yes_that_was_cut_off_is_never_known_not_sent_even_if_the_provider_says_so(ledger, office, clock):
    class Hasty(Postal):
        def judge(self, answer):
            return Verdict(Outcome.RETRY, "unreadable")

    office.behave = lambda message_id, nth: "truncate"
    message = letter("anna")
    send(ledger, office, clock, [message], provider=Hasty(office.url, can_look_up=True))
    assert state_of(ledger, message) is State.UNKNOWN


def test_a_machine_that_slept_past_the_lease_does_not_call(ledger_place, office, clock):
    class SleepsAfterIntent(Ledger):
        def intent(self, now, claims, call_seconds, **how):
            attempts = super().intent(now, claims, call_seconds, **how)
            clock.forward(minutes=5)
            return attempts

    message = letter("anna")
    with SleepsAfterIntent(ledger_place) as ledger:
        send(ledger, office, clock, [message])
        assert (state_of(ledger, message), reason_of(ledger, message)) == (
            State.RETRY_WAIT,
            "lease_too_short",
        )
    assert office.calls == []


def test_a_machine_that_slept_between_the_last_look_at_the_lease_and_the_first_byte_does_not_send(
    ledger, office, clock, monkeypatch
):
    """It slept in the call. Who swept and asked meanwhile may have heard "no record" and sent it again."""

    async def call_after_a_nap(*arguments, call=one_call.call):
        clock.forward(minutes=5)
        return await call(*arguments)

    monkeypatch.setattr(one_call, "call", call_after_a_nap)
    message = letter("anna")
    send(ledger, office, clock, [message])
    assert (state_of(ledger, message), reason_of(ledger, message)) == (State.RETRY_WAIT, TOO_LATE)
    assert office.calls == []


def test_a_ledger_that_fails_ends_its_lane_with_its_own_error_and_leaves_the_other_lanes_alone(
    tmp_path, office, clock
):
    class Full(Ledger):
        def record(self, now, results):
            results = list(results)
            if results[0].attempt.claim.channel == "rcs":
                raise OSError("no space left on device")
            return super().record(now, results)

    providers = {"sms": Postal(office.url), "rcs": Postal(office.url, name="other", channel="rcs")}
    with Full(tmp_path / "ledger.db") as ledger:
        plan(ledger, providers, [*letters(100), letter("rich", channel="rcs")], clock())
        with pytest.raises(OSError, match="no space left"):
            deliver(ledger, providers, clock, 20, pace=QUICK)
        assert ledger.counts() == {State.ACCEPTED: 100, State.IN_FLIGHT: 1}


@pytest.mark.parametrize("what", ["lease_seconds", "receipt_seconds"])
def test_a_pace_that_believes_sooner_than_a_call_may_end_is_refused(what):
    with pytest.raises(ValueError, match=f"{what} is 20.0; it must be at least twice call_seconds"):
        Pace(call_seconds=15.0, **{what: 20.0})
