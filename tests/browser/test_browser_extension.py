"""A real extension's popup makes every call of the contract, against the real service, on the sandbox."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.chrome import with_extension
from tests.browser.story import telling
from tests.browser.watching import Watching
from tests.system.extension import SEA, WARM

if TYPE_CHECKING:
    from playwright.async_api import Page

EXTENSION = Path(__file__).parent / "extension"


def extension_id(folder: Path) -> str:
    """Give the id of an unpacked extension: Chromium makes it from its path."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in sha256(str(folder).encode()).hexdigest()[:32])


async def press(page: Page, name: str) -> Any:
    """Press a button and give the answer that it says."""
    lines = page.get_by_role("list", name="Answers").get_by_role("listitem")
    before = await lines.count()
    await page.get_by_role("button", name=name, exact=True).click()
    said = json.loads(await lines.nth(before).inner_text())
    assert "failed" not in said, said
    assert said["status"] in (200, [200, 200]), said
    return said["body"]


async def pick(page: Page, ticker: str, option: str) -> Any:
    """Look at a market and save one of its options."""
    await page.get_by_label("Event").fill(ticker.rpartition("-")[0])
    await page.get_by_label("Option").fill(option)
    market = await press(page, "Market")
    assert ticker in {one["ticker"] for one in market["contracts"]}
    return (await press(page, "Add"))["bet"]


async def test_a_popup_makes_all_nine_calls_and_is_paid_out(
    tmp_path: Path, credentials: dict[str, str]
) -> None:
    watching = Watching()
    async with (
        telling(tmp_path, credentials) as story,
        with_extension(EXTENSION, tmp_path / "profile") as browser,
    ):
        stage = story.stage
        page = await browser.new_page()
        watching.follow(page)
        service = stage.base.replace("127.0.0.1", "localhost")
        await page.goto(f"chrome-extension://{extension_id(EXTENSION)}/popup.html?service={service}")

        await pick(page, SEA, "SEA")
        kept = await pick(page, WARM, "T60")
        assert kept["ticker"] == WARM
        extra = await pick(page, SEA.replace("-SEA", "-LA"), "LA")
        assert [bet["id"] for bet in (await press(page, "List"))["bets"]][-1] == extra["id"]
        assert await press(page, "Remove") == {"success": True}
        bets = (await press(page, "List"))["bets"]
        assert [bet["ticker"] for bet in bets] == [SEA, WARM]

        quote = (await press(page, "Quote"))["quote"]
        session = (await press(page, "Check out"))["sessionId"]
        await stage.sandbox.pay(session)
        parlay = (await stage.events.one("payment.confirmed"))["parlay_id"]
        await stage.summary(parlay)
        [pending] = (await press(page, "History"))["parlays"]
        assert (pending["session_id"], pending["parlay_status"]) == (session, "pending")

        for ticker in (SEA, WARM):
            await story.settle(ticker, "yes")
        await stage.events.one("parlay.won", parlay_id=parlay)
        [won] = (await press(page, "History"))["parlays"]
        assert f"{won['claimable_amount']:.2f}" == quote["payout"]["adjustedPayout"]
        assert (await press(page, "Claim"))["amount"] == won["claimable_amount"]
        assert (await press(page, "Wallet"))["balance"] == won["claimable_amount"]
    watching.check()
