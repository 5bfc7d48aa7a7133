"""How gunicorn serves the site: `gunicorn facesite.wsgi --config python:facesite.webserver`."""

import threading
from importlib import import_module

from gunicorn.arbiter import Arbiter
from gunicorn.http.wsgi import Response
from gunicorn.workers.base import Worker

from access import buckets  # noqa: F401 - before the workers are forked, so that all count in the same memory
from facesite import metricfiles, settings

if settings.METRICS_TOKEN:  # otherwise nobody may read what is counted
    metricfiles.count_together(settings.METRICS_DIR, "web")

worker_class = "gthread"
workers = settings.WEB_CONCURRENCY
threads = settings.WEB_THREADS
timeout = 60
graceful_timeout = 15
# Longer than a proxy in front keeps its connections: otherwise it may send into one that is just being closed.
keepalive = 75
loglevel = "warning"
control_socket_disable = True  # nothing here uses it, and two installations of one account would share its path


def post_worker_init(worker: Worker) -> None:
    """Load the engine while the first requests come in, not at the first one's expense."""
    # By name: models can be imported only after the worker has set Django up.
    warming = import_module("facesite.warming")
    threading.Thread(target=warming.load_engine, daemon=True).start()
    import_module("facesite.metrics").tell_of_rare()
    import_module("recognition.heartbeats").start("web")
    import_module("recognition.tracing").start()


def worker_exit(server: Arbiter, worker: Worker) -> None:
    import_module("recognition.heartbeats").stop()


_said_by_gunicorn = Response.default_headers


def lean_headers(answer: Response) -> list[str]:
    """Without what nobody needs: which program answers, and that HTTP/1.1 keeps the connection."""
    needless = ("Server:", "Connection: keep-alive") if answer.req.version >= (1, 1) else ("Server:",)
    return [line for line in _said_by_gunicorn(answer) if not line.startswith(needless)]


Response.default_headers = lean_headers  # gunicorn has no setting for them
