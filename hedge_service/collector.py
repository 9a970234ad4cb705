"""The garbage collector in a process that runs for long: what a start loads is not its business."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Nearly all that a request makes is freed by reference counts: at the interpreter's own thresholds
# (700, 10, 10) the collector looks for cycles many times a second under load, and finds next to nothing.
SELDOM = (20_000, 20, 50)


@contextmanager
def loading() -> Iterator[None]:
    """Load modules inside: all that they make stays, and is never looked through again."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.set_threshold(*SELDOM)
        gc.enable()
