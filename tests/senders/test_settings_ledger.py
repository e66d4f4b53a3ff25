"""Where the ledger is, and that its password is nowhere else."""

import subprocess
import sys
from pathlib import Path

import pytest

from senders.settings import SettingsError, load


def test_without_a_server_the_ledger_is_a_file_below_the_home(tmp_path):
    assert load({"DOVECOTE_HOME": str(tmp_path)}).ledger == tmp_path / "ledger.db"


def test_a_server_takes_the_place_of_the_file_and_shows_no_password():
    settings = load({"DOVECOTE_LEDGER": "postgresql://me:hush@db.example:5432/doves?sslmode=require"})
    assert str(settings.ledger) == "postgresql://db.example:5432/doves"
    assert "hush" not in repr(settings)
    assert settings.ledger.exists()


@pytest.mark.parametrize(
    "text", ["mysql://me:hush@db/doves", "hush", "postgresql://me:hush@db", "/hush/ledger.db"]
)
def test_what_is_no_server_is_refused_without_repeating_it(text):
    with pytest.raises(SettingsError, match=r"DOVECOTE_LEDGER: must look like postgresql://") as told:
        load({"DOVECOTE_LEDGER": text})
    assert "hush" not in str(told.value)


def test_a_ledger_in_a_file_pays_for_no_servers_driver(tmp_path: Path):
    program = (
        "import sys; from pathlib import Path; from senders.ledger import Ledger\n"
        "Ledger(Path(sys.argv[1]) / 'ledger.db').close()\n"
        "assert 'psycopg' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
