"""What is looked at in the landing zone, and what is left alone."""

import os

import pytest
from landed import event, json_lines, parquet

from receivers import landing


@pytest.mark.parametrize("name", [".hidden.jsonl", "a.jsonl.part", "a.jsonl.tmp", ".folder/a.jsonl"])
def test_what_its_writer_has_not_finished_is_not_looked_at(house, name):
    house.put(f"events/{name}", event("e1"))
    assert not landing.has_landed(house.settings)
    house.ingest()
    assert house.event_ids == []
    assert house.waiting() == [f"events/{name}"]


def test_a_pipe_in_the_landing_zone_does_not_stop_the_tick(house):
    house.put("events/a.jsonl", event("e1"))
    os.mkfifo(house.settings.landing / "events" / "b.jsonl")
    house.ingest()
    assert house.event_ids == ["e1"]


def test_names_that_mean_something_to_a_shell_or_a_glob_are_names(house, tmp_path):
    for number, name in enumerate(["a[1]*?.parquet", "it's.parquet", "gr\udce4n.jsonl", "x y;z.jsonl"]):
        rows = [event(f"e{number}")]
        house.put(
            f"events/{name}", parquet(rows, tmp_path) if name.endswith("parquet") else json_lines(*rows)
        )
    house.ingest()
    assert house.event_ids == ["e0", "e1", "e2", "e3"]
    assert house.waiting() == []


def test_a_folder_whose_name_is_no_utf8_is_a_feed_nobody_knows(house):
    house.put("caf\udce9/a.jsonl", event("e1"))
    house.ingest()
    ((_, reason, *_),) = house.quarantine
    assert reason.startswith("no feed named caf\ufffd, nearest is")
    assert house.column("select path from raw.manifest") == ["caf\\xe9/a.jsonl"]
    assert house.waiting() == []


def test_a_file_that_is_still_written_to_stays_and_its_rows_count_once(house, monkeypatch):
    path = house.put("events/a.jsonl", event("e1"))
    real = landing.Intake._read

    def read_while_somebody_writes(self, feed_name, files):
        looked_at = real(self, feed_name, files)
        with path.open("ab") as stream:
            stream.write(json_lines(event("e2")))
        return looked_at

    with monkeypatch.context() as patch:
        patch.setattr(landing.Intake, "_read", read_while_somebody_writes)
        assert house.ingest().left == {"events/a.jsonl": "it changed while it was read"}
    house.ingest()
    assert house.event_ids == ["e1", "e2"]
    assert house.waiting() == []


def test_a_file_that_cannot_be_moved_is_taken_once_and_moved_later(house, monkeypatch):
    from receivers import intake

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    house.put("events/a.jsonl", event("e1"))
    with monkeypatch.context() as patch:
        patch.setattr(intake, "move_to_archive", refuse)
        assert "cannot be moved to the archive: Permission denied" in house.ingest().left["events/a.jsonl"]
    assert house.ingest().total.files_taken == 0
    assert house.event_ids == ["e1"]
    assert (house.waiting(), house.archived()) == ([], ["events/a.jsonl"])
