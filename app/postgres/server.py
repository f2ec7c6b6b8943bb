"""Server: joins, starts and stops the PostgreSQL of one cluster. The caller holds its start lock."""

import contextlib
import errno
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from app.errors import Misconfigured
from app.postgres.cluster import NAME, PORT, Cluster
from app.postgres.folders import make_socket_folder

START_TIME, STOP_TIME = 300.0, 120.0
"""Seconds. A start is long after a crash, when PostgreSQL replays its write-ahead log."""
LOG_CAP = 10_000_000
"""Bytes. A start renames a longer log."""

SETTINGS = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "fsync": "on",
    "cluster_name": NAME,
    "log_min_error_statement": "panic",
}
"""Passed at each start, so that older clusters have them too. Statements, and so data, are not logged."""

_children: dict[int, subprocess.Popen[bytes]] = {}
"""The servers that this process started, by process id. They are reaped when they end."""


@dataclass(frozen=True)
class Server:
    """The server of one cluster. `settings` are added to SETTINGS."""

    cluster: Cluster
    settings: Mapping[str, str] = field(default_factory=dict)

    def ensure_running(self, alone: bool) -> None:
        """Joins the running server or starts it. `alone` means that no other process uses it."""
        if not (self.answers() and self._await_ready(None)):
            if not alone:
                raise Misconfigured(
                    f"Another process uses the database in {self.cluster.folder}, but the server does not answer at "
                    f"{self.cluster.directory.sockets}. Stop that process and start again."
                )
            self._clear_leftovers()
            self._start()
        self.cluster.ensure_database()

    def stop(self) -> None:
        """Closes the remaining connections and waits until the server has ended. Without a server it does nothing."""
        pid = self.recorded_pid()
        if pid and (pid in _children or self.answers() or self._is_server(pid)):
            self._end(pid)
        shutil.rmtree(self.cluster.directory.sockets, ignore_errors=True)

    def has_died(self) -> bool:
        """Tells whether the server process is gone. Any process may have started it."""
        pid = self.recorded_pid()
        if pid is None:
            return True
        child = _children.get(pid)
        return child.poll() is not None if child else self._is_server(pid) is False

    def answers(self) -> bool:
        """Tells whether a process listens at the socket, even with a full queue."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            result = client.connect_ex(str(self.cluster.directory.sockets / f".s.PGSQL.{PORT}"))
        return result in (0, errno.EAGAIN)

    def recorded_pid(self) -> int | None:
        """Returns the process id in postmaster.pid, or None."""
        number = self._recorded(0)
        return int(number) if number.isdigit() else None

    def _start(self) -> None:
        """Starts the server. It retries for 20 seconds while processes of a killed server are still ending."""
        shutil.rmtree(self.cluster.directory.sockets, ignore_errors=True)
        make_socket_folder(self.cluster.directory, self.cluster.os_user)
        deadline = time.monotonic() + 20
        while not self._spawn():
            lines = "\n".join(self._last_lines())
            if "shared memory block" not in lines or time.monotonic() > deadline:
                raise Misconfigured(
                    f"PostgreSQL did not start. The last lines of {self.cluster.directory.log}:\n{lines}"
                )
            time.sleep(0.1)

    def _spawn(self) -> bool:
        """Starts the server process. Returns whether it becomes ready."""
        arguments: list[str | Path] = [self.cluster.binaries.program("postgres"), "-D", self.cluster.folder]
        sockets = {"unix_socket_directories": f'"{self.cluster.directory.sockets}"'}
        for name, value in {**SETTINGS, **self.settings, **sockets}.items():
            arguments += ["-c", f"{name}={value}"]
        with self._open_log() as log:
            server = self.cluster.os_user.spawn(arguments, subprocess.DEVNULL, log)
        _children[server.pid] = server
        try:
            ready = self._await_ready(server)
        except BaseException:
            server.send_signal(signal.SIGINT)
            _children.pop(server.pid).wait(STOP_TIME)
            raise
        if not ready:
            del _children[server.pid]
        return ready

    def _await_ready(self, server: subprocess.Popen[bytes] | None) -> bool:
        """Waits until the server accepts connections or has ended. Returns False when it has ended.

        `server` is None when another process started it.
        """
        if not _await(lambda: self._is_ready(server) or self._is_gone(server), START_TIME):
            raise Misconfigured(
                f"PostgreSQL is not ready after {START_TIME:.0f} seconds. See {self.cluster.directory.log}."
            )
        return not self._is_gone(server)

    def _is_gone(self, server: subprocess.Popen[bytes] | None) -> bool:
        return server.poll() is not None if server else not self.answers()

    def _is_ready(self, server: subprocess.Popen[bytes] | None) -> bool:
        return self._recorded(7) == "ready" and (server is None or self.recorded_pid() == server.pid)

    def _clear_leftovers(self) -> None:
        """Ends a server without a socket, and removes a postmaster.pid that names another program."""
        pid = self.recorded_pid()
        if pid and (pid in _children or self._is_server(pid)):
            self._end(pid)
        if pid and self._is_server(pid) is False:
            (self.cluster.folder / "postmaster.pid").unlink(missing_ok=True)

    def _end(self, pid: int) -> None:
        """Ends the server: reaps a child of this process, and waits for the end of any other server."""
        if child := _children.pop(pid, None):
            child.send_signal(signal.SIGINT)
            child.wait(STOP_TIME)
            return
        with contextlib.suppress(Misconfigured):
            self.cluster.run("pg_ctl", "stop", "--mode=fast", "--no-wait", "-D", self.cluster.folder)
        if not _await(lambda: self._has_ended(pid), STOP_TIME):
            raise Misconfigured(f"PostgreSQL did not end in {STOP_TIME:.0f} seconds. See {self.cluster.directory.log}.")

    def _has_ended(self, pid: int) -> bool:
        lives = self._is_server(pid)
        return lives is False or (lives is None and self.recorded_pid() != pid)

    def _is_server(self, pid: int) -> bool | None:
        """Tells whether the process is a running server of this cluster; None when the system does not tell."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return None
        return os.fsencode(self.cluster.folder) in arguments

    def _recorded(self, line: int) -> str:
        """Returns a line of postmaster.pid, or an empty text."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self.cluster.folder / "postmaster.pid").read_text(errors="replace").splitlines()
            return lines[line].strip() if line < len(lines) else ""
        return ""

    def _open_log(self) -> IO[bytes]:
        path = self.cluster.directory.log
        if path.exists() and path.stat().st_size > LOG_CAP:
            path.replace(path.with_name(f"{path.name}.1"))
        return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600), "ab")

    def _last_lines(self) -> list[str]:
        return self.cluster.directory.log.read_text(errors="replace").splitlines()[-12:]


def _await(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return met
