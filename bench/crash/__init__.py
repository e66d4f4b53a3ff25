"""kill -9 at the same points for Dovecote and for the tools that people use otherwise: lost and doubled."""

from bench.crash.drill import run

__all__ = ["run"]
