"""Why the demo can't go on."""

from __future__ import annotations


class DemoError(Exception):
    """A step did not come to its end; the message is one sentence for the person who watches."""
