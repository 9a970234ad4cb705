"""Plots as SVG without a script: an image on the page, under a policy of its own."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from hedge_service.core.money import MICROS_PER_DOLLAR, Money
from hedge_service.web.ops.profit import Period

if TYPE_CHECKING:
    from datetime import datetime

    from hedge_service.web.ops.profit import Course, Share

# An image loads nothing and runs nothing; its own style stands in it.
HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
FONT = "system-ui, sans-serif"
DARK = "@media (prefers-color-scheme: dark)"
CSS = (
    "inline:.axis text,.axis text.major,text.no_data{fill:#4b5563;stroke:none}"
    ".axis .guide.line,.axis .major.guide.line{stroke:#d5dae1;stroke-dasharray:none}.axis .line{stroke:none}"
    ".color-0{fill:#1d5fbf;stroke:#1d5fbf}.line.reactive{stroke-width:2;stroke-opacity:1}"
    ".bar .rect{stroke:none;fill-opacity:.85}"
    f"{DARK}{{.axis text,.axis text.major,text.no_data{{fill:#a9b4c0}}"
    ".axis .guide.line,.axis .major.guide.line{stroke:#33404d}.color-0{fill:#6ea8fe;stroke:#6ea8fe}"
    ".bar .rect{fill-opacity:.7}}"
)
SIZES = {"wide": (960, 280), "narrow": (400, 260)}
LABELS = {Period.DAY: "%H:%M", Period.MONTH: "%b %d", Period.YEAR: "%b %d"}
MOST_LABELS = {"wide": 10, "narrow": 4}


@cache
def _library() -> Any:
    """Load what draws, which few runs ever ask for."""
    import pygal  # noqa: PLC0415

    # Its import hook is for plugins, of which there are none, and is of a kind that Python no longer takes.
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]
    return pygal


def over_time(made: Course, size: str) -> bytes:
    """Draw what was realized by then, step by step."""
    amounts, total = [], made.before
    for _, amount in made.steps:
        total += amount
        amounts.append(_drawn(total))
    chart = _library().Line(**_settings(size), fill=True, show_dots=False)
    names = [_label(begin, made.period) for begin, _ in made.steps]
    chart.x_labels = names
    each = max(len(names) // MOST_LABELS[size], 1)
    chart.x_labels_major = names[::-each][::-1]
    chart.show_minor_x_labels = False
    chart.add(None, amounts)
    return _svg(chart)


def by_strategy(shares: tuple[Share, ...], size: str) -> bytes:
    """Draw what each strategy's parlays have realized."""
    height = bars_height(len(shares))
    chart = _library().HorizontalBar(**(_settings(size) | {"height": height}), rounded_bars=3)
    chart.x_labels = [share.strategy.replace("_", " ") for share in shares]
    chart.add(None, [_drawn(share.figures.realized) for share in shares])
    return _svg(chart)


def bars_height(count: int) -> int:
    """Give the height of a plot of so many bars."""
    return 80 + 44 * max(count, 1)


def _settings(size: str) -> dict[str, Any]:
    width, height = SIZES[size]
    return {
        "width": width,
        "height": height,
        "js": [],
        "css": ["file://style.css", "file://graph.css", CSS],
        "style": _style(),
        "no_prefix": True,
        "show_legend": False,
        "no_data_text": "nothing realized yet",
        "value_formatter": lambda value: f"-${-value:,.2f}" if value < 0 else f"${value:,.2f}",
        "margin": 8,
        "margin_right": 28,
        "max_scale": 6,
        "truncate_label": -1,
    }


def _style() -> Any:
    return _library().style.Style(
        background="transparent",
        plot_background="transparent",
        opacity=".18",
        colors=("#1d5fbf",),
        font_family=FONT,
        label_font_size=12,
        major_label_font_size=12,
        no_data_font_size=18,
        transition="none",
    )


def _label(begin: datetime, period: Period) -> str:
    return begin.strftime(LABELS[period])


def _drawn(amount: Money) -> float:
    """Give a place on an axis; every figure that is told stands as exact text beside the plot."""
    return amount.micros / MICROS_PER_DOLLAR


def _svg(chart: Any) -> bytes:
    chart.add_xml_filter(_without_scripts)
    drawn: bytes = chart.render()
    return drawn


def _without_scripts(root: Any) -> Any:
    for parent in root.iter():
        for child in [each for each in parent if str(each.tag).endswith("script")]:
            parent.remove(child)
    return root
