"""The database's URL: which are taken, what of one may be shown."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

SQLITE = "sqlite+aiosqlite:///"
POSTGRES = "postgresql+asyncpg://"
ALLOWED = (
    "sqlite+aiosqlite:///PATH to a file (not one in memory), "
    "or postgresql+asyncpg://USER@HOST/DATABASE (a socket: ...://USER@/DATABASE?host=/FOLDER)"
)
_FILE = re.compile(r"(?!:memory:)[^?#\x00-\x1f]{1,4000}")
_SERVER = re.compile(r"[!-~]{1,4000}", re.ASCII)
# Others would change what the store relies on, or be taken for a name of a setting at the server.
_QUERY = frozenset({"host", "port", "ssl"})


def check_database_url(value: object) -> str:
    """Give a database's URL back. Raises ValueError, which never quotes it: it may hold a password."""
    if not isinstance(value, str):
        raise ValueError("is not text")  # noqa: TRY004 - what a rule raises
    if value.startswith(POSTGRES):
        _check_server(value)
    elif not value.startswith(SQLITE) or _FILE.fullmatch(value.removeprefix(SQLITE)) is None:
        raise ValueError("is not usable text")
    return value


def path_of(url: str) -> Path | None:
    """Give the file of a database; None for one on a server."""
    return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None


def password_of(url: str) -> str | None:
    """Give the password in a database's URL, None without one."""
    found = None if path_of(url) is not None else urlsplit(url).password
    return None if not found else unquote(found)


def shown(url: str) -> str:
    """Give a database's URL without its password."""
    if path_of(url) is not None:
        return url
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}@{place}").geturl()


def _check_server(url: str) -> None:
    if _SERVER.fullmatch(url) is None or "#" in url:
        raise ValueError("is not a plain address")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its text quotes the address
        raise ValueError("is not a usable address") from None
    if port == 0 or parts.path.count("/") != 1 or len(parts.path) == 1:
        raise ValueError("names no database")
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    if not _QUERY.issuperset(names) or len(set(names)) != len(names):
        raise ValueError(f"asks for more than {', '.join(sorted(_QUERY))}")
    if not parts.hostname and "host" not in names:
        raise ValueError("names no host")
