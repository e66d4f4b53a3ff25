"""`python -m senders.providers > docs/providers.md`"""

from senders.providers._manual import manual

print(manual(), end="")
