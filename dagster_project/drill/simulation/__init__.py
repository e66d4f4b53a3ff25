"""The delivery protocol under a virtual clock: the real ledger and the real lanes, and a network,
people and deaths drawn from a seed. The same seed is the same run."""
