"""The ways in over HTTP: events, shop webhooks, provider receipts, opt-outs, link clicks.

Nothing is answered with 200 before what came in is on disk: events in the landing zone,
receipts and opt-outs in the ledger.
"""
