"""The port of /metrics. The processes of the service write their metrics into files of one folder, and the port merges them."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.config import Config
from app.errors import Misconfigured

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that makes prometheus-client write into files. It reads the variable when it is imported."""
MISSING = "CLIENTELE_METRICS_PORT needs prometheus-client. Install the extra `metrics`: pip install 'clientele-server[metrics]'"


@contextmanager
def serving_metrics(config: Config) -> Iterator[None]:
    """Serves /metrics in a thread, for this process and its workers, if the port is set. Raises Misconfigured."""
    if config.metrics_port is None:
        yield
        return
    folder = os.environ[FOLDER] = tempfile.mkdtemp(prefix="clientele-metrics-")
    try:
        stop = _start(config.metrics_host, config.metrics_port, folder)
        try:
            yield
        finally:
            stop()
    finally:
        del os.environ[FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def _start(host: str, port: int, folder: str) -> Callable[[], None]:
    try:
        from prometheus_client import CollectorRegistry, start_http_server
        from prometheus_client.multiprocess import MultiProcessCollector
    except ImportError as error:
        raise Misconfigured(MISSING) from error
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        raise Misconfigured(
            f"Cannot serve metrics on port {port} of {host}: {error.strerror}. Choose another CLIENTELE_METRICS_PORT or "
            "CLIENTELE_METRICS_HOST"
        ) from error

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return stop


def forget_process(pid: int) -> None:
    """Removes what a process that has ended wrote about the present, such as its open connections. Its counts stay."""
    if FOLDER in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid, os.environ[FOLDER])  # type: ignore[no-untyped-call]
