"""One call: what came back, what certainly did not leave, and what nobody can tell."""

import asyncio
import json
import socket
import time

import pytest
from letters import letter
from post_office import Postal
from sandbox_server import wait_until

from senders.contract import Request
from senders.transport import InvalidRequest, NoAnswer, NotSent, call, open_client


def send(url, request=None, seconds=5.0, connect_seconds=5.0, times=1, secrets=None):
    """Make the call `times` times over one client; the last answer."""
    request = request or Postal(url).request(letter("anna"))

    async def make():
        async with open_client(connect_seconds) as client:
            for _ in range(times):
                answer = await call(client, url, request, secrets or {}, seconds)
            return answer

    return asyncio.run(make())


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_an_answer_comes_back_whole(office):
    answer = send(office.url, secrets={"authorization": "Bearer stamp"})
    assert (answer.status, answer.is_complete) == (201, True)
    assert json.loads(answer.body)["letter"] == f"letter-{letter('anna').message_id}"
    assert office.authorizations == {"Bearer stamp"}


def test_connections_are_kept(office):
    send(office.url, times=5)
    assert (len(office.calls), office.connections) == (5, 1)


@pytest.mark.parametrize(
    ("host", "reason"), [("127.0.0.1", "connection_failed"), ("no-such-host.invalid", "name_not_found")]
)
def test_a_connection_that_never_stood_is_known_not_sent(host, reason):
    with pytest.raises(NotSent, match=reason):
        send(f"http://{host}:{closed_port()}")


def test_a_connection_that_takes_too_long_to_stand_is_known_not_sent():
    with socket.socket() as full:  # it listens, accepts nobody, and its queue is full
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        with pytest.raises(NotSent, match="connect_timeout"):
            send(f"http://127.0.0.1:{port}", connect_seconds=0.3)
        for one in waiting:
            one.close()


def test_a_broken_handshake_is_known_not_sent(office):
    with pytest.raises(NotSent, match="connect"):
        send(office.url.replace("http://", "https://"), connect_seconds=0.3)
    assert office.calls == []


@pytest.mark.parametrize("behaviour", ["reset_before", "reset_after", "hang", "drip_head", "babble"])
def test_what_breaks_after_the_request_left_is_no_answer(office, behaviour):
    office.behave = lambda message_id, nth: behaviour
    with pytest.raises(NoAnswer):
        send(office.url, seconds=1.0 if behaviour in ("hang", "drip_head") else 5.0)
    wait_until(lambda: office.calls)  # on a busy machine the other side reads it after we gave up
    assert len(office.calls) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "GET"])
def test_a_kept_connection_that_breaks_is_never_tried_again_behind_our_back(office, method):
    office.behave = lambda message_id, nth: "accept" if nth == 0 else "reset_after"
    office.behave_look_up = lambda message_id, nth: "tell" if nth == 0 else "reset_before"
    office.behave_revoke = lambda message_id, nth: "hand_back" if nth == 0 else "hand_back_and_reset"
    letter_request = Postal(office.url).request(letter("anna"))
    look_up = Request("GET", "/letters/anna", b"")
    request = look_up if method == "GET" else Request(method, "/letters", letter_request.body)
    with pytest.raises(NoAnswer):
        send(office.url, request, times=2)
    assert (len(office.calls), office.connections) == (2, 1)


def test_a_truncated_answer_keeps_its_status_and_what_there_is(office):
    office.behave = lambda message_id, nth: "truncate"
    answer = send(office.url)
    assert (answer.status, answer.is_complete, answer.body) == (201, False, b'{"letter": "let')


def test_a_slow_loris_is_held_to_the_deadline_and_its_status_kept(office):
    office.behave = lambda message_id, nth: "drip_body"
    began = time.monotonic()
    answer = send(office.url, seconds=1.0)
    assert (answer.status, answer.is_complete) == (201, False)
    assert time.monotonic() - began < 3


def test_a_redirect_is_an_answer_and_is_not_followed(office):
    office.behave = lambda message_id, nth: "redirect"
    assert send(office.url).status == 307
    assert len(office.calls) == 1


MALFORMED = {
    "a header that begins another": Request("POST", "/letters", b"", {"x-name": "Anna\r\nx-admin: 1"}),
    "a header that is no text": Request("POST", "/letters", b"", {"x-name": "An\u2603na"}),
    "a path with a line break": Request("POST", "/letters/\r\nHost: x", b""),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_no_call_is_made_of(office, what):
    with pytest.raises(InvalidRequest):
        send(office.url, MALFORMED[what])
    assert office.calls == []


def test_an_address_that_is_none_is_an_invalid_request():
    with pytest.raises(InvalidRequest):
        send("ftp://127.0.0.1", Request("POST", "/", b""))
