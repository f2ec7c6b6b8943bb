"""The processes that serve: a worker that drains its connections before it stops, and the parent of several workers."""

import logging
import os
import signal
import sys
import time
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess, multiprocess

from app.config import Config
from app.errors import DomainError, Misconfigured
from app.http.hosts import AllowedHosts
from app.http.protocol.state import WorkerState
from app.observability.lines import LOG
from app.server.metrics import forget_process

log = logging.getLogger("clientele")

START_TIME = 60.0
"""Seconds in which a worker must start."""
STOP_NOW = signal.SIGUSR2
"""The signal from the parent after Ctrl-C. SIGTERM drains, and a terminal sends SIGINT to the workers itself."""


class ServerSettings(uvicorn.Config):
    """The settings of uvicorn, and those of the service that its connections need."""

    def __init__(self, app: Any, config: Config, hosts: AllowedHosts, **settings: Any) -> None:
        super().__init__(app, **settings)
        self.service = config
        self.hosts = hosts


class Server(uvicorn.Server):
    """One worker.

    After SIGTERM it drains: /readyz answers 503 and responses close their connections, so that balancers go elsewhere.
    Then, and at once after SIGINT, it closes the socket and ends with exit code 0.
    """

    def __init__(self, config: ServerSettings) -> None:
        super().__init__(config)
        self.server_state = self.state = WorkerState(config.service, config.hosts)
        self.drain = config.service.drain
        self.drained_at: float | None = None
        self.checked_at = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins to stop. The signal is not raised again later, because the process ends with exit code 0."""
        if sig == signal.SIGINT and self.should_exit:
            self.force_exit = True
        elif sig == signal.SIGTERM and self.started:
            if self.drained_at is None:
                self.drained_at = time.monotonic() + self.drain
                self._start_draining()
        else:
            self.should_exit = True

    def _start_draining(self) -> None:
        self.state.draining = True
        self.lifespan.state["draining"] = True

    async def on_tick(self, counter: int) -> bool:
        now = time.monotonic()
        if now - self.checked_at >= self.state.check_interval:
            self.checked_at = now
            self.state.check_deadlines(now)
        if self.drained_at is not None and now >= self.drained_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: Any = None) -> None:
        self._start_draining()
        await super().shutdown(sockets)
        LOG.flush()


class WorkerProcess(multiprocess.Process):
    """A worker of several, in its own process.

    The parent replaces a worker that does not answer its pings. A busy machine takes long to import the application, so
    a worker has START_TIME until its first answer.
    """

    answered = False
    started_at = 0.0

    def start(self) -> None:
        self.started_at = time.monotonic()
        super().start()

    def is_alive(self, timeout: float = 5) -> bool:
        if self.answered:
            return super().is_alive(timeout)
        self.answered = self.process.is_alive() and self.ping(0)
        return self.process.is_alive() and time.monotonic() - self.started_at < START_TIME

    def target(self, sockets: Any = None) -> None:
        """Runs in the worker. An error before it serves would come again, so the exit code tells the parent to stop."""
        signal.signal(STOP_NOW, self.server.handle_exit)
        try:
            super().target(sockets)
        except Exception as error:
            if self.server.started:
                raise
            log.error("A worker cannot start: %s", error, exc_info=not isinstance(error, DomainError))
            sys.exit(STARTUP_FAILURE)

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            assert isinstance(self.config, ServerSettings)  # noqa: S101 - narrows the type
            self._server = Server(self.config)
        return self._server


class Workers(Multiprocess):
    """The parent of several workers. It passes signals on and replaces workers that end.

    It closes its own socket first. Otherwise the system would accept connections that no worker takes. When a worker
    cannot start, all of them end, and run() raises Misconfigured.
    """

    def run(self) -> None:
        super().run()
        if any(process.exitcode == STARTUP_FAILURE for process in self.processes):
            raise Misconfigured("A worker cannot start. The log has the reason.")

    def keep_subprocess_alive(self) -> None:
        before = [process.pid for process in self.processes]
        super().keep_subprocess_alive()
        for pid in set(before) - {process.pid for process in self.processes}:
            if pid is not None:
                forget_process(pid)

    def terminate_all(self) -> None:
        for opened in self.sockets:
            opened.close()
        super().terminate_all()

    def handle_int(self) -> None:
        super().handle_int()
        for process in self.processes:
            if process.pid is not None and process.exitcode is None:
                os.kill(process.pid, STOP_NOW)


multiprocess.Process = WorkerProcess  # type: ignore[misc]
"""Multiprocess has no parameter for the class of its processes."""
