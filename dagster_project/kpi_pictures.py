"""Pictures of the KPIs as PNG: white ground, so that they read in a light and in a dark UI.

Colours are Okabe and Ito's, which people with any colour vision tell apart. matplotlib is imported
when something has to be drawn, and nothing is drawn twice: a picture is kept by the digest of its data.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from math import ceil, sqrt
from pathlib import Path
from typing import Any

from senders.contract import CHANNELS

Row = Sequence[Any]
INK, GREY, PALE = "#222222", "#8c8c8c", "#d9d9d9"
BLUE, ORANGE, GREEN, YELLOW, SKY, RED, PURPLE = (
    "#0072b2", "#e69f00", "#009e73", "#f0e442", "#56b4e9", "#d55e00", "#cc79a7",
)  # fmt: skip
CHANNEL_COLOURS = dict(zip(CHANNELS, (BLUE, ORANGE, GREEN, PURPLE, SKY, RED), strict=True))
# A reason keeps its colour from tick to tick; what is not named here is "other".
REASON_COLOURS = {
    "sent": GREEN, "holdout": BLUE, "no_consent": ORANGE, "no_address": YELLOW, "capped": RED,
    "quiet_hours": PURPLE, "exited": SKY, "suppressed": INK, "condition_not_met": GREY, "other": PALE,
}  # fmt: skip
STAGES = ("entered", "sent", "delivered", "clicked", "converted")
STAGE_COLOURS = (GREY, SKY, BLUE, PURPLE, GREEN)
FUNNELS_A_ROW = 4
Z95 = 1.959964  # normal quantile of a 95 % interval


def picture(draw: Callable[[Any, Any], None], data: Any, folder: Path | None) -> bytes:
    """The PNG that `draw(figure, data)` makes, at 100 dots an inch.

    `data` is anything that JSON can hold (times as text). `folder` keeps one PNG for each `draw`.
    """
    told = json.dumps(data, default=str) + Path(__file__).read_text()
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    kept = folder and folder / f"{draw.__name__}-{digest}.png"
    if kept and kept.exists():
        return kept.read_bytes()
    png = _render(draw, data, folder)
    if folder and kept:
        for old in folder.glob(f"{draw.__name__}-*.png"):
            old.unlink()
        kept.write_bytes(png)
    return png


def _render(draw: Callable[[Any, Any], None], data: Any, folder: Path | None) -> bytes:
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        # matplotlib looks for fonts once and writes down where they are; a home it cannot write to
        # would have it look in every tick.
        os.environ["MPLCONFIGDIR"] = str(folder)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(dpi=100, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    draw(figure, data)
    canvas.draw()
    # Few colours: a third of the bytes, which the event log keeps for every tick.
    image = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())
    image = image.convert("RGB").quantize(64, Image.Quantize.FASTOCTREE)
    png = io.BytesIO()
    image.save(png, "PNG", optimize=True)
    return png.getvalue()


def bare(axes: Any, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
    axes.tick_params(colors=INK, labelsize=9, length=0)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_axisbelow(True)


def funnel(figure: Any, data: Sequence[Row]) -> None:
    """`data`: journey, then the entries that came to each of STAGES (None: a stage it does not have)."""
    rows = ceil(len(data) / FUNNELS_A_ROW)
    height = 0.5 + 2.5 * rows
    figure.set_size_inches(10, height)
    figure.suptitle("How far entries came", x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK)
    figure.subplots_adjust(
        left=0.09, right=0.97, top=1 - 0.65 / height, bottom=0.35 / height, wspace=0.12, hspace=0.4
    )
    for number, (journey, *counts) in enumerate(data):
        axes = figure.add_subplot(rows, min(len(data), FUNNELS_A_ROW), number + 1)
        bare(axes, journey)
        axes.barh(range(5), [count or 0 for count in counts], color=STAGE_COLOURS, height=0.7)
        for place, count in enumerate(counts):
            share = f"  {count / counts[0]:.0%}" if count is not None and counts[0] else ""
            told = "no goal" if count is None else f"{count:,}{share}"
            axes.text((count or 0) + counts[0] * 0.03, place, told, va="center", fontsize=9, color=INK)
        axes.set(ylim=(4.6, -0.6), xlim=(0, max(counts[0], 1) * 1.75), xticks=[])
        axes.set_yticks(range(5), [""] * 5 if number % FUNNELS_A_ROW else STAGES)
        axes.set_xlabel("entries, % of entered", fontsize=9, color=GREY, loc="left")


def over_time(figure: Any, data: Any) -> None:
    """`data`: bin (minute, hour, day), then (moment, name, amount) of decisions and of messages."""
    bin_name, decisions, messages = data
    figure.set_size_inches(10, 5)
    figure.subplots_adjust(left=0.07, right=0.82, top=0.92, bottom=0.09, hspace=0.38)
    above, below = figure.subplots(2, 1, sharex=True)
    stack(above, messages, CHANNEL_COLOURS, bin_name)
    bare(above, f"Messages that a provider took, a {bin_name} (UTC), by channel")
    stack(below, decisions, REASON_COLOURS, bin_name)
    bare(below, f"Decisions a {bin_name} (UTC), by reason")
    for axes, unit in ((above, "messages"), (below, "decisions")):
        axes.set_ylabel(unit, fontsize=9, color=INK)
        axes.grid(axis="y", color=PALE, linewidth=0.6)
        axes.yaxis.get_major_locator().set_params(integer=True, nbins=4)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(
                loc="upper left",
                bbox_to_anchor=(1.01, 1.03),
                frameon=False,
                fontsize=9,
                handlelength=1,
                reverse=True,
            )
    name_times(below)


def stack(axes: Any, rows: Sequence[Row], colours: dict[str, str], bin_name: str) -> None:
    """One outline a name, not a bar for each moment: 180 minutes cost no more to draw than 30 days."""
    if not rows:
        return
    width = timedelta(**{f"{bin_name}s": 1})
    moments = [datetime.fromisoformat(moment) for moment, _, _ in rows]
    first = min(moments)
    bars = (max(moments) - first) // width + 1
    edges = [first + width * number for number in range(bars + 1)]
    floor = [0] * bars
    for name, colour in colours.items():
        top = floor.copy()
        for moment, (_, given, amount) in zip(moments, rows, strict=True):
            if given == name or (name == "other" and given not in colours):
                top[(moment - first) // width] += amount
        if top != floor:
            axes.stairs(top, edges, baseline=floor, fill=True, color=colour, label=name)
        floor = top


def name_times(axes: Any) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def arms(figure: Any, data: Sequence[Row]) -> None:
    """`data`: journey, treated people, those who converted, control people, those who converted."""
    figure.set_size_inches(10, 1.3 + 0.75 * len(data))
    figure.suptitle(
        "People who reached the goal", x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK
    )
    axes = figure.add_axes((0.14, 0.6 / figure.get_figheight(), 0.54, 1 - 1.2 / figure.get_figheight()))
    bare(axes, "")
    marks = (("treated", BLUE, "o", -0.13), ("control: held out", ORANGE, "s", 0.13))
    for place, (_, *counts) in enumerate(data):
        for (label, colour, mark, offset), people, converted in zip(
            marks, counts[::2], counts[1::2], strict=True
        ):
            if people:
                low, high = wilson(converted, people)
                axes.plot([low * 100, high * 100], [place + offset] * 2, color=colour, linewidth=2.5)
                axes.plot(
                    converted / people * 100,
                    place + offset,
                    mark,
                    color=colour,
                    label=label,
                    markersize=7,
                    clip_on=False,
                )
        axes.text(
            1.03, place, _verdict(*counts), transform=axes.get_yaxis_transform(), va="center", fontsize=9
        )
    axes.set_yticks(range(len(data)), [row[0] for row in data], fontsize=10)
    axes.set(ylim=(len(data) - 0.5, -0.5), xlim=(0, None))
    axes.set_xlabel("% of people exposed, with 95 % interval", fontsize=9, color=INK)
    axes.xaxis.get_major_locator().set_params(integer=True, nbins=8)
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    named = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(named.values(), named.keys(), loc="upper right", ncols=2, frameon=False, fontsize=9)


def _verdict(treated: int, converted: int, control: int, control_converted: int) -> str:
    sizes = f"{converted:,} of {treated:,} treated\n{control_converted:,} of {control:,} control"
    if not (treated and control):
        return f"{sizes}\nno comparison without both"
    low, high = difference(converted, treated, control_converted, control)
    points = (converted / treated - control_converted / control) * 100
    return f"{points:+.1f} points ({low * 100:+.1f} to {high * 100:+.1f})\n{sizes}"


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """95 % score interval of a share (E. B. Wilson, 1927); sound for few trials and at 0 and 1."""
    share = successes / trials
    centre = (share + Z95**2 / (2 * trials)) / (1 + Z95**2 / trials)
    half = Z95 * sqrt(share * (1 - share) / trials + Z95**2 / (4 * trials**2)) / (1 + Z95**2 / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


def difference(successes: int, trials: int, other_successes: int, other_trials: int) -> tuple[float, float]:
    """95 % interval of the difference of two shares (R. G. Newcombe, 1998, method 10: from Wilson's)."""
    share, other = successes / trials, other_successes / other_trials
    low, high = wilson(successes, trials)
    other_low, other_high = wilson(other_successes, other_trials)
    below = sqrt((share - low) ** 2 + (other_high - other) ** 2)
    above = sqrt((high - share) ** 2 + (other - other_low) ** 2)
    return share - other - below, share - other + above
