"""Serves from the wheel of an older commit on a database that the current code has migrated: previous_release.py [COMMIT].

The default is the newest release that the history has, and the current commit before the first release. The older wheel is
used by its own smoke test. A control run on a database without a column must fail.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.faults.installation import ROOT, Installation, build_wheel, install
from tests.faults.processes import Postgres, Tenant, make_tenant, open_folder, postgres, services

BUNDLE = Path("app/graphql/server/graphiql/dist")
SMOKE = Path("tests/faults/smoke.py")
BREAK = "ALTER TABLE clients DROP COLUMN city CASCADE"


def find_release() -> str:
    """Returns the newest tag of a release, or HEAD."""
    command = ["git", "describe", "--tags", "--match", "v[0-9]*", "--abbrev=0"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or "HEAD"


def unpack(commit: str, folder: Path) -> Path:
    """Writes the files of a commit, with the GraphiQL of this checkout, which has no part in this check."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    assert (ROOT / BUNDLE / "manifest.json").exists(), "GraphiQL is not built: scripts/build-graphiql"
    shutil.copytree(ROOT / BUNDLE, folder / BUNDLE)
    os.utime(folder / BUNDLE / "manifest.json")
    return folder


def use(installation: Installation, smoke: Path, tenant: Tenant, *, works: bool = True) -> None:
    """Serves from the older wheel, and runs its smoke test."""
    with installation.serve(DATABASE_URL=tenant.url) as (address, _):
        done = subprocess.run([installation.python, "-I", smoke, address, tenant.token], capture_output=True, text=True)
    assert (done.returncode == 0) is works, (done.stdout, done.stderr)


def use_current(tenant: Tenant, folder: Path) -> None:
    """Writes with the current code, so that the older one meets its rows."""
    with services(folder, DATABASE_URL=tenant.url) as (service,):
        subprocess.run([sys.executable, ROOT / SMOKE, service.address, tenant.token], check=True)


def check(installation: Installation, smoke: Path, server: Postgres, folder: Path) -> None:
    tenant = asyncio.run(make_tenant(asyncio.run(server.make_database())))
    checking = installation.run("migrate", "--check", DATABASE_URL=tenant.url)
    assert "No migration is missing" in checking.stderr, checking
    use_current(tenant, folder)
    use(installation, smoke, tenant)
    asyncio.run(server.execute(tenant.url, BREAK))
    use(installation, smoke, tenant, works=False)


def main(commit: str = "") -> None:
    began, release = time.monotonic(), commit or find_release()
    with open_folder("release") as folder:
        checkout = unpack(release, folder / "checkout")
        wheel = build_wheel(checkout, folder / "dist")
        installation = install(wheel, checkout / "requirements.lock", folder)
        smoke = checkout / SMOKE
        with postgres(folder / "data") as server:
            check(installation, smoke, server, folder)
    print(f"{wheel.name} of {release} serves on the schema of this commit, {time.monotonic() - began:.1f} s in all")


if __name__ == "__main__":
    main(*sys.argv[1:])
