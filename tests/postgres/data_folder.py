"""DataFolder: a data folder with an embedded PostgreSQL, the processes that use it, and the processes of the server."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

PROGRAM = Path(__file__).with_name("use_database.py")
AS_ROOT = os.geteuid() == 0
WAYS_TO_RUN = ("root", "plain user") if AS_ROOT else ("plain user",)
"""Root tests both ways to run; a plain user tests one."""

UNUSUAL_NAME = 'dä ta\'s "5%20" $HOME, `x` & \\ ü'
"""A folder name with characters that are special in shells, addresses and configuration files."""


@dataclass
class UserProcess:
    """A process that runs use_database.py."""

    process: subprocess.Popen[str]
    output: str
    """The first line of output: the address of the database, or an error."""

    @property
    def url(self) -> str:
        assert self.output.startswith("postgresql://"), self.output
        return self.output

    def finish(self) -> int:
        self.process.communicate()
        return self.process.returncode

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        self.process.send_signal(number)
        return self.finish()


@dataclass
class DataFolder:
    """A data folder inside `parent_folder`, which has mode 0700 and a space in its name. `runs_as` is the user of its processes."""

    parent_folder: Path
    runs_as: str
    users: list[UserProcess] = field(default_factory=list)

    @property
    def data_dir(self) -> Path:
        return self.parent_folder / UNUSUAL_NAME

    @property
    def home(self) -> Path:
        link = self.data_dir / "postgres.place"
        return Path(link.read_text()) if link.exists() else self.data_dir

    @property
    def cluster(self) -> Path:
        return self.home / "postgres"

    @property
    def uid(self) -> int:
        """The user that must own the data: `nobody` when root runs the tests."""
        return pwd.getpwnam("nobody").pw_uid if AS_ROOT else os.getuid()

    def spawn_user(self, environment: Mapping[str, str] | None = None, action: str = "use") -> subprocess.Popen[str]:
        os_user = ["nobody"] if AS_ROOT and self.runs_as == "plain user" else []
        return subprocess.Popen(
            [sys.executable, PROGRAM, action, self.data_dir, *os_user],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def start_user(self, environment: Mapping[str, str] | None = None) -> UserProcess:
        return self.await_output(self.spawn_user(environment))

    def await_output(self, process: subprocess.Popen[str]) -> UserProcess:
        assert process.stdout
        first = process.stdout.readline().rstrip("\n")
        if not first.startswith("postgresql://"):
            first += "\n" + process.stdout.read()
        self.users.append(UserProcess(process, first))
        return self.users[-1]

    def fail_to_start(self) -> str:
        """Starts a process that must fail, and returns its output."""
        user = self.start_user()
        assert user.finish() == 1, user.output
        return user.output

    def server_pid(self) -> int:
        return int((self.cluster / "postmaster.pid").read_text().splitlines()[0])

    def server_processes(self) -> list[int]:
        """Returns the processes with the cluster, created or not yet, among their arguments."""
        return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if self._names(path)]

    def _names(self, path: Path) -> bool:
        try:
            return os.fsencode(self.home / "postgres") in path.read_bytes()
        except OSError:
            return False

    def stop_all(self) -> None:
        for user in self.users:
            if user.process.stdout and not user.process.stdout.closed:
                user.finish()
        for pid in self.server_processes():
            os.kill(pid, signal.SIGQUIT)
        wait_until(lambda: not self.server_processes())
        self.users.clear()

    def remove(self) -> None:
        self.stop_all()
        if self.home != self.data_dir:
            shutil.rmtree(self.home)
        shutil.rmtree(self.parent_folder)


def make_data_folder(runs_as: str) -> DataFolder:
    outer = Path(tempfile.mkdtemp(prefix="clientele tests ", dir="/tmp"))
    data_folder = DataFolder(outer, runs_as)
    if runs_as == "plain user":
        os.chown(outer, data_folder.uid, -1)
    return data_folder


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still false after {seconds:.0f} s"
        time.sleep(0.01)


def fetch_value(url: str, query: str, *, user: str | None = None, password: str | None = None) -> object:
    """Returns the first value of the result, over a connection of its own."""

    async def fetch() -> object:
        connection = await asyncpg.connect(url, user=user, password=password)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(fetch())
