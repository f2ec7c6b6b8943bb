"""The hook of the build: builds the bundles of the pages, and ends a build that would leave one out."""

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLES = {
    "GraphiQL": "app/graphql/server/graphiql/dist/manifest.json",
    "The reference of the REST APIs": "app/http/pages/reference/dist/manifest.json",
}
MISSING = (
    "{name} is missing: {file} does not exist, and a package without it is incomplete. "
    "Install Node.js 20 or newer with npm, and build the package again."
)


class PagesHook(BuildHookInterface[Any]):
    """Runs before the wheel and the source distribution are built, but not before an editable installation."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        script = root / "scripts" / "build-pages"
        if script.exists():
            subprocess.run([script], cwd=root, check=True)  # noqa: S603 - the script is the checkout's own
        for name, file in BUNDLES.items():
            if not (root / file).is_file():
                raise SystemExit(MISSING.format(name=name, file=file))
