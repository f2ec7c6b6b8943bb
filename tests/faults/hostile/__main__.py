"""Sends thousands of generated hostile requests to a real service, and checks that nothing breaks.

The first pass has no limits on rates, so that every request is handled. The second pass has the default limits. The run
fails for:

- a status of 500 and above, an internal error in a GraphQL result, or a WebSocket that is closed because of one;
- an answer that takes over a second, also when it is sent again and alone; or a service that is busy for a second;
- a traceback or a secret in the log, or a secret in a response;
- memory that has grown when the same requests have been sent a second time.

The requests depend on the seed and their number only: `--request N` sends one of them, and shows the answer.
`DATABASE_URL` names an empty database; by default an embedded PostgreSQL is started.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.postgres.embedded import embedded_postgres, remove_embedded
from tests.faults.hostile.attacks import make_attack
from tests.faults.hostile.checks import Findings, find_faults
from tests.faults.hostile.passes import run_pass
from tests.faults.hostile.sender import Sender
from tests.faults.hostile.service import UNLIMITED, fill_scene, make_scene, serving

SEED, REQUESTS, REPEATED, LIMITED = 10, 13_000, 2000, 1000
MOST_GROWTH = 20
"""MB by which the memory may grow while requests are repeated."""
MOST_MEMORY = 400


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """The URL of the database."""
    if "DATABASE_URL" in os.environ:
        yield os.environ["DATABASE_URL"]
        return
    data = folder / "data"
    try:
        with embedded_postgres(data) as url:
            yield url
    finally:
        remove_embedded(data)


async def play(url: str, folder: Path, options: argparse.Namespace) -> bool:
    scene, findings = await make_scene(url), Findings()
    with serving(url, folder, UNLIMITED) as service:
        scene = await fill_scene(scene, service.port)
        if options.request is not None:
            attack = make_attack(options.seed, options.request, scene)
            answer = await Sender(service.port).send(attack)
            print(attack, answer, service.log(), sep="\n\n")
            return not find_faults(attack, answer, scene)
        start = service.memory()
        await run_pass(scene, service, findings, range(options.requests), options.seed)
        first = service.memory()
        repeated = range(options.requests - REPEATED, options.requests)
        await run_pass(scene, service, findings, repeated, options.seed)
        await asyncio.sleep(1)
        last = service.memory()
        findings.check_log(service.log(), scene)
    with serving(url, folder, {}) as service:
        await run_pass(scene, service, findings, range(-LIMITED, 0), options.seed)
        findings.check_log(service.log(), scene)
    print(
        f"memory: {start:.0f} MB at the start, {first:.0f} MB after all requests, {last:.0f} MB after {REPEATED} of them again"
    )
    if last - first > MOST_GROWTH or last > MOST_MEMORY:
        findings.add(
            "memory", f"grew from {first:.0f} to {last:.0f} MB; allowed are {MOST_GROWTH} MB, and {MOST_MEMORY} in all"
        )
    return findings.show()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--requests", type=int, default=REQUESTS, help="the number of connections and requests of the first pass"
    )
    parser.add_argument("--request", type=int, help="sends only this one and shows its answer")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="clientele-hostile-") as folder, database(Path(folder)) as url:
        passed = asyncio.run(play(url, Path(folder), options))
    print(f"{time.monotonic() - began:.0f} seconds")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
