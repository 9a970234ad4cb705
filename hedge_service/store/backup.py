"""A copy of the database that is safe while the service runs, and is looked at before it counts.

Like `db.py` this knows SQLite: its backup interface copies one snapshot, whatever is written meanwhile.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OWNER_ONLY = 0o600


class BackupFailed(Exception):  # noqa: N818 - says what happened
    """No copy was made; the message says why. What stood at the target before stands there still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A finished copy: its size in bytes, and whose database it is."""

    size_bytes: int
    identity: Mapping[str, str]


def copy(source: Path, target: Path) -> Copy:
    """Copy a database to a file that must not exist yet, and check the copy. Raises BackupFailed.

    The target appears at once and whole: it is written beside itself and linked when it is good.
    """
    if not source.is_file():
        raise BackupFailed(f"there is no database at {source}")
    part = target.with_name(f"{target.name}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY))
    except FileExistsError:
        raise BackupFailed(f"{part} is in the way: another backup, or a broken-off one") from None
    except OSError as error:
        raise BackupFailed(f"{target} can't be written: {error.strerror}") from None
    try:
        return _finished(source, part, target)
    finally:
        part.unlink(missing_ok=True)


def _finished(source: Path, part: Path, target: Path) -> Copy:
    try:
        _copied(source, part)
        identity = _checked(source, part)
        size_bytes = part.stat().st_size
        _kept(part)
        # Unlike a rename, a link never takes the place of a file that is there.
        os.link(part, target)
        _kept(target.parent)
    except FileExistsError:
        raise BackupFailed(f"{target} is there already: a backup never takes a file's place") from None
    except (sqlite3.Error, OSError) as error:
        raise BackupFailed(f"{target}: {error}") from None
    return Copy(size_bytes=size_bytes, identity=identity)


def _copied(source: Path, part: Path) -> None:
    with (
        closing(sqlite3.connect(f"file:{_quoted(source)}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(part)) as made,
    ):
        live.backup(made)
        # One file without companions; the service turns its log mode on again when it opens it.
        made.execute("PRAGMA journal_mode = DELETE")


def _checked(source: Path, part: Path) -> Mapping[str, str]:
    with closing(sqlite3.connect(f"file:{_quoted(part)}?mode=ro", uri=True)) as made:
        found = [row[0] for row in made.execute("PRAGMA integrity_check(1)")]
        if found != ["ok"]:
            raise BackupFailed(f"the copy of {source} is damaged: {found[0]}")
        identity = _identity(made)
    with closing(sqlite3.connect(f"file:{_quoted(source)}?mode=ro", uri=True)) as live:
        if identity != _identity(live):
            raise BackupFailed(f"the copy of {source} is of another database")
    return identity


def _identity(connection: sqlite3.Connection) -> Mapping[str, str]:
    return dict(connection.execute("SELECT name, value FROM identity"))


def _kept(path: Path) -> None:
    """Wait until a file or a folder's entries are on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
