"""Meters of processes, from Linux's /proc: CPU time and memory."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

PROC = Path("/proc")


def cpu_seconds(process: int) -> float:
    """Returns the CPU time of all threads of a process; 0 for a process that has ended or cannot be read."""
    spent = 0
    try:
        for thread in (PROC / str(process) / "task").iterdir():
            spent += int((thread / "schedstat").read_text().split()[0])
    except OSError:
        return 0.0
    return spent / 1e9


def memory_of(process: int) -> tuple[float, float]:
    """Returns the memory of a process now and at most so far, in MB; zeros where the system does not say."""
    try:
        lines = (PROC / str(process) / "status").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    kilobytes = {name: value.split()[0] for name, _, value in (line.partition(":") for line in lines) if value.strip()}
    return int(kilobytes["VmRSS"]) / 1024, int(kilobytes["VmHWM"]) / 1024


def children_of(parent: int) -> list[int]:
    found = []
    for entry in PROC.glob("[0-9]*"):
        try:
            after_name = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == parent:
            found.append(int(entry.name))
    return found


async def find_postmaster(url: str) -> int | None:
    """Returns the parent of PostgreSQL's connections, or None where PostgreSQL runs on another machine."""
    connection = await asyncpg.connect(url)
    try:
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        stat = (PROC / str(backend) / "stat").read_text()
    except OSError:
        return None
    finally:
        await connection.close()
    name, _, after_name = stat.rpartition(")")
    return int(after_name.split()[1]) if "postgres" in name else None


@dataclass
class Meter:
    """The CPU time of a changing set of processes since `start`."""

    processes: Callable[[], list[int]]
    before: dict[int, float] = field(default_factory=dict)

    def start(self) -> None:
        self.before = {process: cpu_seconds(process) for process in self.processes()}

    def read(self) -> float:
        """Returns seconds. The time of a process that ended meanwhile is not counted."""
        return sum(max(cpu_seconds(process) - self.before.get(process, 0.0), 0.0) for process in self.processes())


def meter_server(process: int) -> Meter:
    return Meter(lambda: [process])


def meter_postgres(postmaster: int | None) -> Meter:
    """A meter of all of PostgreSQL's processes; of none without a postmaster."""
    return Meter(lambda: [] if postmaster is None else [postmaster, *children_of(postmaster)])


def count_processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
