"""Dashboard and alerts name only figures that exist, and every alert says where its answer stands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hedge_service.clients.limiter import RateLimiter
from hedge_service.clock import SystemClock
from hedge_service.config import Limits
from hedge_service.core.pacing import tier_limits
from hedge_service.metering.meters import Meters
from hedge_service.metering.scrape import Figures
from hedge_service.store.db import Database, StoreUnavailable
from tests.empty_database import put_empty_database
from tests.metering.test_metering_service import Scraped

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
ALERTS = PROJECT / "ops/prometheus/alerts.yml"
DASHBOARD = PROJECT / "ops/grafana/dashboard.json"
GUIDE = PROJECT / "docs/going-live.md"
NAME = re.compile(r"\b(?:hedge|process)_[a-z0-9_]+")
SUFFIX = re.compile(r"_(bucket|count|sum|total|info)$")


class NoSender:
    def may_send(self) -> bool:
        return False


class Away:
    """A database that does not answer."""

    async def read(self, _work: object) -> None:
        raise StoreUnavailable("disk I/O error")


def figures_of(database: Any) -> Figures:
    clock = SystemClock()
    return Figures(
        meters=Meters(),
        database=database,
        limiter=RateLimiter(tier_limits("basic"), clock),
        sender=NoSender(),
        clock=clock,
        account="demo/main/0",
        limits=Limits(),
        facts={"mode": "dry_run"},
    )


async def page(folder: Path) -> str:
    """Give a scrape of a service that has done nothing yet."""
    async with Database(put_empty_database(folder / "hedge.db")) as database:
        return (await figures_of(database).page()).decode()


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in alerts())
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    yield from (one["query"]["query"] for one in board["templating"]["list"] if one["type"] == "query")
    yield from (one["expr"] for one in board["annotations"]["list"])
    yield from (one["expr"] for panel in board["panels"] for one in panel.get("targets", ()))


def promtool(*arguments: str, said: str | None = None) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run(
        [tool, *arguments], input=said, capture_output=True, text=True, check=False, cwd=ALERTS.parent
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def test_every_figure_of_the_dashboard_and_the_alerts_exists(tmp_path: Path) -> None:
    known = {SUFFIX.sub("", name) for name in Scraped(await page(tmp_path)).names}
    named = {SUFFIX.sub("", name) for text in expressions() for name in NAME.findall(text)}
    assert named - known == set()
    # And none is collected that nobody looks at.
    unseen = {name for name in known - named if name.startswith("hedge_")}
    assert unseen == {"hedge_disputes_oldest_age_seconds"}


async def test_a_scrape_without_the_database_says_so_and_shows_nothing_old() -> None:
    seen = Scraped((await figures_of(Away()).page()).decode())
    assert seen("hedge_store_up") == 0
    assert seen("hedge_limiter_capacity_tokens", bucket="write") == 100
    assert "hedge_halted" not in seen.names


async def test_promtool_finds_nothing_wrong_with_the_figures(tmp_path: Path) -> None:
    promtool("check", "metrics", said=await page(tmp_path))


def test_promtool_accepts_the_rules() -> None:
    promtool("check", "rules", ALERTS.name)


def test_each_alert_fires_and_stays_quiet_as_its_tests_say() -> None:
    promtool("test", "rules", "alerts_test.yml")
    tested = yaml.safe_load((ALERTS.parent / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    names = {one["name"] for one in tested}
    for rule in alerts():
        assert {f"{rule['alert']} fires", f"{rule['alert']} stays quiet"} <= names


def test_every_alert_is_explained_in_the_guide() -> None:
    headings = re.findall(r"^#{2,5} (.+)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    for rule in alerts():
        assert rule["annotations"]["runbook_url"] == f"docs/going-live.md#{rule['alert'].lower()}"
        assert rule["alert"].lower() in anchors, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
