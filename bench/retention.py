"""Whether tables and indexes stay as they are while old rows go: `python -m bench.retention --rows N`, on PostgreSQL.

Fills a private PostgreSQL as bench.lastseen does. In each cycle a tenth more arrives, the tenth that is now too old is
pruned (detections.retention), and nothing else is done but to wait for autovacuum, which runs by itself once a minute.
The last line is JSON: megabytes of detections and of tracks, with their indexes, after each cycle.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from importlib import import_module

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tests.servers import private_postgres

TABLES = ("detections_detection", "detections_track")
SHARE = 10
VACUUM_S = 150


def measure(rows: int, cycles: int) -> dict[str, object]:
    # By name: models can be imported only after Django is set up.
    history, retention = import_module("bench.history"), import_module("detections.retention")
    call_command("migrate", verbosity=0)
    history.fill(rows)
    now, days = timezone.now(), history.DAYS // SHARE
    sizes = [_megabytes()]
    pruned, seconds = 0, 0.0
    for cycle in range(1, cycles + 1):
        vacuums = _vacuums()
        with connection.cursor() as cursor:
            until = (now + timedelta(days=days * cycle)).isoformat()
            history.add_passages(cursor, rows // history.TRACK // SHARE, until, f"{days} days")
        # The rows added are of days to come: as much as these, the limit moves.
        settings.RETENTION_DAYS = history.DAYS - days * cycle
        started = time.perf_counter()
        pruned += retention.apply_retention()["detections"]
        seconds += time.perf_counter() - started
        _wait_for_vacuum(vacuums)
        sizes.append(_megabytes())
        print(f"cycle {cycle}: {history.count()} detections, {sizes[-1]} MB", flush=True)
    tables = {table.partition("_")[2]: [one[table] for one in sizes] for table in TABLES}
    return {"rows": history.count(), **tables, "pruned_per_s": round(pruned / seconds)}


def _megabytes() -> dict[str, float]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, pg_total_relation_size(name::regclass) / 1e6 FROM unnest(%s) name", [list(TABLES)])
        return {name: round(float(size), 1) for name, size in cursor.fetchall()}


def _vacuums() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(autovacuum_count) FROM pg_stat_user_tables WHERE relname = ANY(%s)", [list(TABLES)])
        return cursor.fetchone()[0]


def _wait_for_vacuum(count: int) -> None:
    until = time.monotonic() + VACUUM_S
    while _vacuums() == count and time.monotonic() < until:
        time.sleep(1)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.retention", description="Whether pruning leaves bloat.")
    parser.add_argument("--rows", type=int, default=500_000, help="detections, about (%(default)s)")
    parser.add_argument("--cycles", type=int, default=6, help="(%(default)s)")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="facesite-bench-"))
        url = stack.enter_context(private_postgres())
        os.environ |= {"DATA_DIR": folder, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "facesite.settings"}
        django.setup()
        print(json.dumps(measure(options.rows, options.cycles)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
