"""`dovecote drill`: break the delivery on purpose, and hold the provider's journal against the ledger."""
