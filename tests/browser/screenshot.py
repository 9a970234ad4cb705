"""Take the picture of the operators' page that the README shows: `python -m tests.browser.screenshot`.

A sandbox has no past: what its parlays earned is moved back over the last days, so that the plots show some.
With `--all` every page is taken, wide and narrow, light and dark, into tests/browser/artifacts/.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hedge_service.sandbox.credentials import generate_credentials
from tests.browser.chrome import browsing, found
from tests.browser.story import TOKEN, tell, telling

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

SHOWN = Path(__file__).parents[2] / "docs" / "ops.png"
ARTIFACTS = Path(__file__).parent / "artifacts"
DAY_MS = 86_400_000
PAGES = ("", "parlays", "orders", "payments", "inbox", "money", "exposure", "reconciliations", "audit")
WIDTHS = (1280, 375)
SCHEMES = ("light", "dark")


async def main() -> None:
    """Play the run and take the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        async with telling(Path(folder), generate_credentials()) as story:
            await tell(story)
            await asyncio.to_thread(_spread, Path(folder) / "hedge.db")
            async with browsing() as browser:
                await _shoot_one(browser, story.ops)
                if "--all" in sys.argv:
                    await _shoot_all(browser, story.ops)


def _spread(database: Path) -> None:
    """Move each ended parlay's bookings some days back, all by a different number of days."""
    with sqlite3.connect(database, timeout=60) as tx:
        ended = "SELECT id FROM parlays WHERE state <> 'open' ORDER BY accepted_ms DESC"
        for back, (parlay,) in enumerate(tx.execute(ended).fetchall(), start=1):
            moved = "UPDATE ledger_sets SET at_ms = at_ms - ? WHERE parlay_id = ?"
            tx.execute(moved, (back * 4 * DAY_MS, parlay))


async def _shoot_one(browser: Browser, ops: str) -> None:
    page = await _logged_in(browser, ops, WIDTHS[0], SCHEMES[0])
    await page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    await page.screenshot(path=SHOWN, full_page=True)


async def _shoot_all(browser: Browser, ops: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    for width in WIDTHS:
        for scheme in SCHEMES:
            page = await _logged_in(browser, ops, width, scheme)
            for name in PAGES:
                await page.goto(f"{ops}/ops/{name}".rstrip("/"))
                shown = ARTIFACTS / f"{name or 'overview'}-{width}-{scheme}.png"
                await page.screenshot(path=shown, full_page=True)
            await page.goto(f"{ops}/ops/parlays?state=open")
            await page.locator("main a.id").first.click()
            await page.screenshot(path=ARTIFACTS / f"parlay-{width}-{scheme}.png", full_page=True)


async def _logged_in(browser: Browser, ops: str, width: int, scheme: str) -> Page:
    size = {"width": width, "height": 800}
    page = await browser.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    await page.goto(f"{ops}/ops")
    await page.get_by_label("Token").fill(TOKEN)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("heading", name="Overview").wait_for()
    return page


if __name__ == "__main__":
    if found() is None:
        sys.exit("no Chromium is installed: apt-get install chromium")
    asyncio.run(main())
