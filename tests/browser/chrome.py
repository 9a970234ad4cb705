"""Debian's Chromium, without a head, that talks to nobody but this machine."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser, BrowserContext

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # Whatever is not this machine has no address.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)


def found() -> str | None:
    """Find the browser."""
    return next((path for name in NAMES if (path := shutil.which(name)) is not None), None)


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """Open a browser."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found(), args=list(ARGS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def with_extension(extension: Path, profile: Path) -> AsyncIterator[BrowserContext]:
    """Open a browser in which an unpacked extension is installed."""
    from playwright.async_api import async_playwright

    installed = (f"--disable-extensions-except={extension}", f"--load-extension={extension}")
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=found(),
            args=[*ARGS, *installed],
            ignore_default_args=["--disable-extensions"],
        )
        try:
            yield context
        finally:
            await context.close()
