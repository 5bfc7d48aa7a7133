"""How gunicorn serves the site: `gunicorn facesite.wsgi --config python:facesite.webserver`."""

import threading
from importlib import import_module

from gunicorn.workers.base import Worker

from facesite import settings

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
