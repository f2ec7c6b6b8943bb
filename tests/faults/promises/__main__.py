"""Checks the promises of docs/reliability.md that are about kills, outages, mail, races, first starts and a full disk.

Services and PostgreSQL are real processes. Names of checks as arguments run only these.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.faults.processes import Postgres, open_folder, postgres
from tests.faults.promises.first_start import check_first_start
from tests.faults.promises.full_disk import check_full_disk
from tests.faults.promises.killed_database import check_killed_database
from tests.faults.promises.killed_service import check_killed_service
from tests.faults.promises.mail import check_mail_encryption, check_mail_faults, check_mail_of_three_services
from tests.faults.promises.races import check_races
from tests.faults.promises.revocations import check_revocations

Check = Callable[[Postgres, Path], Awaitable[str]]
LANES: tuple[tuple[Check, ...], ...] = (
    (check_mail_faults, check_revocations),
    (check_first_start, check_races, check_mail_encryption),
    (check_killed_service, check_killed_database, check_mail_of_three_services, check_full_disk),
)
"""The checks of a lane run one after the other, beside those of the other lanes. The first one mostly waits."""
LIMIT = 300.0
"""Seconds for one check on a busy machine."""


async def run_checks(checks: list[Check], server: Postgres, folder: Path) -> None:
    """Runs checks one after the other, each in a folder of its own."""
    for check in checks:
        own = folder / check.__name__
        own.mkdir(mode=0o755)
        began = time.monotonic()
        async with asyncio.timeout(LIMIT):
            result = await check(server, own)
        print(f"{check.__name__}: {result} ({time.monotonic() - began:.0f} s)", flush=True)


async def run(server: Postgres, folder: Path, names: list[str]) -> None:
    async with asyncio.TaskGroup() as group:
        for lane in LANES:
            chosen = [check for check in lane if not names or check.__name__ in names]
            group.create_task(run_checks(chosen, server, folder))


def main() -> None:
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    with open_folder("promises") as folder, postgres(folder / "server") as server:
        asyncio.run(run(server, folder, sys.argv[1:]))


if __name__ == "__main__":
    main()
