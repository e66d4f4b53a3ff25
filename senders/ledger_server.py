"""A ledger on a PostgreSQL server: its address, and what of that may be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

SCHEMES = ("postgresql", "postgres")


@dataclass(frozen=True)
class LedgerServer:
    """Stands where the path of the ledger's file stands otherwise. `url` may hold a password: it is
    handed to the driver and to nobody else; the text of this is the URL without user and options."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return f"postgresql://{host}{parts.path}"

    def exists(self) -> bool:
        """A server makes its tables when it is opened: there is no asking it before."""
        return True


def parse_server(text: str) -> LedgerServer | None:
    """`postgresql://…` → the server; empty → None: the file below DOVECOTE_HOME. The ValueError does not
    repeat the text, which may hold a password."""
    if not text:
        return None
    if text.partition("://")[0] not in SCHEMES or not urlsplit(text).path.strip("/"):
        raise ValueError("must look like postgresql://user@host:5432/database, or be empty for a file")
    return LedgerServer(text)
