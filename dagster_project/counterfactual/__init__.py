"""What if: one person's messages decided again by a changed policy, beside the record."""
