"""Figures, each with its command: `make bench`, or `python -m bench NAME`."""
