"""Serves from the wheel of an older commit while and after the current code migrates: previous_release.py [COMMIT].

The default is the newest release that the history has, and the current commit before the first release. The older wheel is
used by its own smoke test. A control run on a database without a column must fail.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults.installation import ROOT, Installation, build_wheel, install
from tests.faults.processes import Postgres, Tenant, open_folder, postgres, services

BUNDLES = (Path("app/graphql/server/graphiql/dist"), Path("app/http/pages/reference/dist"))
SMOKE = Path("tests/faults/smoke.py")
EXPAND = "ALTER TABLE clients ADD COLUMN added_later text"
BREAK = "ALTER TABLE clients DROP COLUMN city CASCADE"


def find_release() -> str:
    """Returns the newest tag of a release, or HEAD."""
    command = ["git", "describe", "--tags", "--match", "v[0-9]*", "--abbrev=0"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or "HEAD"


def unpack(commit: str, folder: Path) -> Path:
    """Writes the files of a commit, with the bundles of this checkout, which have no part in this check."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    for bundle in BUNDLES:
        assert (ROOT / bundle / "manifest.json").exists(), f"{bundle} is not built: scripts/build-pages"
        if (folder / bundle).parent.exists():
            shutil.copytree(ROOT / bundle, folder / bundle)
            os.utime(folder / bundle / "manifest.json")
    return folder


@dataclass(frozen=True)
class Release:
    """An installed release with its own smoke test."""

    installation: Installation
    smoke: Path

    def make_tenant(self, url: str) -> Tenant:
        """Migrates an empty database as the release does, and adds an account with an organization."""
        run, email = self.installation.run, "owner@example.com"
        run("migrate", DATABASE_URL=url)
        run("account", "create", email, DATABASE_URL=url)
        organization = run(
            "organization", "create", "Studio Example", "--account", email, DATABASE_URL=url
        ).stdout.strip()
        token = run("token", "create", "--account", email, DATABASE_URL=url).stdout.strip()
        return Tenant(url, organization, token)

    def use(self, address: str, tenant: Tenant, *, works: bool = True) -> None:
        """Runs the smoke test. Raises AssertionError unless it ends as expected."""
        smoke: list[str | Path] = [self.installation.python, "-I", self.smoke, address, tenant.token]
        done = subprocess.run(smoke, capture_output=True, text=True)
        assert (done.returncode == 0) is works, (done.stdout, done.stderr)


def migrate_here(server: Postgres, tenant: Tenant) -> None:
    """Migrates with the current code, and adds a column as the next expansion would."""
    current = [sys.executable, "-m", "app", "migrate"]
    subprocess.run(current, cwd=ROOT, env={**os.environ, "DATABASE_URL": tenant.url}, check=True)
    asyncio.run(server.execute(tenant.url, EXPAND))


def use_current(tenant: Tenant, folder: Path) -> None:
    """Writes with the current code, so that the older one meets its rows."""
    with services(folder, DATABASE_URL=tenant.url) as (service,):
        subprocess.run([sys.executable, ROOT / SMOKE, service.address, tenant.token], check=True)


def check(release: Release, server: Postgres, folder: Path) -> None:
    """The release serves before, during and after the migration, and on rows of the current code."""
    tenant = release.make_tenant(asyncio.run(server.make_database()))
    with release.installation.serve(DATABASE_URL=tenant.url) as (address, _):
        release.use(address, tenant)
        migrate_here(server, tenant)
        release.use(address, tenant)
    use_current(tenant, folder)
    checked = release.installation.run("migrate", "--check", DATABASE_URL=tenant.url)
    assert "No migration is missing" in checked.stderr, checked
    with release.installation.serve(DATABASE_URL=tenant.url) as (address, _):
        release.use(address, tenant)
        asyncio.run(server.execute(tenant.url, BREAK))
        release.use(address, tenant, works=False)


def main(commit: str = "") -> None:
    began, release = time.monotonic(), commit or find_release()
    with open_folder("release") as folder:
        checkout = unpack(release, folder / "checkout")
        wheel = build_wheel(checkout, folder / "dist")
        installation = install(wheel, checkout / "requirements.lock", folder)
        with postgres(folder / "data") as server:
            check(Release(installation, checkout / SMOKE), server, folder)
    print(f"{wheel.name} of {release} serves on the schema of this commit, {time.monotonic() - began:.1f} s in all")


if __name__ == "__main__":
    main(*sys.argv[1:])
