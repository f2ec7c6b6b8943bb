"""The report of a comparison: Markdown tables of the rows and of the targets."""

import argparse
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from benchmarks.cases import ORGANIZATIONS
from benchmarks.load import WRK, Load
from benchmarks.meters import count_processors
from benchmarks.peers import TARGETS as PEER_TARGETS

MOST_SPREAD = 3.0
"""The highest 99th percentile of the times of responses, as a multiple of the 50th."""
MOST_MEMORY = 200
"""The most MB of the service."""


@dataclass(frozen=True)
class Memory:
    """The memory of the service in MB: before and after the load, and the most that it ever had."""

    before: float
    after: float
    most: float


@dataclass(frozen=True)
class Target:
    """A target, its bound, and what was measured. With `at_most`, the bound is the highest value."""

    name: str
    bound: float
    measured: float
    at_most: bool = False

    @property
    def verdict(self) -> str:
        passes = self.measured <= self.bound if self.at_most else self.measured >= self.bound
        return "pass" if passes else "short"

    def cells(self) -> list[str]:
        bound = f"at {'most' if self.at_most else 'least'} {self.bound:g}"
        return [self.name, bound, f"{self.measured:.2f}", self.verdict]


@dataclass(frozen=True, kw_only=True)
class RowFigures:
    """The rounds of one row: the service's loads, those of the bare handler and of the peer, and CPU times in µs."""

    name: str
    api: str
    least: float | None
    loads: Sequence[Load]
    bare: Sequence[Load]
    peer: Sequence[Load]
    service_cpu: Sequence[float]
    postgres_cpu: Sequence[float]

    @property
    def title(self) -> str:
        return f"{self.name}, {self.api}"

    @property
    def ratio(self) -> float:
        """The median of the ratios of the rounds: a disturbance of a whole round changes both sides."""
        return median_ratio(self.loads, self.bare)

    @property
    def spread(self) -> float:
        """The typical ratio of the 99th percentile to the 50th."""
        return median(load.p99 / load.p50 for load in self.loads)

    def cells(self) -> list[str]:
        p50, p99 = (median(getattr(load, name) for load in self.loads) for name in ("p50", "p99"))
        return [
            self.name,
            self.api,
            f"{median_rate(self.loads):,.0f}",
            f"{median_rate(self.bare):,.0f}",
            f"{median_rate(self.peer):,.0f}" if self.peer else "",
            f"{p50:.2f}",
            f"{p99:.2f}",
            f"{median(self.service_cpu):.0f}",
            f"{median(self.postgres_cpu):.0f}",
        ]


def median_rate(loads: Sequence[Load]) -> float:
    return median(load.rate for load in loads)


def median_ratio(loads: Sequence[Load], others: Sequence[Load]) -> float:
    return median(load.rate / other.rate for load, other in zip(loads, others, strict=True))


@dataclass(frozen=True, kw_only=True)
class Report:
    options: argparse.Namespace
    versions: Sequence[str]
    rows: Sequence[RowFigures]
    memory: Memory

    @property
    def targets(self) -> list[Target]:
        """Every target of the rows that were measured."""
        targets = [Target(f"{row.title}: by the bare handler", row.least, row.ratio) for row in self.rows if row.least]
        targets += [
            Target(f"{row.title}: by PostGraphile", PEER_TARGETS[row.name], median_ratio(row.loads, row.peer))
            for row in self.rows
            if row.peer
        ]
        if self.rows:
            worst = max(self.rows, key=lambda row: row.spread)
            targets.append(Target(f"p99 by p50, worst row ({worst.title})", MOST_SPREAD, worst.spread, at_most=True))
        return [*targets, Target("memory of the service in MB", MOST_MEMORY, self.memory.most, at_most=True)]

    @property
    def is_short(self) -> bool:
        return any(target.verdict == "short" for target in self.targets)

    def render(self) -> str:
        heads = ["", "API", "service/s", "bare/s", "PostGraphile/s", "p50 ms", "p99 ms", "CPU µs", "PostgreSQL µs"]
        short = sum(target.verdict == "short" for target in self.targets)
        return "\n".join(
            [
                self._describe(),
                "",
                *render_table(heads, [row.cells() for row in self.rows], texts=2),
                "",
                self._describe_memory(),
                "",
                *render_table(["target", "bound", "measured", ""], [each.cells() for each in self.targets], texts=2),
                "",
                f"{short} of {len(self.targets)} targets are short." if short else "All targets pass.",
            ]
        )

    def _describe(self) -> str:
        options, load = self.options, "wrk" if WRK else "a Python load generator, which slows fast rows down"
        versions = ", ".join([f"Python {platform.python_version()}", *self.versions])
        log = "with" if options.access_log else "without"
        return (
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {versions}; {count_processors()} processors. "
            f"{options.rows:,} clients in {ORGANIZATIONS} organizations; one process {log} the access log; "
            f"medians of {options.rounds} rounds of {options.seconds:g} s, {options.connections} connections, load by {load}."
        )

    def _describe_memory(self) -> str:
        memory = self.memory
        return (
            f"Memory of the service: {memory.before:.0f} MB before the load, {memory.after:.0f} MB after it, "
            f"{memory.most:.0f} MB at most."
        )


def render_table(heads: list[str], rows: list[list[str]], *, texts: int) -> list[str]:
    """Returns the lines of a Markdown table. The first `texts` columns are aligned on the left, the others on the right."""
    widths = [max(3, *(len(line[column]) for line in (heads, *rows))) for column in range(len(heads))]

    def render_line(cells: list[str]) -> str:
        padded = (
            cell.ljust(width) if column < texts else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if column < texts else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return [render_line(heads), render_line(rule), *map(render_line, rows)]
