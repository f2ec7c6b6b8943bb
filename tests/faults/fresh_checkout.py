"""Serves from a fresh clone in a private folder with a space in its name, and interrupts and kills the service.

usage: fresh_checkout.py [CHECKOUT]. It needs Python, git and a package index, and runs as root or as a plain user. It creates
a client, and reads it again after Ctrl-C, after the service was killed, and after PostgreSQL was killed too.
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
class FreshCheckout:
    """A clone of the repository, and the service that runs from it."""

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
        """Sends a signal to the whole process group, as a terminal does, and waits for the end of the service."""
        assert self.service
        os.killpg(self.service.pid, number)
        self.service.wait(END)

    def run(self, *arguments: str) -> str:
        """Runs a command beside the service. Returns its output."""
        command = [str(self.checkout / ".venv/bin/python"), ".venv/bin/clientele", *arguments]
        return subprocess.run(command, cwd=self.checkout, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def request(self, path: str, token: str = "", body: object = None) -> object:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - the address is the test's own
            return json.loads(response.read() or b"null")

    def server_pid(self) -> int:
        """Returns the process id of PostgreSQL."""
        folder = self.checkout / ".clientele"
        link = folder / "postgres.place"
        home = Path(link.read_text()) if link.exists() else folder
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


def await_true(condition: Callable[[], bool], seconds: float, expectation: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{seconds:.0f} s passed before {expectation}"
        time.sleep(0.05)


def family(*ancestors: int) -> set[int]:
    """Returns these processes and all their descendants."""
    parents = {pid: state[1] for pid, state in states().items()}
    members = set(ancestors)
    while children := {pid for pid, parent in parents.items() if parent in members} - members:
        members |= children
    return members


def states() -> dict[int, tuple[str, int]]:
    """Returns the state and the parent of every process."""
    processes = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        processes[int(path.parent.name)] = (fields[0], int(fields[1]))
    return processes


def living(processes: set[int]) -> set[int]:
    return {pid for pid, (state, _) in states().items() if pid in processes and state not in "ZX"}


def modes(checkout: Path) -> dict[str, tuple[int, int, int]]:
    """Returns the mode and the owner of the folders that existed before."""
    paths = {*checkout.parents, Path("/tmp"), Path("/var"), Path("/var/lib")}
    return {str(path): (status.st_mode, status.st_uid, status.st_gid) for path in paths if (status := path.lstat())}


def accounts() -> tuple[bytes, bytes]:
    return Path("/etc/passwd").read_bytes(), Path("/etc/group").read_bytes()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def interrupt_and_kill(fresh: FreshCheckout) -> None:
    before, known = modes(fresh.checkout), accounts()
    fresh.start(INSTALLATION)
    assert modes(fresh.checkout) == before, "a folder's mode or owner has changed"
    assert accounts() == known, "an account was added"
    organization = fresh.run("organization", "create", "Kept Books")
    token = fresh.run("token", "create", "--organization", organization)
    fresh.request(f"/v1/Organizations/{organization}/clients", token, {"name": "Żółć & Søn"})

    check_data(fresh, organization, token)
    interrupt(fresh)
    fresh.start(START)
    check_data(fresh, organization, token)
    fresh.end(signal.SIGKILL)
    fresh.start(START)
    check_data(fresh, organization, token)
    os.kill(fresh.server_pid(), signal.SIGKILL)
    fresh.end(signal.SIGKILL)
    fresh.start(START)
    check_data(fresh, organization, token)
    interrupt(fresh)
    assert modes(fresh.checkout) == before, "a folder's mode or owner has changed"


def check_data(fresh: FreshCheckout, organization: str, token: str) -> None:
    """Raises AssertionError unless the organization and its client still exist."""
    clients = fresh.request(f"/v1/Organizations/{organization}/clients", token)
    assert isinstance(clients, list)
    assert [client["name"] for client in clients] == ["Żółć & Søn"], clients
    assert organization in fresh.run("organization", "list")


def interrupt(fresh: FreshCheckout) -> None:
    assert fresh.service
    processes = family(fresh.service.pid, fresh.server_pid())
    assert len(processes) > 2, processes
    fresh.end(signal.SIGINT)
    assert not living(processes), f"processes remain after Ctrl-C: {living(processes)}"
    print("Ctrl-C ended everything", flush=True)


def main(source: str = str(Path(__file__).parents[2])) -> None:
    folder = Path(tempfile.mkdtemp(prefix="clientele fresh ", dir="/tmp"))
    fresh = FreshCheckout(folder / "a clone", free_port())
    try:
        subprocess.run(["git", "clone", "--quiet", source, fresh.checkout], check=True)
        interrupt_and_kill(fresh)
    finally:
        fresh.clean()
        shutil.rmtree(folder)
    print("A fresh checkout serves, and keeps its data")


if __name__ == "__main__":
    main(*sys.argv[1:])
