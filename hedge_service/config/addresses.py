"""Addresses in the configuration: whom a name means, and which spellings are refused."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_URL_TEXT = re.compile(r"[!-\[\]-~]+", re.ASCII)  # printable ASCII without space and backslash
# What a client library would rewrite before sending (dots, escapes) would not be the path that was signed.
_PLAIN_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9_.~-]+)+", re.ASCII)

PRODUCTION_DOMAIN = "kalshi.com"
DEMO_DOMAIN = "kalshi.co"


def is_loopback(host: str | None) -> bool:
    """Say whether a host name can only mean this machine."""
    if host is None:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_within(host: str | None, domain: str) -> bool:
    """Say whether a host name is `domain` or lies under it."""
    return host is not None and f".{host}".rstrip(".").endswith(f".{domain}")


def host_of(url: str) -> str | None:
    """Give the host name of a checked address, None for ""."""
    return urlsplit(url).hostname


def _taken_apart(value: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:  # its text quotes the address, which may hold a password
        raise ValueError("is not a usable address") from None
    return parts, port


def split_url(value: object) -> SplitResult:
    """Split an http(s) address. Raises ValueError for any that hides or doubles its meaning."""
    if not isinstance(value, str) or _URL_TEXT.fullmatch(value) is None:
        raise ValueError("is not a plain address")
    parts, port = _taken_apart(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not an http or https address")
    if "@" in parts.netloc:
        raise ValueError("carries a user name or password")
    if "?" in value or "#" in value:
        raise ValueError("carries a query or a fragment")
    if value.endswith("/"):
        raise ValueError("ends in a slash")
    if parts.netloc.endswith(":") or port == 0:
        raise ValueError("carries no usable port")
    if parts.path and not _PLAIN_PATH.fullmatch(parts.path):
        raise ValueError("carries a path with odd signs, or . or .. in it")
    return parts


def check_peer_url(value: object, suffix: str) -> str:
    """Check another party's address, whose path ends in `suffix` (or is empty for ""); "" passes."""
    if value == "":
        return ""
    parts = split_url(value)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("is http to another machine")
    if suffix and not parts.path.endswith(suffix):
        raise ValueError(f"does not end in {suffix}")
    if not suffix and parts.path:
        raise ValueError("carries a path")
    return parts.geturl()


def check_public_url(value: object) -> str:
    """Check our own address as browsers see it."""
    return split_url(value).geturl()
