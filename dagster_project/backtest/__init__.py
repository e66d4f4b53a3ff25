"""History decided again, without sending: the real models over what landed, moment by moment."""
