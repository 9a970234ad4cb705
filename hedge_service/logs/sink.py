"""The one place that writes log lines.

Decided: a log reader that dies must never stop an order. A line that can't be written is dropped
and counted; when writing works again (a full disk was freed) `log.dropped` tells how many. A closed
pipe never comes back: then the rest is dropped, and standard error says so once. A reader that is
merely slow holds us up, as any pipe does: losing its lines would be worse.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

_GONE = '{"level":"error","event":"log.closed","message":"standard output was closed; events are dropped"}\n'


class _Bytes(Protocol):
    def write(self, data: memoryview, /) -> int | None: ...


class Sink:
    """Writes whole lines to a stream, at once, one thread at a time. Never raises."""

    def __init__(self, stream: TextIO, tell_dropped: Callable[[int], bytes]) -> None:
        self._stream = stream
        # Past the text layer, whose encoding a bare environment may set to ASCII, and past the buffer,
        # which would keep a line that failed and write it later, twice or torn.
        buffer = getattr(stream, "buffer", None)
        self._bytes: _Bytes | None = getattr(buffer, "raw", buffer)
        self._tell_dropped = tell_dropped
        # Reentrant: a signal handler or a destructor may log in the middle of a write.
        self._lock = threading.RLock()
        self._torn = False
        self._closed = False
        self.dropped = 0

    def write(self, line: bytes) -> None:
        """Write one line, or count it as dropped."""
        with self._lock:
            if self._closed:
                self.dropped += 1
                return
            try:
                self._put(line)
            except BrokenPipeError:
                self.dropped += 1
                self._give_up()
            except (OSError, ValueError, RuntimeError):
                self.dropped += 1

    def _put(self, line: bytes) -> None:
        notice = self._tell_dropped(self.dropped) if self.dropped else b""
        whole = notice + line
        if self._bytes is None:
            self._stream.write(whole.decode())
            self._stream.flush()
        else:
            self._put_bytes(self._bytes, memoryview(b"\n" + whole if self._torn else whole))
        self.dropped = 0

    def _put_bytes(self, target: _Bytes, rest: memoryview) -> None:
        while rest:
            written = target.write(rest)
            if written is None:
                raise BlockingIOError  # a non-blocking stream is full
            self._torn = True
            rest = rest[written:]
        self._torn = False

    def _give_up(self) -> None:
        self._closed = True
        # What is left in the buffer would fail again at exit and turn a clean stop into status 120.
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(_GONE)
            sys.stderr.flush()
