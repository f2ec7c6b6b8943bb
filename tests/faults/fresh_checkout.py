"""What a newcomer meets, and what a bad day does to him: a fresh clone in a private folder with a space in its name.

usage: fresh_checkout.py [CHECKOUT]. Needs Python, git and a package index, and works for root and for a plain user. It serves
from the clone, makes a client, and finds it again after Ctrl-C, after the service was killed, and after all was killed.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

INSTALLATION, START, END = 900.0, 60.0, 60.0
"""Seconds until a step counts as failed."""


@dataclass
class Newcomer:
    checkout: Path
    port: int
    service: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float) -> None:
        environment = {
            name: text for name, text in os.environ.items() if not name.startswith(("CLIENTELE_", "DATABASE_"))
        }
        command = [str(self.checkout / "scripts" / "serve"), "--port", str(self.port)]
        self.service = subprocess.Popen(command, cwd="/", env=environment, start_new_session=True)
        begun = time.monotonic()
        await_true(self._is_ready, seconds, "the service is ready")
        print(f"ready after {time.monotonic() - begun:.1f} s", flush=True)

    def end(self, number: signal.Signals) -> None:
        """Signals the whole process group, as a terminal does."""
        assert self.service
        os.killpg(self.service.pid, number)
        self.service.wait(END)

    def run(self, *arguments: str) -> str:
        """A command of the service beside it; what it prints."""
        command = [str(self.checkout / ".venv/bin/python"), ".venv/bin/clientele", *arguments]
        return subprocess.run(command, cwd=self.checkout, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def request(self, path: str, token: str = "", body: object = None) -> object:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        data = None if body is None else json.dumps(body).encode()
        question = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        with urllib.request.urlopen(question, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def server(self) -> int:
        """The process id of PostgreSQL."""
        folder = self.checkout / ".clientele"
        note = folder / "postgres.place"
        home = Path(note.read_text()) if note.exists() else folder
        return int((home / "postgres" / "postmaster.pid").read_text().split()[0])

    def clean(self) -> None:
        if self.service and self.service.poll() is None:
            self.end(signal.SIGINT)
        code = "import pathlib, app.postgres.embedded as e; e.remove_embedded(pathlib.Path('.clientele'))"
        if (self.checkout / ".venv/bin/python").exists():
            subprocess.run([self.checkout / ".venv/bin/python", "-c", code], cwd=self.checkout, check=True)

    def _is_ready(self) -> bool:
        assert self.service
        assert self.service.poll() is None, f"scripts/serve ended with status {self.service.returncode}"
        try:
            self.request("/readyz")
        except OSError:
            return False
        return True


def await_true(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain until {what}"
        time.sleep(0.05)


def family(*ancestors: int) -> set[int]:
    """These processes and all their descendants."""
    parents = {pid: state[1] for pid, state in states().items()}
    found = set(ancestors)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def states() -> dict[int, tuple[str, int]]:
    """Of every process: its state and its parent."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        found[int(path.parent.name)] = (fields[0], int(fields[1]))
    return found


def living(processes: set[int]) -> set[int]:
    return {pid for pid, (state, _) in states().items() if pid in processes and state not in "ZX"}


def modes(checkout: Path) -> dict[str, tuple[int, int, int]]:
    """Mode and owner of the folders that were there before."""
    paths = {*checkout.parents, Path("/tmp"), Path("/var"), Path("/var/lib")}
    return {str(path): (found.st_mode, found.st_uid, found.st_gid) for path in paths if (found := path.lstat())}


def accounts() -> tuple[bytes, bytes]:
    return Path("/etc/passwd").read_bytes(), Path("/etc/group").read_bytes()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def live_through(newcomer: Newcomer) -> None:
    before, known = modes(newcomer.checkout), accounts()
    newcomer.start(INSTALLATION)
    assert modes(newcomer.checkout) == before, "a folder's mode or owner has changed"
    assert accounts() == known, "an account was added"
    organization = newcomer.run("organization", "create", "Kept Books")
    token = newcomer.run("token", "create", "--organization", organization)
    clients = f"/v1/Organizations/{organization}/clients"
    newcomer.request(clients, token, {"name": "Żółć & Søn"})

    def check_kept() -> None:
        names = [client["name"] for client in newcomer.request(clients, token)]  # type: ignore[attr-defined]
        assert names == ["Żółć & Søn"], names
        assert organization in newcomer.run("organization", "list")

    check_kept()
    interrupt(newcomer)
    newcomer.start(START)
    check_kept()
    newcomer.end(signal.SIGKILL)
    newcomer.start(START)
    check_kept()
    os.kill(newcomer.server(), signal.SIGKILL)
    newcomer.end(signal.SIGKILL)
    newcomer.start(START)
    check_kept()
    interrupt(newcomer)
    assert modes(newcomer.checkout) == before, "a folder's mode or owner has changed"


def interrupt(newcomer: Newcomer) -> None:
    assert newcomer.service
    processes = family(newcomer.service.pid, newcomer.server())
    assert len(processes) > 2, processes
    newcomer.end(signal.SIGINT)
    assert not living(processes), f"processes remain after Ctrl-C: {living(processes)}"
    print("Ctrl-C ended everything", flush=True)


def main(source: str = str(Path(__file__).parents[2])) -> None:
    folder = Path(tempfile.mkdtemp(prefix="clientele fresh ", dir="/tmp"))
    newcomer = Newcomer(folder / "a clone", free_port())
    try:
        subprocess.run(["git", "clone", "--quiet", source, newcomer.checkout], check=True)
        live_through(newcomer)
    finally:
        newcomer.clean()
        shutil.rmtree(folder)
    print("A fresh checkout serves, and keeps its data")


if __name__ == "__main__":
    main(*sys.argv[1:])
