"""House: a folder with an embedded PostgreSQL, the processes that use it, and what the system tells of them."""

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

OCCUPANT = Path(__file__).with_name("use_database.py")
AS_ROOT = os.geteuid() == 0
LODGERS = ("root", "plain user") if AS_ROOT else ("plain user",)
"""Root tries both ways; a plain user has one."""

STRANGE = 'dä ta\'s "5%20" $HOME, `x` & \\ ü'
"""A folder's name with what shells, addresses and configuration files read in their own way."""


@dataclass
class Occupant:
    process: subprocess.Popen[str]
    said: str
    """The address, or the refusal."""

    @property
    def url(self) -> str:
        assert self.said.startswith("postgresql://"), self.said
        return self.said

    def leave(self) -> int:
        self.process.communicate()
        return self.process.returncode

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        self.process.send_signal(number)
        return self.leave()


@dataclass
class House:
    """`outer` has mode 0700 and a space in its name; `lodger` says as whom its processes run."""

    outer: Path
    lodger: str
    occupants: list[Occupant] = field(default_factory=list)

    @property
    def data_dir(self) -> Path:
        return self.outer / STRANGE

    @property
    def home(self) -> Path:
        note = self.data_dir / "postgres.place"
        return Path(note.read_text()) if note.exists() else self.data_dir

    @property
    def cluster(self) -> Path:
        return self.home / "postgres"

    @property
    def uid(self) -> int:
        """Who should own the data: by default `nobody` for root."""
        return pwd.getpwnam("nobody").pw_uid if AS_ROOT else os.getuid()

    def begin(self, environment: Mapping[str, str] | None = None, action: str = "use") -> subprocess.Popen[str]:
        account = ["nobody"] if AS_ROOT and self.lodger == "plain user" else []
        return subprocess.Popen(
            [sys.executable, OCCUPANT, action, self.data_dir, *account],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def enter(self, environment: Mapping[str, str] | None = None) -> Occupant:
        return self.settle(self.begin(environment))

    def settle(self, process: subprocess.Popen[str]) -> Occupant:
        assert process.stdout
        first = process.stdout.readline().rstrip("\n")
        if not first.startswith("postgresql://"):
            first += "\n" + process.stdout.read()
        self.occupants.append(Occupant(process, first))
        return self.occupants[-1]

    def refuse(self) -> str:
        """Enters, which must fail, and returns what the process said."""
        occupant = self.enter()
        assert occupant.leave() == 1, occupant.said
        return occupant.said

    def server(self) -> int:
        return int((self.cluster / "postmaster.pid").read_text().splitlines()[0])

    def processes(self) -> list[int]:
        """The processes that have this house's cluster, made or in the making, among their arguments."""
        return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if self._names(path)]

    def _names(self, path: Path) -> bool:
        try:
            return os.fsencode(self.home / "postgres") in path.read_bytes()
        except OSError:
            return False

    def empty(self) -> None:
        for occupant in self.occupants:
            if occupant.process.stdout and not occupant.process.stdout.closed:
                occupant.leave()
        for pid in self.processes():
            os.kill(pid, signal.SIGQUIT)
        await_true(lambda: not self.processes())
        self.occupants.clear()

    def remove(self) -> None:
        self.empty()
        if self.home != self.data_dir:
            shutil.rmtree(self.home)
        shutil.rmtree(self.outer)


def build_house(lodger: str) -> House:
    outer = Path(tempfile.mkdtemp(prefix="clientele tests ", dir="/tmp"))
    house = House(outer, lodger)
    if lodger == "plain user":
        os.chown(outer, house.uid, -1)
    return house


def await_true(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def ask(url: str, question: str, *, user: str | None = None, password: str | None = None) -> object:
    """The first value of the answer, over a connection of its own."""

    async def fetch() -> object:
        connection = await asyncpg.connect(url, user=user, password=password)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(fetch())
