"""docs/providers.md says what the providers' files declare."""

from senders.providers._manual import manual
from senders.settings import REPOSITORY


def test_the_page_about_providers_is_what_their_files_say():
    page = (REPOSITORY / "docs" / "providers.md").read_text()
    assert page == manual(), "write it anew: python -m senders.providers > docs/providers.md"
