"""Two checkouts side by side: the CPU time per request of this checkout and of another one, interleaved in one run.

Each checkout runs in a process of its own, with its own code and a database that its own migrations made. Both databases
hold the same rows in one PostgreSQL. PostgreSQL's time is not counted, and neither are sockets.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import IO, Any
from urllib.parse import urlsplit

import asyncpg
import orjson

from benchmarks.cases import FIELDS, IN_GRAPHQL, IN_V1, ORGANIZATIONS, make_cases
from benchmarks.ground import HIGH_RATES, ROOT, fresh_database
from benchmarks.load import HttpRequest
from benchmarks.requests import ORGANIZATION, RequestBuilder

EMAIL = "beside@clientele.example"
CLIENT_ID = f"{4:024x}"
"""A client of ORGANIZATION in rows.sql."""
CHANGES = 5
WARM_UP = 30
"""Requests before the first measurement: statements are prepared, and caches are filled."""
REPEATS = 3
"""The most times that the rows over the limit are measured again, after all other rows, before they are judged."""
PAUSE_BEFORE_WRITES = 0.1
"""Seconds before a round of writes. A commit wakes the readers of changes, in the background and at most every 50 ms.
After the pause, every round has the same share of that work."""
QUIET = {"autovacuum": "off"}
"""PostgreSQL's settings: nothing runs in one of the two databases only."""


@dataclass(frozen=True)
class Row:
    """One request that is measured. `api` is GraphQL, v1 or Customers."""

    api: str
    name: str
    request: HttpRequest

    @property
    def pause(self) -> float:
        """The seconds to wait before a round."""
        return PAUSE_BEFORE_WRITES if self.name == "create" else 0.0


@dataclass
class Checkout:
    """A running checkout: its process and a token for its service."""

    folder: Path
    token: str
    process: subprocess.Popen[str]

    def send(self, request: HttpRequest, count: int = 1, pause: float = 0.0) -> dict[str, Any]:
        """Sends a request `count` times after `pause` seconds. Raises RuntimeError for an error or a process that has ended."""
        message = {
            "method": request.method,
            "path": request.path,
            "headers": request.headers,
            "body": request.body.decode(),
            "count": count,
            "pause": pause,
        }
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"The process of {self.folder} ended with {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if answer["status"] not in (200, 201) or '"errors":' in answer["body"][-1000:]:
            raise RuntimeError(f"{self.folder} {request.path}: {answer['status']}: {answer['body'][:500]}")
        return answer


@dataclass
class Timing:
    """The measurements of one row, in microseconds of CPU time per request."""

    this: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """This checkout's lower quartile by the other one's: what disturbs a round only makes it slower."""
        return lower_quartile(self.this) / lower_quartile(self.other)


def lower_quartile(values: list[float]) -> float:
    return quantiles(values, n=4, method="inclusive")[0] if len(values) > 1 else values[0]


def make_rows(token: str, changed_id: str) -> list[Row]:
    """Returns every row. `changed_id` is a client with a history."""
    builder = RequestBuilder(token)
    search = f'{{ clients({IN_GRAPHQL}, first: 20, search: "main street") {{ nodes {{ {FIELDS} }} }} }}'
    nested = f"{{ clients({IN_GRAPHQL}, first: 20) {{ nodes {{ {FIELDS} organization {{ name }} }} }} }}"
    history = f'{{ client(id: "{changed_id}") {{ history(first: 20) {{ nodes {{ action at version }} }} }} }}'
    include = "%7B%22limit%22%3A20%2C%22include%22%3A%22organization%22%7D"
    return [
        *(Row(case.api, case.name, case.service) for case in make_cases(token, CLIENT_ID)),
        Row("v1", "search", builder.v1(f"{IN_V1}/search?term=main%20street")),
        Row(
            "Customers",
            "search",
            builder.customers("/customers?limit=20&include_total_count=false&search=main%20street"),
        ),
        Row("GraphQL", "search", builder.graphql(search)),
        Row("v1", "page of 20, organization", builder.v1(f"{IN_V1}?filter={include}")),
        Row("GraphQL", "page of 20, organization", builder.graphql(nested)),
        Row("GraphQL", "history", builder.graphql(history)),
    ]


def make_history(checkout: Checkout) -> str:
    """Creates a client and changes it a few times. Returns its id."""
    builder = RequestBuilder(checkout.token)
    created = orjson.loads(checkout.send(builder.v1(IN_V1, {"name": "Changed Ltd"}))["body"])["id"]
    for number in range(CHANGES):
        mutation = f'updateClient(id: "{created}", input: {{ note: "change {number}" }}) {{ client {{ id }} }}'
        checkout.send(builder.graphql(f"mutation {{ {mutation} }}"))
    return str(created)


def python_of(folder: Path) -> str:
    """The checkout's own Python, or this one where the checkout has no .venv."""
    own = folder / ".venv" / "bin" / "python"
    return str(own) if own.exists() else sys.executable


def environment_of(folder: Path, url: str, data_dir: str, access_log: bool) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLIENTELE_")}
    own = {"DATABASE_URL": url, "CLIENTELE_DATA_DIR": data_dir, "PYTHONPATH": str(folder), "PYTHONHASHSEED": "0"}
    return kept | HIGH_RATES | own | {"CLIENTELE_ACCESS_LOG": str(access_log).lower()}


async def make_database(url: str, name: str) -> str:
    """Creates an empty database beside the one that `url` names. Returns its address."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    finally:
        await connection.close()
    return urlsplit(url)._replace(path=f"/{name}").geturl()


async def fill_database(url: str, clients: int) -> None:
    """Inserts the rows, and gives the account its organization."""
    script = (ROOT / "benchmarks" / "rows.sql").read_text()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script.replace(":organizations", str(ORGANIZATIONS)).replace(":clients", str(clients)))
        await connection.execute(
            "INSERT INTO account_organizations (account_id, organization_id) SELECT id, $2 FROM accounts WHERE email = $1",
            EMAIL,
            ORGANIZATION,
        )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def run_command(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    """Runs a command of the checkout's own `clientele` and returns what it printed. Raises RuntimeError when it fails."""
    command = [python_of(folder), "-m", "app", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - the command is the benchmark's own
    if done.returncode:
        raise RuntimeError(f"{folder}: clientele {' '.join(arguments)} failed: {done.stderr}")
    return done.stdout.strip()


@contextmanager
def run_checkout(folder: Path, url: str, clients: int, *, access_log: bool = False) -> Iterator[Checkout]:
    """Migrates and fills the database with the checkout's own code, and runs the checkout over it.

    Its log goes to a file that is deleted. Checkouts from before the access log cannot write one in process.
    """
    with tempfile.TemporaryDirectory(prefix="clientele-beside-") as data_dir, tempfile.TemporaryFile() as log:
        environment = environment_of(folder, url, data_dir, access_log)
        run_command(folder, environment, "migrate")
        run_command(folder, environment, "account", "create", EMAIL)
        asyncio.run(fill_database(url, clients))
        token = run_command(folder, environment, "token", "create", "--account", EMAIL)
        program = [python_of(folder), "-P", str(ROOT / "benchmarks" / "in_process.py"), str(folder)]
        with subprocess.Popen(  # noqa: S603 - the command is the benchmark's own
            program, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process:
            try:
                yield Checkout(folder, token, process)
            except RuntimeError:
                show_end(log)
                raise


def show_end(log: IO[bytes]) -> None:
    """Prints the last lines of a log."""
    log.seek(0)
    print(log.read().decode(errors="replace")[-3000:], file=sys.stderr)


@dataclass
class Comparison:
    """One row's requests to both checkouts, and what they cost so far."""

    row: Row
    other_row: Row
    timing: Timing = field(default_factory=Timing)

    def measure(self, this: Checkout, other: Checkout, options: argparse.Namespace) -> None:
        """Warms both up, and measures them in alternating rounds."""
        pair = [(this, self.row.request, self.timing.this), (other, self.other_row.request, self.timing.other)]
        for checkout, request, _ in pair:
            checkout.send(request, WARM_UP)
        for _ in range(options.rounds):
            pair.reverse()
            for checkout, request, measured in pair:
                measured.append(checkout.send(request, options.requests, self.row.pause)["microseconds"])

    def describe(self, limit: float) -> str:
        timing = self.timing
        times = f"{median(timing.other):9.0f}{median(timing.this):9.0f}{timing.ratio:8.3f}"
        return f"{self.row.name:26}{self.row.api:11}{times}{'  SLOWER' if timing.ratio > limit else ''}"


def run(options: argparse.Namespace) -> int:
    """Prints a line for each row. Returns 1 when this checkout is over the limit in one of them, else 0."""
    other_folder = Path(options.beside).resolve()
    if not (other_folder / "app" / "main.py").is_file():
        raise SystemExit(f"--beside: {other_folder} is not a checkout of Clientele; it has no app/main.py")
    with ExitStack() as stack:
        url = options.database_url or stack.enter_context(fresh_database(QUIET))
        this, other = (
            stack.enter_context(run_checkout(folder, asyncio.run(make_database(url, name)), options.rows))
            for folder, name in ((ROOT, "beside_this"), (other_folder, "beside_other"))
        )
        return compare_checkouts(this, other, options)


def compare_checkouts(this: Checkout, other: Checkout, options: argparse.Namespace) -> int:
    print(f"CPU time per request in µs: medians of {options.rounds} or more rounds of {options.requests} requests")
    print(f"{'':26}{'API':11}{'other':>9}{'this':>9}{'ratio':>8}  of lower quartiles; at most {options.limit}")
    rows = zip(*(make_rows(each.token, make_history(each)) for each in (this, other)), strict=True)
    waiting = [Comparison(*pair) for pair in rows if (options.only or "") in f"{pair[0].name} {pair[0].api}"]
    for repeat in range(1 + REPEATS):
        if repeat and waiting:
            print(f"Rows over the limit are measured again ({repeat} of at most {REPEATS})")
        for comparison in waiting:
            comparison.measure(this, other, options)
            print(comparison.describe(options.limit), flush=True)
        waiting = [comparison for comparison in waiting if comparison.timing.ratio > options.limit]
    return 1 if waiting else 0
