"""The operators' page as operators use it: by mouse, by keyboard, narrow, in the dark, without a script."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tests.browser.chrome import browsing
from tests.browser.story import TOKEN, telling
from tests.browser.watching import Watching
from tests.system.extension import BOS, WARM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

ARTIFACTS = Path(__file__).parent / "artifacts"
PAGES = (
    "",
    "/parlays",
    "/orders",
    "/payments",
    "/inbox",
    "/money",
    "/exposure",
    "/reconciliations",
    "/audit",
)
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
WIDTHS = (1280, 375)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
QUICK = {"KALSHI__SETTLE_EVERY_S": "60"}


@asynccontextmanager
async def looking(browser: Browser, watching: Watching, **how: Any) -> AsyncIterator[Page]:
    page = await browser.new_page(
        **{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **how}
    )
    page.set_default_timeout(20_000)
    watching.follow(page)
    try:
        yield page
    finally:
        await page.context.close()


async def log_in(page: Page, ops: str) -> None:
    await page.goto(f"{ops}/ops")
    await page.get_by_label("Token").fill(TOKEN)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("heading", name="Overview").wait_for()


async def shoot(page: Page, name: str) -> None:
    """Keep pictures wide and narrow, light and dark; all of it has to fit its window and be readable."""
    ARTIFACTS.mkdir(exist_ok=True)
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{name} is {wider} px wider than {width}"
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            assert await page.evaluate(CONTRAST) == [], (name, scheme)
            await page.screenshot(path=ARTIFACTS / f"{name}-{width}-{scheme}.png", full_page=True)
    await page.set_viewport_size({"width": WIDTHS[0], "height": 800})


async def test_an_operator_halts_resumes_explains_and_resolves(
    tmp_path: Path, credentials: dict[str, str]
) -> None:
    watching = Watching()
    async with telling(tmp_path, credentials, QUICK) as story, browsing() as browser:
        await story.advise("bands")
        async with looking(browser, watching) as page:
            await log_in(page, story.ops)
            # The page follows what happens elsewhere, without being loaded again.
            live = page.locator("#live")
            await live.filter(has_text="Live").wait_for()
            order = await story.park(1, WARM, BOS)
            await page.get_by_role("link", name="1 parked order").wait_for()

            await page.get_by_text("Halt sending", exact=True).first.click()
            await page.get_by_label("Reason").first.fill("prices look wrong")
            await page.get_by_role("button", name="Halt sending").click()
            await page.get_by_text("Sending is halted.", exact=True).wait_for()
            status = page.get_by_role("status").filter(has_text="Sending is HALTED by ann")
            assert "prices look wrong" in await status.inner_text()
            await shoot(page, "halted")
            await page.get_by_text("Resume sending", exact=True).first.click()
            await page.get_by_label("Reason").first.fill("checked with the exchange")
            await page.get_by_role("button", name="Resume sending").click()
            await page.get_by_role("status").filter(has_text="Sending is allowed").wait_for()

            await page.get_by_role("link", name="Parlays", exact=True).first.click()
            await page.get_by_label("Search").fill(order)
            await page.get_by_role("button", name="Search").click()
            await page.get_by_role("heading", name="Why it was priced and hedged so").wait_for()
            text = await page.locator("main").inner_text()
            assert "The default is close to the best tail of all plans" in text
            assert "order parked" in text
            await shoot(page, "parlay")

            await page.get_by_role("link", name=re.compile("^Orders")).first.click()
            await page.get_by_label("never took it").check()
            await page.get_by_label("Evidence").fill("order page, no such id")
            await page.get_by_role("button", name="Resolve").click()
            await page.get_by_role("status").filter(has_text=order).wait_for()
            await page.get_by_text("No order is in doubt.").wait_for()

            await page.get_by_role("link", name="Audit").click()
            rows = page.get_by_role("row")
            assert [await rows.nth(at).locator("td").nth(2).inner_text() for at in (1, 2, 3)] == [
                "resolve",
                "resume",
                "halt",
            ]
            await page.get_by_role("button", name="Log out").click()
            await page.get_by_label("Token").wait_for()
    watching.check()


async def test_every_page_fits_wide_and_narrow_light_and_dark(
    tmp_path: Path, credentials: dict[str, str]
) -> None:
    watching = Watching()
    async with (
        telling(tmp_path, credentials, QUICK) as story,
        browsing() as browser,
        looking(browser, watching) as page,
    ):
        await story.advise("bands")
        await story.park(1, WARM, BOS)
        await log_in(page, story.ops)
        for path in PAGES:
            reply = await page.goto(f"{story.ops}/ops{path}")
            assert reply is not None
            assert reply.status == 200
            await shoot(page, path.removeprefix("/") or "overview")
    watching.check()


async def test_the_page_needs_no_script(tmp_path: Path, credentials: dict[str, str]) -> None:
    watching = Watching()
    async with (
        telling(tmp_path, credentials, QUICK) as story,
        browsing() as browser,
        looking(browser, watching, java_script_enabled=False) as page,
    ):
        await log_in(page, story.ops)
        await page.get_by_text("Halt sending", exact=True).first.click()
        await page.get_by_label("Reason").first.fill("no script here")
        await page.get_by_role("button", name="Halt sending").click()
        await page.get_by_role("status").filter(has_text="no script here").wait_for()
        await page.get_by_role("link", name="Money").click()
        await page.get_by_text("Every amount that two sources tell is the same").wait_for()
    watching.check()


async def test_a_keyboard_is_enough(tmp_path: Path, credentials: dict[str, str]) -> None:
    watching = Watching()
    async with (
        telling(tmp_path, credentials, QUICK) as story,
        browsing() as browser,
        looking(browser, watching) as page,
    ):
        await page.goto(f"{story.ops}/ops")
        await page.keyboard.type(TOKEN)  # the field has the focus
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Overview").wait_for()
        await page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        assert await skip.evaluate("link => link === document.activeElement")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")  # opens the switch
        await page.keyboard.press("Tab")
        await page.keyboard.type("by keyboard")
        await page.keyboard.press("Enter")
        await page.get_by_role("status").filter(has_text="HALTED by ann").wait_for()
    watching.check()
