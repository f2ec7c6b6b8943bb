"""Checks with every kind of caller that no operation of any API tells of another tenant's record, or changes one.

The probes are listed from the routes and the schema (`tests/tenancy`). The application runs on a real PostgreSQL.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from app.postgres.embedded import embedded_postgres, remove_embedded
from app.storage.database import Database
from app.storage.migrations import migrate
from tests.conftest import UNSAFE_AND_FAST
from tests.tenancy.graphql import graphql_probes
from tests.tenancy.rest import rest_probes
from tests.tenancy.walk import Report, find_blind, sample, walk
from tests.tenancy.world import make_world

MOST = 16
"""The probes of one operation. All of them take three minutes."""


async def check(url: str, folder: Path) -> Report:
    database = Database(url)
    await migrate(database)
    await database.close()
    probes = [*rest_probes(), *graphql_probes()]
    async with make_world(url, folder) as world:
        report = await walk(world, sample(probes, MOST))
        report.findings += await find_blind(world, probes)
    return report


def main() -> None:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="clientele-tenancy-") as name:
        folder = Path(name)
        try:
            with embedded_postgres(folder / "postgres", settings=UNSAFE_AND_FAST) as url:
                report = asyncio.run(check(url, folder / "data"))
        finally:
            remove_embedded(folder / "postgres")
    print(*report.findings, sep="\n")
    seconds = time.monotonic() - started
    print(f"{report.requests:,} requests, {len(report.findings)} findings, {seconds:.0f} s")
    sys.exit(bool(report.findings))


if __name__ == "__main__":
    main()
