"""Opens GraphiQL of a service with the demo in it in headless Chromium: starts the service, runs the browser's tests, ends it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from app.storage.embedded import remove_embedded

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests" / "conformance" / "browser"


def main() -> int:
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=TESTS, check=True)
    with tempfile.TemporaryDirectory(prefix="clientele-browser-") as folder:
        environment = {**os.environ, "CLIENTELE_DATA_DIR": folder}
        environment.pop("DATABASE_URL", None)
        serving = [sys.executable, "-m", "app", "serve", "--port", "0"]
        service = subprocess.Popen(serving, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert service.stdout is not None
            said = {}
            for line in service.stdout:
                name, _, value = line.strip().partition(" ")
                said[name] = value.strip()
                if name == "Token":
                    break
            address = said["GraphiQL"].removesuffix("/graphql")
            environment |= {
                "CLIENTELE_URL": address,
                "CLIENTELE_TOKEN": said["Token"],
                "CLIENTELE_PYTHON": sys.executable,
            }
            return subprocess.run(["npm", "test"], cwd=TESTS, env=environment, check=False).returncode
        finally:
            service.terminate()
            service.wait(30)
            remove_embedded(Path(folder))


if __name__ == "__main__":
    raise SystemExit(main())
