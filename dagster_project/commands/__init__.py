"""Commands of `dovecote`, by topic."""
