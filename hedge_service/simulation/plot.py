"""The plot of a simulation: each strategy's results, and the book's cumulated result and fall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from hedge_service.simulation.paths import Floats, Ints
    from hedge_service.simulation.run import Simulated

# Okabe and Ito's colours, which colour-blind readers can tell apart.
_COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7")
_BINS = 80
_MICROS = 1_000_000
_SIZE, _DPI = (14, 9), 110
_CLIPPED = 0.001


def save_plot(simulated: Simulated, title: str, path: Path) -> None:
    """Draw to a file, its format by the file's suffix.

    Raises ImportError without matplotlib, ValueError for a format it does not know, OSError for a file that
    can't be written.
    """
    import matplotlib as mpl  # noqa: PLC0415 - an optional extra

    # No window: chosen before pyplot would look for a display. The figure is made without pyplot's registry.
    mpl.use("agg")
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    figure.suptitle(title)
    left, right = np.asarray(figure.subfigures(1, 2, width_ratios=(1, 1.25)))
    _distributions(left, simulated)
    _curves(right, simulated)
    figure.savefig(path)


def _distributions(figure: Any, simulated: Simulated) -> None:
    """Draw one row for each strategy, on one scale: how many parlays ended with which result."""
    rows = figure.subplots(len(simulated.outcomes), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    edges = _edges(simulated)
    figure.suptitle("Result per parlay (dollars; number of parlays, log scale)", fontsize="medium")
    for row, outcome, (dollars, counts), colour in zip(
        rows, simulated.outcomes, simulated.distributions, _COLOURS, strict=False
    ):
        row.hist(np.clip(dollars, edges[0], edges[-1]), bins=edges, weights=counts, color=colour, alpha=0.6)
        row.set_yscale("log")
        row.axvline(0, color="grey", linewidth=0.8)
        row.axvline(float(outcome.expected.dollars), color=colour, linestyle="--", linewidth=1.5)
        words = (
            f"{outcome.strategy.value}: expected {outcome.expected.dollars:.2f}, "
            f"sd {outcome.sd.dollars:.0f}, worst {outcome.worst.dollars:.0f}"
        )
        row.set_title(words, loc="left", fontsize="small", pad=2)
    rows[-1].set_xlabel("dollars; dashed: expected result")


def _edges(simulated: Simulated) -> Floats:
    """Give bins from the worst result to where all but a thousandth of the results of each strategy lie."""
    low = min(dollars[0] for dollars, _ in simulated.distributions)
    high = max(_below(dollars, counts) for dollars, counts in simulated.distributions)
    return np.linspace(low, max(high, low + 1), _BINS + 1)


def _below(dollars: Floats, counts: Ints) -> float:
    shares = counts.cumsum() / counts.sum()
    return float(dollars[int((shares < 1 - _CLIPPED).sum())])


def _curves(figure: Any, simulated: Simulated) -> None:
    numbers, sums, falls = simulated.curve
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1))
    for place, outcome in enumerate(simulated.outcomes):
        style = {"color": _COLOURS[place], "linewidth": 1.4}
        upper.plot(numbers, sums[place] / _MICROS, label=outcome.strategy.value, **style)
        lower.plot(numbers, -falls[place] / _MICROS, **style)
    for axes, title in (
        (upper, "Cumulated result (dollars)"),
        (lower, "Fall from the highest so far"),
    ):
        axes.set_title(title, fontsize="medium")
        axes.grid(alpha=0.3)
        axes.axhline(0, color="grey", linewidth=0.8)
        axes.yaxis.set_major_formatter("{x:,.0f}")
    upper.legend(loc="best", ncols=2)
    lower.xaxis.set_major_formatter("{x:,.0f}")
    lower.set_xlabel("parlays settled")
