"""Drawings for reports: inline SVG, coloured by the page's style sheet, each with a title and a description for screen readers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from typing import NamedTuple


class Line(NamedTuple):
    """One curve: its name, its class in the style sheet, and its points."""

    name: str
    style: str
    points: Sequence[tuple[float, float]]


class Dot(NamedTuple):
    """One point with a weight that sets its area, and the words of its tooltip."""

    x: float
    y: float
    weight: float
    title: str


class Pair(NamedTuple):
    """Two amounts under one label; None draws no bar."""

    label: str
    first: float | None
    second: float | None


class Span(NamedTuple):
    """A range with its middle, under one label."""

    label: str
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Frame:
    """The drawing area: from data to pixels, with room for axis labels.

    >>> frame = Frame(x_max=1.0, y_max=1.0)
    >>> frame.x(0.0) == frame.left, frame.y(0.0) == frame.height - frame.bottom
    (True, True)
    """

    x_max: float
    y_max: float
    width: int = 720
    height: int = 360
    left: int = 64
    right: int = 20
    top: int = 16
    bottom: int = 52
    parts: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        """Pixels from the left."""
        return round(self.left + value / self.x_max * (self.width - self.left - self.right), 1)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return round(self.height - self.bottom - value / self.y_max * (self.height - self.top - self.bottom), 1)

    def add(self, *parts: str) -> None:
        """Draw something more."""
        self.parts.extend(parts)

    def grid(self, values: Iterable[float], words: Callable[[float], str]) -> None:
        """Draw horizontal lines with their labels."""
        for value in values:
            y = self.y(value)
            self.add(f'<line class="grid" x1="{self.left}" x2="{self.width - self.right}" y1="{y}" y2="{y}"/>')
            self.add(_text(self.left - 8, y + 4, words(value), "end"))

    def feet(self, values: Iterable[float], words: Callable[[float], str]) -> None:
        """Label the horizontal axis."""
        for value in values:
            self.add(_text(self.x(value), self.height - self.bottom + 18, words(value), "middle"))

    def axis_titles(self, below: str, beside: str) -> None:
        """Say what the axes are."""
        middle = (self.left + self.width - self.right) / 2
        self.add(_text(middle, self.height - 10, below, "middle", "axis"))
        height = (self.top + self.height - self.bottom) / 2
        self.add(f'<text class="axis" text-anchor="middle" transform="translate(14 {height}) rotate(-90)">{escape(beside)}</text>')

    def close(self, title: str, description: str) -> str:
        """Return the drawing."""
        head = f'<svg viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(title)}. {escape(description)}">'
        return "\n".join([head, f"<title>{escape(title)}</title>", *self.parts, "</svg>"])


def curves(lines: Sequence[Line], *, title: str, description: str, below: str, beside: str) -> str:
    """Draw curves over shares from 0 to 1 on both axes; the first line is drawn last, on top."""
    frame = Frame(x_max=1.0, y_max=1.0)
    frame.grid(_FIFTHS, _percent)
    frame.feet(_FIFTHS, _percent)
    frame.axis_titles(below, beside)
    for line in reversed(lines):
        points = " ".join(f"{frame.x(x)},{frame.y(y)}" for x, y in line.points)
        frame.add(f'<polyline class="line {line.style}" points="{points}"><title>{escape(line.name)}</title></polyline>')
    return frame.close(title, description)


def reliability(dots: Sequence[Dot], *, title: str, description: str, below: str, beside: str) -> str:
    """Draw predicted against observed shares with the line on which both agree; both axes end above the largest value."""
    top = _ceiling(max([0.1, *(dot.x for dot in dots), *(dot.y for dot in dots)]), steps=(0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0))
    frame = Frame(x_max=top, y_max=top, width=460, height=420, left=64)
    ticks = [top * i / 5 for i in range(6)]
    frame.grid(ticks, _percent)
    frame.feet(ticks, _percent)
    frame.axis_titles(below, beside)
    frame.add(f'<line class="even" x1="{frame.x(0)}" y1="{frame.y(0)}" x2="{frame.x(top)}" y2="{frame.y(top)}"/>')
    largest = max([1.0, *(dot.weight for dot in dots)])
    for dot in dots:
        radius = round(4 + 10 * math.sqrt(dot.weight / largest), 1)
        place = f'cx="{frame.x(dot.x)}" cy="{frame.y(dot.y)}" r="{radius}"'
        frame.add(f'<circle class="dot" {place}><title>{escape(dot.title)}</title></circle>')
    return frame.close(title, description)


def pairs(bars: Sequence[Pair], *, title: str, description: str, beside: str, words: Callable[[float], str]) -> str:
    """Draw two bars for each label, the first one paler."""
    top = nice_ceiling(max([1.0, *(value for bar in bars for value in (bar.first, bar.second) if value is not None)]))
    frame = Frame(x_max=max(1.0, float(len(bars))), y_max=top)
    frame.grid([top * i / 4 for i in range(5)], words)
    frame.axis_titles("", beside)
    every = max(1, math.ceil(len(bars) / 12))
    for i, bar in enumerate(bars):
        for value, start, style in ((bar.first, 0.14, "first"), (bar.second, 0.50, "second")):
            if value is not None and value > 0:
                frame.add(_bar(frame, i + start, 0.36, value, style, f"{bar.label}: {words(value)}"))
        if i % every == 0:
            frame.add(_text(frame.x(i + 0.5), frame.height - frame.bottom + 18, bar.label, "middle"))
    return frame.close(title, description)


def ranges(
    rows: Sequence[Span], *, low: float, high: float, title: str, description: str, words: Callable[[float], str], mark: float = 0.0
) -> str:
    """Draw ranges one below the other from left to right, with a line at the mark."""
    frame = Frame(x_max=1.0, y_max=float(len(rows)), height=70 + 56 * len(rows), left=150)
    span = (high - low) or 1.0

    def x(value: float) -> float:
        return frame.x((value - low) / span)

    for i in range(5):
        value = low + span * i / 4
        frame.add(f'<line class="grid" x1="{x(value)}" x2="{x(value)}" y1="{frame.top}" y2="{frame.height - frame.bottom}"/>')
        frame.add(_text(x(value), frame.height - frame.bottom + 18, words(value), "middle"))
    frame.add(f'<line class="even" x1="{x(mark)}" x2="{x(mark)}" y1="{frame.top}" y2="{frame.height - frame.bottom}"/>')
    for i, row in enumerate(rows):
        y = frame.y(len(rows) - i - 0.5)
        said = f"{row.label}: {words(row.middle)}, from {words(row.low)} to {words(row.high)}"
        frame.add(_text(frame.left - 10, y + 4, row.label, "end"))
        frame.add(f'<line class="span" x1="{x(row.low)}" x2="{x(row.high)}" y1="{y}" y2="{y}"><title>{escape(said)}</title></line>')
        frame.add(f'<circle class="dot" cx="{x(row.middle)}" cy="{y}" r="7"><title>{escape(said)}</title></circle>')
    return frame.close(title, description)


def dots_in_order(values: Sequence[float], *, title: str, description: str, below: str, beside: str) -> str:
    """Draw one dot for each value in order, the least one marked."""
    low, high = min(values), max(values)
    room = (high - low) or 1.0
    frame = Frame(x_max=float(len(values) + 1), y_max=1.0, height=260, left=92)
    frame.grid([0.1 + 0.2 * i for i in range(5)], lambda at: f"{low + room * (at - 0.1) / 0.8:.4f}")
    every = max(1, math.ceil(len(values) / 12))
    frame.feet([float(i + 1) for i in range(0, len(values), every)], lambda at: f"{at:.0f}")
    frame.axis_titles(below, beside)
    for i, value in enumerate(values):
        style = "dot outside" if value == low else "dot"
        place = f'cx="{frame.x(i + 1.0)}" cy="{frame.y(0.1 + 0.8 * (value - low) / room)}" r="6"'
        frame.add(f'<circle class="{style}" {place}><title>{i + 1}: {value:.4f}</title></circle>')
    return frame.close(title, description)


def nice_ceiling(value: float) -> float:
    """Return a round number not below the value, which quarters well.

    >>> nice_ceiling(873), nice_ceiling(1_001), nice_ceiling(0.3)
    (1000.0, 2000.0, 0.4)
    """
    size = 10.0 ** math.floor(math.log10(value))
    return _ceiling(value / size, steps=(1.0, 2.0, 4.0, 5.0, 8.0, 10.0)) * size


def nice_range(low: float, high: float) -> tuple[float, float]:
    """Return round ends around a range, with round quarters between them.

    >>> nice_range(-1_460.0, 4_671.0), nice_range(0.0, 900.0)
    ((-2000.0, 6000.0), (0.0, 1600.0))
    """
    step = nice_ceiling((high - low) / 4.0)
    while math.floor(low / step) * step + 4.0 * step < high:
        step = nice_ceiling(step * 1.01)
    start = math.floor(low / step) * step
    return start, start + 4.0 * step


def alone(drawing: str) -> str:
    """Return a drawing as a file of its own, with its size and the colours of the reports' style sheet inside.

    >>> alone('<svg viewBox="0 0 72 36"></svg>').partition(" style")[0]
    '<svg xmlns="http://www.w3.org/2000/svg" width="72" height="36"'
    """
    style = files("recoup.report").joinpath("templates/style.css").read_text()
    head, _, rest = drawing.partition(">")
    width, height = head.partition('viewBox="0 0 ')[2].partition('"')[0].split()
    # A viewer that shows a file knows no page to take a size from.
    opened = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" style="background: var(--card)" '
    return f"{head.replace('<svg ', opened, 1)}>\n<style>{escape(style, quote=False)}</style>{rest}\n"


_FIFTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def _ceiling(value: float, *, steps: Sequence[float]) -> float:
    return next((step for step in steps if value <= step * (1 + 1e-9)), steps[-1])


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _text(x: float, y: float, words: str, anchor: str, style: str = "tick") -> str:
    return f'<text class="{style}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def _bar(frame: Frame, start: float, width: float, value: float, style: str, title: str) -> str:
    left, right, top = frame.x(start), frame.x(start + width), frame.y(value)
    size = f'width="{right - left:.1f}" height="{frame.y(0) - top:.1f}"'
    return f'<rect class="bar {style}" x="{left}" y="{top}" {size}><title>{escape(title)}</title></rect>'
