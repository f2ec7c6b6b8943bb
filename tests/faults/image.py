"""Replays the Dockerfile without Docker, and serves from the result as its user: image.py.

Each stage is an overlay over this machine, in which the RUN lines run as they stand. Two things differ from a build: Node.js
and Python are those of this machine, and so are the system's packages. It needs root and Linux with overlays; elsewhere it says
so and checks nothing.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.dockerfile import Context, Instruction, Stage, read_context, read_environment, read_stages
from tests.faults.installation import END, INSTALLATION, ROOT, START, read_start
from tests.faults.processes import open_folder

PYTHON = "/opt/python"
"""The place of Python inside the stages."""
ORDERS = "orders.json"
"""The file with the commands of the image."""
KEPT = ("PIP_", "SSL_", "REQUESTS_", "NODE_", "NPM_", "HTTP", "http", "NO_PROXY", "no_proxy")
"""The beginnings of the variables that tell where packages come from."""


@dataclass
class Root:
    """The file system of a stage."""

    folder: Path
    work: str = "/"
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def top(self) -> Path:
        return self.folder / "root"

    def mount(self, python: Path) -> None:
        for name in ("root", "upper", "work"):
            (self.folder / name).mkdir(parents=True)
        layers = f"lowerdir=/,upperdir={self.folder}/upper,workdir={self.folder}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, self.top], check=True)
        for name in ("proc", "dev", "sys"):
            subprocess.run(["mount", "--rbind", f"/{name}", self.top / name], check=True)
        for hidden in ("tmp", "work"):
            (self.top / hidden).mkdir(exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", self.top / hidden], check=True)
        self.place(PYTHON).mkdir(parents=True)
        subprocess.run(["mount", "--bind", python, self.place(PYTHON)], check=True)

    def place(self, path: str) -> Path:
        return self.top / Path(self.work, path).relative_to("/")

    def environment(self) -> dict[str, str]:
        system = f"{PYTHON}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        kept = {name: text for name, text in os.environ.items() if name.startswith(KEPT)}
        base = {"HOME": "/root", "PATH": system, "LD_LIBRARY_PATH": f"{PYTHON}/lib"}
        made = {**kept, **base, **self.variables}
        return {**made, "PATH": made["PATH"].replace("$PATH", system)}

    def command(self, *command: str, user: str = "") -> list[str]:
        identity = [f"--userspec={user}"] if user else []
        shell = f'cd {self.work} && exec "$@"'
        return ["chroot", *identity, str(self.top), "/bin/sh", "-c", shell, "sh", *command]


def find_python() -> Path:
    """The folder of a Python 3.13, else of this one."""
    folders = sorted(Path.home().glob(".pyenv/versions/3.13.*"))
    return folders[-1] if folders else Path(sys.base_prefix)


def copy(instruction: Instruction, root: Root, context: Context, roots: dict[str, Root]) -> None:
    *sources, target = instruction.arguments
    place = root.place(target)
    for source in sources:
        if "from" in instruction.flags:
            place.mkdir(parents=True, exist_ok=True)
            origin = roots[instruction.flags["from"]].place(source)
            subprocess.run(["cp", "--archive", f"{origin}/.", place], check=True)
        else:
            is_file = (context.folder / source).is_file()
            context.copy(source, place / Path(source).name if is_file and target.endswith("/") else place)


def build(stage: Stage, root: Root, context: Context, roots: dict[str, Root]) -> None:
    """Replays a stage."""
    root.variables = dict(read_environment(stage.instructions))
    for instruction in stage.instructions:
        began = time.monotonic()
        if instruction.word == "WORKDIR":
            root.work = instruction.text
            root.place(".").mkdir(parents=True, exist_ok=True)
        elif instruction.word == "COPY":
            copy(instruction, root, context, roots)
        elif instruction.word == "RUN":
            run = root.command("/bin/sh", "-c", instruction.text)
            subprocess.run(run, check=True, env=root.environment(), stdout=subprocess.DEVNULL, timeout=INSTALLATION)
            print(f"{time.monotonic() - began:5.1f} s  {instruction.text[:100]}", flush=True)


def last(stage: Stage, word: str) -> Instruction:
    return [instruction for instruction in stage.instructions if instruction.word == word][-1]


def replay(folder: Path) -> None:
    """Builds all stages, and serves from the last one in a network of its own."""
    python, context = find_python(), read_context(ROOT)
    roots: dict[str, Root] = {}
    stages = read_stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    for number, stage in enumerate(stages):
        root = Root(folder / f"stage-{number}")
        root.mount(python)
        build(stage, root, context, roots)
        roots[stage.name] = root
    user = last(stage, "USER").text
    check = last(stage, "HEALTHCHECK").text.partition("CMD ")[2]
    orders = {
        "serve": root.command(*last(stage, "CMD").arguments, user=user),
        "check": root.command(*json.loads(check), user=user),
        "version": root.command("clientele", "--version", user=user),
        "environment": {**root.environment(), "HOME": "/data"},
    }
    (folder / ORDERS).write_text(json.dumps(orders))
    shutil.copy(ROOT / "tests" / "faults" / "smoke.py", folder)
    run_again("--serve", folder, "unshare", "--net")


def run_again(option: str, folder: Path, *wrapper: str) -> None:
    """Runs this module inside other namespaces. Ends this process if it fails there."""
    command: list[str | Path] = [*wrapper, sys.executable, "-m", "tests.faults.image", option, folder]
    if status := subprocess.run(command, cwd=ROOT).returncode:
        raise SystemExit(status)


def serve(orders: dict[str, list[str]], environment: dict[str, str], folder: Path) -> None:
    """Runs the image's command, its health check and the smoke test."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    clean = {name: text for name, text in environment.items() if not name.startswith(KEPT)}
    log = folder / "service.log"
    with log.open("w") as errors:
        service = subprocess.Popen(orders["serve"], env=clean, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        _, token = read_start(service, log)
        subprocess.run(orders["check"], env=clean, check=True, timeout=START)
        print(
            subprocess.run(orders["version"], env=clean, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        )
        smoke: list[str | Path] = [sys.executable, "-I", folder / "smoke.py", "http://127.0.0.1:8000", token]
        subprocess.run(smoke, check=True, timeout=START)
        service.send_signal(signal.SIGTERM)
        assert service.wait(END) == 0, log.read_text()
    finally:
        if service.poll() is None:
            service.kill()
            service.wait()
    assert "Traceback" not in log.read_text(), log.read_text()


def can_mount(folder: Path) -> bool:
    """True if this process may mount an overlay in namespaces of its own."""
    names = [folder / "probe" / name for name in ("root", "upper", "work")]
    for name in names:
        name.mkdir(parents=True)
    root, upper, work = names
    mount = ["mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", str(root)]
    probe = ["unshare", "--mount", "--net", "--propagation", "private", *mount]
    return shutil.which("unshare") is not None and subprocess.run(probe, capture_output=True).returncode == 0


def main(option: str = "", folder: str = "") -> None:
    if option == "--inside":
        replay(Path(folder))
        return
    if option == "--serve":
        orders = json.loads(Path(folder, ORDERS).read_text())
        serve(orders, orders.pop("environment"), Path(folder))
        return
    began = time.monotonic()
    with open_folder("image") as work:
        if not can_mount(work):
            print("This machine lets nobody mount an overlay here, so the Dockerfile was not replayed")
            return
        run_again("--inside", work, "unshare", "--mount", "--propagation", "private")
    print(f"The steps of the Dockerfile lead to an image that serves, {time.monotonic() - began:.1f} s in all")


if __name__ == "__main__":
    main(*sys.argv[1:])
