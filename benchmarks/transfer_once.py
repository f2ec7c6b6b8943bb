"""Imports a file into an organization with the code of a checkout, exports it again, and prints what each cost.

`python -P transfer_once.py CHECKOUT FILE ORGANIZATION` prints a JSON object for the import and, after a line of standard input,
one for the export: `records`, `seconds`, and this process's CPU seconds (`cpu`). It ends after another line. DATABASE_URL names
the database. A file that ends in .csv is exported as CSV, too.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, BinaryIO


async def measure(work: Callable[[], Awaitable[Any]]) -> dict[str, float]:
    begun, spent = time.perf_counter(), time.process_time()
    result = await work()
    return {
        "records": getattr(result, "added", result),
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - spent,
    }


def open_file(records: BinaryIO) -> tuple[Any, tuple[Any, ...]]:
    """The first argument of an import, and further ones of an export."""
    try:
        from app.clients.transfer.exporting import ExportOptions
        from app.clients.transfer.sources import open_source
    except ImportError:  # a checkout whose imports take the file itself
        return records, ()
    is_csv = records.name.endswith(".csv")
    return open_source(records, records.name), (ExportOptions("csv"),) if is_csv else ()


async def run(records: BinaryIO, nowhere: BinaryIO, organization: str) -> None:
    from app.clients.transfer.service import export_clients, import_clients
    from app.storage.database import Database

    source, options = open_file(records)
    database = Database(os.environ["DATABASE_URL"], pool_size=2)
    await export_clients(database, organization, nowhere.write, *options)
    steps = (
        lambda: import_clients(database, organization, source),
        lambda: export_clients(database, organization, nowhere.write, *options),
    )
    for step in steps:
        print(json.dumps(await measure(step)), flush=True)
        sys.stdin.readline()
    await database.close()


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    with open(sys.argv[2], "rb") as file, open(os.devnull, "wb") as null:
        asyncio.run(run(file, null, sys.argv[3]))
