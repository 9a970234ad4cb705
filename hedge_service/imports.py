"""Import libraries without what they would load for themselves and nobody here uses."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def leaving_out(*packages: str) -> Iterator[None]:
    """Let the imports inside find these optional packages not installed, unless they are loaded already."""
    absent = [name for name in packages if name not in sys.modules]
    # None is Python's own way to say that a module is not to be found.
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
