"""What the doctor says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `says` is a whole sentence, with what to do where `is_wrong`."""

    part: str
    says: str
    is_wrong: bool = False
