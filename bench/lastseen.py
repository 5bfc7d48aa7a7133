"""Last-known locations, lists and recording over a long history, on PostgreSQL: `python -m bench.lastseen --rows N`.

Starts a private PostgreSQL with Debian's defaults, and fills it with 10,000 people, 400 cameras and about N detections
of 90 days (bench.history). Then, in this process, through the product's own code and without other load:

- the last-known location of one person over the API, and of all 10,000 in one answer; and what of it is the database,
  the driver and the ORM;
- every list, with each of its filters: API, pages and admin, whole requests with authentication and templates;
- every other page: the model of those 10,000 with three photos each, health, cameras, enrolment;
- recording: batches of crops from the inbox through detections.processing, in one process, the networks left out.

The last line is JSON: `one_p50_ms`, `one_p99_ms`, `all_ms` (median), the queries of both alone (`one_query_p99_ms`,
`all_query_ms`), `list_p99_ms` (of the slowest list), `page_p99_ms` (of the slowest page, list or not), `ingest_per_s`.
"""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack, nullcontext
from importlib import import_module

import django
from django.core.management import call_command

from bench.engine import PACK
from tests.servers import private_postgres

ONE, ALL = 2000, 20  # requests


def measure(rows: int, each: int, crops: int) -> dict[str, object]:
    """Fill the database in the settings unless it is full, and measure; `each`: requests of each list."""
    # By name: models can be imported only after Django is set up.
    history, gallery, reading, recording = map(
        import_module, ("bench.history", "bench.gallery", "bench.reading", "bench.recording")
    )
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    if not history.count():
        history.fill(rows)
        gallery.enrol()
    gallery.serve()  # each time: the model's file and the key that signs it are not kept with the database
    history.settle()
    reader = reading.Reader()
    views = reading.Views(reader)
    import_module("facesite.warming").settle()
    one = reader.time(views.one, ONE)
    print(f"{'one person':62} {one}")
    everyone = reader.time(lambda: f"/api/v1/database/people?page_size={history.PEOPLE}", ALL)
    print(f"{'all people':62} {everyone}")
    asking = import_module("detections.api.asking")
    known = asking.LastKnown().get_queryset().values_list(*asking.KNOWN)
    one_query = reading.time_query(lambda: known.named(views.anybody())[:1], ONE)
    print(f"{'one person, the query':62} {one_query}")
    everyone_query = reading.time_query(lambda: known[: history.PEOPLE], ALL)
    print(f"{'all people, the query':62} {everyone_query}")
    lists, others = (reader.time_each(chosen, each) for chosen in (views.lists(), views.others()))
    pages = {name: times for name, times in (lists | others).items() if not name.startswith("/api/v1/")}
    return {
        "rows": history.count(),
        "one_p50_ms": round(one.p50, 2),
        "one_p99_ms": round(one.p99, 2),
        "all_ms": round(everyone.p50, 1),
        "one_query_p99_ms": round(one_query.p99, 2),
        "all_query_ms": round(everyone_query.p50, 1),
        "list_p99_ms": round(max(times.p99 for times in lists.values()), 1),
        "page_p99_ms": round(max(times.p99 for times in pages.values()), 1),
        "ingest_per_s": round(recording.rate(crops), 1),
        "slowest_list": max(lists, key=lambda name: lists[name].p99),
        "slowest_page": max(pages, key=lambda name: pages[name].p99),
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.lastseen", description="A long history on PostgreSQL.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="detections, about (%(default)s)")
    parser.add_argument("--requests", type=int, default=100, help="of each list (%(default)s)")
    parser.add_argument("--crops", type=int, default=4000, help="recorded (%(default)s)")
    parser.add_argument("--database", help="URL of a database that is kept; filled if it is empty")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="facesite-bench-"))
        url = stack.enter_context(nullcontext(options.database) if options.database else private_postgres())
        os.environ |= {"DATA_DIR": folder, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "facesite.settings"}
        os.environ["PACKS_DIR"] = str(PACK.resolve().parent)
        # A program that asks a question after another is turned away otherwise.
        os.environ["MAX_KEY_REQUESTS_PER_SECOND"] = "0"
        django.setup()
        print(json.dumps(measure(options.rows, options.requests, options.crops)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
