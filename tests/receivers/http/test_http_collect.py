"""Events come in as Segment's clients send them, and a 200 means that they are on disk."""

from __future__ import annotations

import gzip
import json
import signal
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from receivers_process import WRITE_KEY, Receivers

KEY = (WRITE_KEY, "")


def _track(**more: Any) -> dict[str, Any]:
    return {"userId": "u-1", "event": "Product Added", "messageId": str(uuid.uuid4()), **more}


def _landed(receivers: Receivers, message_id: str) -> list[dict[str, Any]]:
    return [line for line in receivers.landed("segment") if line["messageId"] == message_id]


@pytest.mark.parametrize(
    ("path", "kind"),
    [(kind, kind) for kind in ("track", "identify", "alias", "page", "screen", "group")] + [("t", "track")],
)
def test_a_call_lands_as_it_was_received_with_its_type(
    receivers: Receivers, client: httpx.Client, path: str, kind: str
) -> None:
    call = _track(properties={"name": "Søren’s 🧦", "price": 19.9, "new": None}, odd={"kept": [1, "two"]})
    answer = client.post(f"/v1/{path}", json=call, auth=KEY)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    (line,) = _landed(receivers, call["messageId"])
    assert line.pop("receivedAt").endswith("Z")
    assert line == {**call, "type": kind}


def test_a_key_in_the_body_is_taken_and_never_stored(receivers: Receivers, client: httpx.Client) -> None:
    call = _track()
    batch = {"writeKey": WRITE_KEY, "batch": [{**_track(), "type": "track", "writeKey": WRITE_KEY}]}
    assert client.post("/v1/track", json={**call, "writeKey": WRITE_KEY}).status_code == 200
    assert client.post("/v1/batch", json=batch).status_code == 200
    assert "writeKey" not in _landed(receivers, call["messageId"])[0]
    files = (receivers.home / "landing" / "segment").iterdir()
    assert not [path for path in files if WRITE_KEY in path.read_text()]


def test_a_call_without_an_id_gets_one(receivers: Receivers, client: httpx.Client) -> None:
    user = str(uuid.uuid4())
    for message_id in (None, ""):
        client.post("/v1/track", json={"userId": user, "event": "x", "messageId": message_id}, auth=KEY)
    client.post("/v1/track", json={"userId": user, "event": "x"}, auth=KEY)
    ids = {line["messageId"] for line in receivers.landed("segment") if line.get("userId") == user}
    assert len(ids) == 3
    assert all(uuid.UUID(message_id) for message_id in ids)


def test_a_batch_lands_call_by_call_with_what_it_says_for_all(
    receivers: Receivers, client: httpx.Client
) -> None:
    calls = [
        {
            "type": "identify",
            "userId": "u-2",
            "traits": {"email": "a@example.com"},
            "messageId": str(uuid.uuid4()),
        },
        {**_track(context={"ip": "192.0.2.1"}), "type": "track"},
    ]
    batch = {"batch": calls, "sentAt": "2026-01-02T03:04:05Z", "context": {"ip": "192.0.2.9", "locale": "da"}}
    assert client.post("/v1/batch", json=batch, auth=KEY).status_code == 200
    (identify,) = _landed(receivers, calls[0]["messageId"])
    (track,) = _landed(receivers, calls[1]["messageId"])
    assert identify["context"] == {"ip": "192.0.2.9", "locale": "da"}
    assert track["context"] == {"ip": "192.0.2.1", "locale": "da"}
    assert identify["sentAt"] == track["sentAt"] == "2026-01-02T03:04:05Z"


def test_an_unzipped_call_lands_and_a_zip_bomb_does_not(receivers: Receivers, client: httpx.Client) -> None:
    call = _track()
    zipped = {"Content-Encoding": "gzip"}
    good = gzip.compress(json.dumps(call).encode())
    assert client.post("/v1/track", content=good, headers=zipped, auth=KEY).status_code == 200
    assert len(_landed(receivers, call["messageId"])) == 1
    bomb = gzip.compress(b'{"a": "' + b"0" * 50_000_000 + b'"}')
    assert client.post("/v1/batch", content=bomb, headers=zipped, auth=KEY).status_code == 413
    assert client.post("/v1/track", content=good[:-5], headers=zipped, auth=KEY).status_code == 400
    assert client.post("/v1/track", content=b"plain", headers=zipped, auth=KEY).status_code == 400
    assert (
        client.post("/v1/track", content=good, headers={"Content-Encoding": "br"}, auth=KEY).status_code
        == 415
    )


@pytest.mark.parametrize(
    ("headers", "key_in_body"),
    [
        ({}, None),
        ({}, "wrong"),
        ({}, 17),
        ({"Authorization": "Basic d3Jvbmc6"}, None),
        ({"Authorization": "Basic d3Jvbmc6"}, WRITE_KEY),
        ({"Authorization": "Basic ???"}, None),
        ({"Authorization": "Basic /w=="}, None),
        ({"Authorization": f"Bearer {WRITE_KEY}"}, None),
        ({"Authorization": "Basic Og=="}, None),
    ],
)
def test_a_wrong_key_is_refused_and_nothing_is_stored(
    receivers: Receivers, client: httpx.Client, headers: dict[str, str], key_in_body: object
) -> None:
    call = _track(**({"writeKey": key_in_body} if key_in_body else {}))
    answer = client.post("/v1/track", json=call, headers=headers)
    assert answer.status_code == 401
    assert _landed(receivers, call["messageId"]) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe{}",
        b'{"userId": "\xc3\x28"}',
        b'{"price": NaN}',
        b'{"price": 1e999}',
        b'{"price": ' + b"9" * 5_000 + b"}",
        b'{"deep": ' + b"[" * 30_000,
        b'{"deep": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    ],
    ids=lambda body: str(body[:24]),
)
def test_what_is_not_json_is_refused_and_nothing_is_stored(
    receivers: Receivers, client: httpx.Client, body: bytes
) -> None:
    before = len(receivers.landed("segment"))
    assert client.post("/v1/track", content=body, auth=KEY).status_code == 400
    assert len(receivers.landed("segment")) == before


@pytest.mark.parametrize(
    "batch", [None, {}, "x", [1], [{"type": 1}], [{"userId": "u"}], [{"type": "track"}, None]]
)
def test_a_batch_with_one_wrong_call_is_refused_whole(
    receivers: Receivers, client: httpx.Client, batch: object
) -> None:
    before = len(receivers.landed("segment"))
    assert client.post("/v1/batch", json={"batch": batch}, auth=KEY).status_code == 400
    assert len(receivers.landed("segment")) == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/track", _track(properties={"text": "x" * 33_000})),
        ("/v1/batch", {"batch": [{**_track(), "type": "track", "text": "x" * 33_000}]}),
        ("/v1/batch", {"batch": [{**_track(), "type": "track", "text": "x" * 900}] * 600}),
    ],
    ids=["call", "call in a batch", "batch"],
)
def test_what_is_too_large_is_refused_and_nothing_is_stored(
    receivers: Receivers, client: httpx.Client, path: str, body: dict[str, Any]
) -> None:
    before = len(receivers.landed("segment"))
    assert client.post(path, json=body, auth=KEY).status_code == 413

    def in_chunks() -> Any:  # no Content-Length to go by
        yield json.dumps(body).encode()

    assert client.post(path, content=in_chunks(), auth=KEY).status_code == 413
    assert len(receivers.landed("segment")) == before


def test_half_an_emoji_costs_a_character_and_not_the_event(
    receivers: Receivers, client: httpx.Client
) -> None:
    call = _track()
    body = json.dumps(call)[:-1] + ', "title": "cut \\ud83d", "nul": "a\\u0000b", "line": "a\\u2028b\\nc"}'
    assert client.post("/v1/track", content=body, auth=KEY).status_code == 200
    (line,) = [json.loads(line) for line in _raw_lines(receivers) if call["messageId"] in line]
    assert (line["title"], line["nul"], line["line"]) == ("cut \ufffd", "a\0b", "a\u2028b\nc")


def _raw_lines(receivers: Receivers) -> list[str]:
    folder = receivers.home / "landing" / "segment"
    return [line for path in folder.iterdir() for line in path.read_text("utf-8").split("\n")]


def test_a_browser_on_another_site_may_send_events(client: httpx.Client) -> None:
    preflight = client.options(
        "/v1/track",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "anonymousid,authorization,content-type",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    answer = client.post("/v1/track", json=_track(), auth=KEY, headers={"Origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    refused = client.post("/v1/track", json=_track(), headers={"Origin": "https://shop.example"})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "*")


def test_a_200_survives_kill_9(own_receivers: Receivers) -> None:
    own_receivers.start()
    with own_receivers.client() as client:
        calls = [_track() for _ in range(20)]
        assert all(client.post("/v1/track", json=call, auth=KEY).status_code == 200 for call in calls)
    own_receivers.end(signal.SIGKILL)
    own_receivers.start()
    landed = [line["messageId"] for line in own_receivers.landed("segment", hidden=False)]
    assert sorted(landed) == sorted(call["messageId"] for call in calls)


def test_a_clean_stop_publishes_what_was_taken_in(own_receivers: Receivers) -> None:
    own_receivers.start()
    with own_receivers.client() as client:
        call = _track()
        assert client.post("/v1/track", json=call, auth=KEY).status_code == 200
    own_receivers.end()
    assert [line["messageId"] for line in own_receivers.landed("segment", hidden=False)] == [
        call["messageId"]
    ]
    assert not list((own_receivers.home / "landing").rglob(".*"))


def test_events_become_a_file_within_seconds(receivers: Receivers, client: httpx.Client) -> None:
    call = _track()
    assert client.post("/v1/track", json=call, auth=KEY).status_code == 200
    receivers.wait_until_published("segment")
    assert call["messageId"] in {line["messageId"] for line in receivers.landed("segment", hidden=False)}


def test_two_hundred_callers_at_once_all_land_once(receivers: Receivers) -> None:
    calls = [_track() for _ in range(200)]
    limits = httpx.Limits(max_connections=200)
    with receivers.client(limits=limits, timeout=30) as client, ThreadPoolExecutor(50) as callers:
        answers = callers.map(lambda call: client.post("/v1/track", json=call, auth=KEY).status_code, calls)
        assert set(answers) == {200}
    wanted = {call["messageId"] for call in calls}
    landed = [line["messageId"] for line in receivers.landed("segment") if line["messageId"] in wanted]
    assert sorted(landed) == sorted(wanted)


def test_the_log_names_routes_and_no_key_or_person(receivers: Receivers, client: httpx.Client) -> None:
    client.post("/v1/identify", json=_track(traits={"email": "secret.person@example.com"}), auth=KEY)
    client.get("/u/some-token-of-somebody")
    log = receivers.log_with("GET /u/{token}")
    assert "POST /v1/identify 200" in log
    assert "GET /u/{token} 400" in log
    assert not [word for word in ("secret.person", WRITE_KEY, "some-token") if word in log]


@pytest.mark.parametrize("name", ["DOVECOTE_WRITE_KEY", "DOVECOTE_LINK_SECRET"])
def test_without_a_secret_the_receivers_refuse_to_start(own_receivers: Receivers, name: str) -> None:
    own_receivers.environment[name] = ""
    with pytest.raises(AssertionError, match=f"{name} is empty.*Set it to a long random text"):
        own_receivers.start()
