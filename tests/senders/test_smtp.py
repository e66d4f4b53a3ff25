"""The conversation with a real SMTP server: what may have happened when it breaks off."""

from __future__ import annotations

import asyncio
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from certificates import own_certificate
from provider_samples import message, provider_of
from sandbox_server import Running, calm, running_sandbox

from senders import transport_smtp
from senders.contract import Answer, Message, Outcome, Provider, Request
from senders.delivery import Pace, deliver, plan
from senders.ledger import Ledger
from senders.transport import InvalidRequest, NoAnswer, NotSent
from senders.transport_smtp import call_smtp


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_sandbox(tmp_path_factory.mktemp("smtp"), calm()) as running:
        yield running


@pytest.fixture(autouse=True)
def calm_again(sandbox: Running) -> Iterator[None]:
    yield
    sandbox.faults()


def fresh() -> Message:
    return message("email", message_id=str(uuid.uuid4()), candidate_id=str(uuid.uuid4()))


def handed_over(provider: Provider, made: Message, seconds: float = 10) -> Answer:
    async def talk() -> Answer:
        secrets = await provider.authorize(None)
        return await call_smtp(provider.base_url, provider.request(made), secrets, seconds)

    return asyncio.run(talk())


def took(running: Running, made: Message) -> bool:
    return any(row["message_id"] == made.message_id for row in running.journal())


@pytest.mark.parametrize("kind", ["rate_limit", "error_before"])
def test_a_code_that_begins_with_4_took_nothing_and_is_tried_again(sandbox: Running, kind: str):
    provider, made = sandbox.provider("smtp"), fresh()
    sandbox.faults({"kind": kind, "provider": "smtp"})
    assert provider.judge(handed_over(provider, made)).outcome is Outcome.RETRY
    assert not took(sandbox, made)


@pytest.mark.parametrize(("kind", "is_taken"), [("reset_before", False), ("reset_after", True)])
def test_a_connection_that_breaks_after_the_last_byte_may_have_handed_it_over(
    sandbox: Running, kind: str, is_taken: bool
):
    provider, made = sandbox.provider("smtp"), fresh()
    sandbox.faults({"kind": kind, "provider": "smtp"})
    with pytest.raises(NoAnswer):
        handed_over(provider, made)
    assert took(sandbox, made) is is_taken


def test_an_answer_that_does_not_come_in_time_may_have_taken_it(sandbox: Running):
    provider, made = sandbox.provider("smtp"), fresh()
    sandbox.faults({"kind": "stall", "provider": "smtp", "seconds": 30})
    began = time.monotonic()
    with pytest.raises(NoAnswer, match="deadline"):
        handed_over(provider, made, seconds=0.5)
    assert time.monotonic() - began < 5
    assert took(sandbox, made)


def test_nobody_there_is_known_not_sent(tmp_path: Path):
    port = free_port()
    with pytest.raises(NotSent, match="connection_failed"):
        handed_over(provider_of(tmp_path, "smtp", {"base_url": f"smtp://127.0.0.1:{port}"}), fresh())


def test_a_server_that_says_nothing_is_known_not_sent(tmp_path: Path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(NotSent):
            handed_over(provider_of(tmp_path, "smtp", {"base_url": address}), fresh(), seconds=0.4)
        assert time.monotonic() - began < 5


def test_an_envelope_that_would_break_a_line_is_refused(sandbox: Running):
    provider = sandbox.provider("smtp")
    request = provider.request(fresh())
    path = request.path.replace("&id=", "%0D%0ARCPT+TO:<a@b.example>&id=")
    forged = Request("MAIL", path, request.body)
    with pytest.raises(InvalidRequest):
        asyncio.run(call_smtp(provider.base_url, forged, {}, 5))


def test_a_mailbox_beyond_ascii_makes_no_request(sandbox: Running):
    with pytest.raises(ValueError, match="SMTPUTF8"):
        sandbox.provider("smtp").request(message("email", address="zoë@example.com"))


# ---- TLS


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def a_server(folder: Path, **options: Any) -> Iterator[tuple[int, Path]]:
    """A server with a certificate for 127.0.0.1 of its own making; its port and the certificate."""
    context, own = own_certificate(folder)
    starts_tls = {"tls_context": context} if options.pop("has_tls") else {}
    server = Controller(_Taker(), hostname="127.0.0.1", port=free_port(), **starts_tls)
    server.start()
    try:
        yield server.port, own
    finally:
        server.stop()


class _Taker:
    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        return "250 2.0.0 Ok" if session.ssl else "550 5.7.1 not without TLS"


@pytest.fixture
def as_if_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_smtp, "THIS_MACHINE", ())


def without_login(folder: Path, port: int) -> Provider:
    return provider_of(folder, "smtp", {"base_url": f"smtp://127.0.0.1:{port}", "username": ""})


def test_to_another_machine_tls_is_begun_before_anything_is_said(
    tmp_path: Path, as_if_elsewhere: None, monkeypatch: pytest.MonkeyPatch
):
    with a_server(tmp_path, has_tls=True) as (port, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        provider = without_login(tmp_path, port)
        assert provider.judge(handed_over(provider, fresh())).outcome is Outcome.ACCEPTED


def test_a_certificate_that_nobody_vouches_for_gets_no_mail(tmp_path: Path, as_if_elsewhere: None):
    with a_server(tmp_path, has_tls=True) as (port, _), pytest.raises(NotSent):
        handed_over(without_login(tmp_path, port), fresh())


def test_a_server_without_tls_gets_neither_password_nor_mail(tmp_path: Path, as_if_elsewhere: None):
    with a_server(tmp_path, has_tls=False) as (port, _), pytest.raises(NotSent):
        handed_over(without_login(tmp_path, port), fresh())


# ---- the whole way


def test_mails_go_out_by_smtp_through_the_protocol_and_each_goes_once(sandbox: Running, tmp_path: Path):
    provider, made = sandbox.provider("smtp"), [fresh() for _ in range(20)]
    sandbox.faults({"kind": "error_before", "provider": "smtp", "count": 3})
    now = datetime.now(UTC)
    with Ledger(tmp_path / "ledger.db") as ledger:
        plan(ledger, {"email": provider}, made, now)
        pace = Pace(first_backoff_seconds=0.05)
        summary = deliver(ledger, {"email": provider}, lambda: datetime.now(UTC), 20, pace=pace)
    assert summary.attempted == 23
    sent = [row["message_id"] for row in sandbox.journal()]
    assert sorted(set(sent) & {each.message_id for each in made}) == sorted(each.message_id for each in made)
    assert len(sent) == len(set(sent))
