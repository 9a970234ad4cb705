"""The rows of the table, in order, and the older programs that print tables of their own."""

from __future__ import annotations

from benchmarks.rows import door, ed25519, orders

ROWS = tuple(module.ROW for module in (door, orders, ed25519))
PROGRAMS = ("limiter", "pricing", "exposure")
