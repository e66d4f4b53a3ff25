"""An e-mail address as providers take it, and as it comes back."""

from __future__ import annotations

from email.utils import quote

from senders.providers._declared import Option

# Settings of who mails: beside `from`, about which every provider wants something of its own.
FROM_NAME = Option("from_name", "name beside that address; empty for the shop's name", "")
REPLY_TO = Option("reply_to", "address that answers go to; empty for the sender's", "")

SPECIAL = set('()<>[]:;@\\,."')  # RFC 5322: a name with one of these is quoted


def ascii_address(address: str) -> str:
    """The address with its domain in ASCII (IDNA), the only form that is taken."""
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}{at}{domain.encode('idna').decode()}"
    except UnicodeError:
        return address


def readable_address(address: str) -> str | None:
    """The address as we know it, from the ASCII form that comes back."""
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{domain.encode().decode('idna')}" or None
    except UnicodeError:
        return address or None


def mailbox(name: str, address: str) -> str:
    """`Name <address>`, the name in quotes where it has to be."""
    if not name:
        return address
    return f'"{quote(name)}" <{address}>' if SPECIAL & set(name) else f"{name} <{address}>"
