"""Takes the picture of GraphiQL with the data of the demo."""

import subprocess
from pathlib import Path

from tests.faults.browser import TESTS
from tests.faults.demo_service import ROOT, install_packages, serve_demo

PICTURE = ROOT / "docs" / "images" / "graphiql.png"


def main() -> None:
    install_packages(TESTS)
    PICTURE.parent.mkdir(exist_ok=True)
    with serve_demo() as environment:
        script = Path(__file__).with_name("graphiql.mjs")
        subprocess.run(["node", script, PICTURE], env=environment, check=True)  # noqa: S603, S607


if __name__ == "__main__":
    main()
