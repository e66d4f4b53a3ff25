"""The few pages that people see: no script, nothing from elsewhere, nothing kept by browsers."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from senders.settings import Settings

_FOLDER = Path(__file__).with_name("pages")
_STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

# The address of a page is its key: it is kept by no cache and told to no other site.
PRIVATE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_PAGE_HEADERS = {
    **PRIVATE_HEADERS,
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
}


@cache
def _templates() -> Environment:
    environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
    environment.globals["style"] = Markup(_STYLE)  # noqa: S704  (our own file)
    return environment


def page(settings: Settings, name: str, status: int = 200, **content: Any) -> HTMLResponse:
    """`pages/<name>.html` with everything in `content` escaped."""
    html = _templates().get_template(f"{name}.html").render(shop_name=settings.shop_name, **content)
    return HTMLResponse(html, status_code=status, headers=_PAGE_HEADERS)


def notice(settings: Settings, status: int, heading: str, text: str) -> HTMLResponse:
    return page(settings, "notice", status, heading=heading, text=text)


def dead_link(settings: Settings) -> HTMLResponse:
    return notice(settings, 400, "This link does not work", "It is damaged or was not made by us.")


def masked(address: str) -> str:
    """Enough for its owner to know it, too little for a stranger: `j•••@example.com`, `•••4321`."""
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}•••@{domain}" if at else f"•••{address[-4:]}" if len(address) > 7 else "•••"
