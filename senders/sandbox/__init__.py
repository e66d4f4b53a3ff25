"""A stand-in for the providers: their real APIs on one port of this machine, and their own journal.

It accepts, refuses, limits and reports like the real ones, so that the system and "the provider"
can be held against each other. It keeps no promise of theirs that their documentation does not make.

    python -m senders.sandbox --port 8400 --home .dovecote --receivers http://127.0.0.1:8300
"""
