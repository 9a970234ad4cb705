"""The rows of the table, in order, and the programs that print tables of their own."""

from __future__ import annotations

from benchmarks.rows import (
    birth,
    door,
    ed25519,
    fan_out,
    limiter_use,
    memory,
    orders,
    reads,
    recovery,
    scale,
)

ROWS = tuple(
    module.ROW
    for module in (door, orders, ed25519, birth, fan_out, limiter_use, reads, memory, scale, recovery)
)
PROGRAMS = ("limiter", "pricing", "exposure", "replicas")
