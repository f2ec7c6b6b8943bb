"""Import and export: records per second, and the CPU time of Python and of PostgreSQL for each record.

Each round imports one file into a new organization and exports it again, with the code of this checkout and of the one beside
it in turn, over one database. With `--rows`, the table has so many clients before. With `--csv`, the file is a table with every
field.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import asyncpg

from app.clients.transfer.exporting import ExportOptions
from app.clients.transfer.service import export_clients
from app.ids import new_id
from app.storage.database import Database
from app.storage.migrations import migrate
from benchmarks import scale
from benchmarks.beside import QUIET, python_of
from benchmarks.ground import ROOT, fresh_database
from benchmarks.meters import Meter, find_postmaster, memory_of, meter_postgres
from benchmarks.report import Target, render_table

LEAST_EXPORT, LEAST_IMPORT_RATIO = 50_000, 1.3
"""The targets: records per second, and the ratio to the checkout beside."""


@dataclass
class Cost:
    """What one checkout needed in each round: seconds, and CPU seconds of Python and of PostgreSQL, for each record.

    `memory` is the most of the process until then, in MB.
    """

    seconds: list[float] = field(default_factory=list)
    python: list[float] = field(default_factory=list)
    postgres: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return 1 / median(self.seconds)

    def cells(self) -> list[str]:
        times = [f"{median(values) * 1e6:.1f}" for values in (self.python, self.postgres)]
        return [f"{self.rate:,.0f}", *times, f"{median(self.memory):.0f}"]


async def write_file(url: str, path: Path, records: int) -> None:
    """Writes a file of clients, as an export of another organization."""
    connection = await asyncpg.connect(url)
    organization = scale.organization_id(records)
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM organizations WHERE id = $1)", organization):
        script = (ROOT / "benchmarks" / "scale.sql").read_text()
        script = script.replace(":organization", f"'{organization}'").replace(":clients", str(records))
        await connection.execute(script)
    await connection.close()
    database = Database(url)
    with path.open("wb") as file:
        await export_clients(
            database, organization, file.write, ExportOptions("csv" if path.suffix == ".csv" else "jsonl")
        )
    await database.close()


async def add_organization(url: str) -> str:
    connection = await asyncpg.connect(url)
    organization = new_id()
    await connection.execute("INSERT INTO organizations (id, name) VALUES ($1, 'Imported')", organization)
    await connection.close()
    return organization


def measure_step(process: "subprocess.Popen[str]", meter: Meter, cost: Cost) -> None:
    """Reads what one step of transfer_once.py cost, adds PostgreSQL's part, and lets the process go on."""
    assert process.stdin
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("The process of the import ended early")
    figures = json.loads(line)
    records = figures["records"]
    cost.seconds.append(figures["seconds"] / records)
    cost.python.append(figures["cpu"] / records)
    cost.postgres.append(meter.read() / records)
    cost.memory.append(memory_of(process.pid)[1])
    meter.start()
    process.stdin.write("\n")
    process.stdin.flush()


def measure(folder: Path, url: str, file: Path, meter: Meter, costs: dict[str, Cost]) -> None:
    """One import and one export with the code of a checkout."""
    organization = asyncio.run(add_organization(url))
    program = str(ROOT / "benchmarks" / "transfer_once.py")
    command = [python_of(folder), "-P", program, str(folder), str(file), organization]
    environment = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(folder)}
    meter.start()
    with subprocess.Popen(  # noqa: S603 - the command is the benchmark's own
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        for step in ("import", "export"):
            measure_step(process, meter, costs[step])


def run(options: argparse.Namespace) -> int:
    """Prints the costs and the targets. Returns 1 when a target is not reached and `unbounded` is not set, else 0."""
    folders = [ROOT, *([Path(options.beside).resolve()] if options.beside else [])]
    costs = {folder: {"import": Cost(), "export": Cost()} for folder in folders}
    with ExitStack() as stack:
        url = options.database_url or stack.enter_context(fresh_database(QUIET))
        asyncio.run(migrate(Database(url)))
        if options.rows:
            asyncio.run(scale.load(url, options.rows))
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clientele-bench-")))
        file = scratch / ("records.csv" if options.csv else "records.jsonl")
        asyncio.run(write_file(url, file, options.records))
        meter = meter_postgres(asyncio.run(find_postmaster(url)))
        for turn in range(options.rounds):
            print(f"round {turn + 1} of {options.rounds}", file=sys.stderr, flush=True)
            for folder in folders if turn % 2 == 0 else reversed(folders):
                measure(folder, url, file, meter, costs[folder])
    return show(costs, options)


def show(costs: dict[Path, dict[str, Cost]], options: argparse.Namespace) -> int:
    names = ["this checkout", "the other one"]
    rows = [
        [name, step, *cost.cells()]
        for name, steps in zip(names, costs.values(), strict=False)
        for step, cost in steps.items()
    ]
    heads = ["", "", "records/s", "Python µs", "PostgreSQL µs", "memory MB"]
    targets = [] if options.csv else make_targets(list(costs.values()))
    kind = "rows of CSV" if options.csv else "records"
    table = f"a table of {options.rows or 0:,} clients"
    print(f"{options.records:,} {kind} into {table}, medians of {options.rounds} rounds\n")
    print("\n".join(render_table(heads, rows, texts=2)), end="\n\n")
    if not targets:
        return 0
    print("\n".join(render_table(["target", "bound", "measured", ""], [each.cells() for each in targets], texts=2)))
    return 1 if any(target.verdict == "short" for target in targets) and not options.unbounded else 0


def make_targets(costs: list[dict[str, Cost]]) -> list[Target]:
    """The targets: those of the import only beside another checkout."""
    this = costs[0]
    targets = [Target("export, records per second", LEAST_EXPORT, this["export"].rate)]
    if len(costs) > 1:
        others = costs[1]["import"].seconds
        ratio = median(other / own for own, other in zip(this["import"].seconds, others, strict=True))
        targets.append(Target("import, by the other checkout", LEAST_IMPORT_RATIO, ratio))
    return targets
