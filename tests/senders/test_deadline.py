"""No byte leaves once a call's time is over, wherever it stopped; what did not leave is known not sent."""

import asyncio
import socket
import time
import uuid
from itertools import count

import pytest
from certificates import own_certificate
from letters import letter
from post_office import Postal, open_post_office
from provider_samples import message
from sandbox_server import calm, running_sandbox

from senders.contract import Answer, Outcome, Request
from senders.transport import TOO_LATE, NoAnswer, NotSent, call, open_client


def over_from(look):
    """A call whose time is over when somebody looks for the nth time: before its nth piece is written."""
    looks = count(1)
    return lambda: next(looks) >= look


def send(url, *calls, seconds=5.0, request=None):
    """A call for each `is_over`, one after the other over one client: the answer or what was raised."""
    request = request or Postal(url).request(letter("anna"))

    async def make():
        async with open_client(1.0) as client:
            return [await _end_of(call(client, url, request, {}, seconds, is_over)) for is_over in calls]

    return asyncio.run(make())


async def _end_of(made):
    try:
        return await made
    except (NotSent, NoAnswer) as error:
        return error


def test_a_call_that_wakes_after_its_time_with_a_connection_writes_nothing_and_is_known_not_sent(office):
    (end,) = send(office.url, over_from(1))
    assert (type(end), str(end)) == (NotSent, TOO_LATE)
    assert office.calls == []


def test_a_kept_connection_is_looked_at_in_the_same_way_and_the_next_call_goes_its_own(office):
    ends = send(office.url, over_from(2), over_from(1), over_from(2))
    assert [getattr(end, "status", str(end)) for end in ends] == [201, TOO_LATE, 201]
    assert len(office.calls) == 2


def test_who_stalls_after_everything_was_checked_is_still_held_to_the_deadline(office):
    """asyncio's timer is overdue by then, and what is ready would run before it."""

    def stalls():
        time.sleep(0.3)
        return False

    (end,) = send(office.url, stalls, seconds=0.2)
    assert (type(end), str(end)) == (NotSent, TOO_LATE)
    assert office.calls == []


@pytest.mark.parametrize("look", range(1, 4))
def test_a_handshake_is_no_message(tmp_path, monkeypatch, look):
    """Two pieces of it leave before the message does."""
    tls, certificate = own_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with open_post_office(tls) as office:
        late, in_time = send(office.url, over_from(look), over_from(look + 3))
        assert isinstance(late, NotSent)
        assert (in_time.status, len(office.calls)) == (201, 1)


def test_a_message_that_was_stopped_half_way_may_have_been_sent():
    with socket.socket() as deaf:  # it takes the connection and reads nothing
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        big = Request("POST", "/letters", b"x" * 20_000_000)
        (end,) = send(f"http://127.0.0.1:{deaf.getsockname()[1]}", over_from(2), seconds=0.5, request=big)
    assert isinstance(end, NoAnswer)


def test_a_mail_is_taken_or_known_not_sent_wherever_its_time_ends(tmp_path):
    """One look for each command and one for the mail itself; after that only the answer is waited for."""
    with running_sandbox(tmp_path, calm()) as sandbox:
        provider, ends = sandbox.provider("smtp"), []
        for look in range(1, 9):
            made = message("email", message_id=str(uuid.uuid4()), candidate_id=str(uuid.uuid4()))

            async def talk(made=made, look=look):
                secrets = await provider.authorize(None)
                request = provider.request(made)
                return await _end_of(call(None, provider.base_url, request, secrets, 5, over_from(look)))

            end = asyncio.run(talk())
            is_taken = any(row["message_id"] == made.message_id for row in sandbox.journal())
            ends.append((type(end), is_taken))
            if isinstance(end, Answer):
                assert provider.judge(end).outcome is Outcome.ACCEPTED
    assert set(ends) == {(NotSent, False), (Answer, True)}
    assert ends == sorted(ends, key=lambda end: end[1])
