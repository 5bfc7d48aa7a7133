"""Crops from edge nodes to the dashboard, everything on the same cores: `python -m bench.ingest --data FOLDER`.

FOLDER holds `<Name>/photo.jpg`. Starts a private PostgreSQL and Redis with their defaults, and the product's own web
server, worker with two processes and scheduler, with 100 people enrolled. Crops are cut and sent as an edge node does
(edge_client), four of each track, 32 in a request. On the same cores, one after the other:

- engine: what it names of the same crops without a server, a process per core, as bench.recognition measures it;
- accepted: crops a second that are answered 202 while no worker runs, four nodes sending as fast as they can;
- recognised: crops a second that are done while nodes send as many as are done, so that a few hundred always wait;
- latency: at half that rate, tracks arriving at random; from the capture of a person's crops, here the moment before
  they are sent, until their last-known location over the API is of then. Read every 100 ms.

The last line is JSON; `efficiency` is recognised over engine. `efficiency_of_processor` is the same by processor time:
what the engine alone takes for a crop over what the whole installation does, senders included.
"""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from itertools import chain
from pathlib import Path

from bench.engine import PACK, Clock, Engine, choose, cut
from bench.node import CAMERAS, Nodes
from bench.processor import of_engine
from bench.recognition import CORES, measure
from bench.server import set_up_with_node, web_server, workers
from recognition.engine.errors import EngineError
from recognition.engine.packs import open_pack
from tests.servers import private_postgres, private_redis

PEOPLE = 100
WORKERS = 2


def crops_of(photos: list[Path], pack: Path) -> dict[str, list[bytes]]:
    """What an edge node would send of each person, by name."""
    engine = Engine(pack, crops=False)
    found: dict[str, list[bytes]] = {}
    for first in range(0, len(photos), engine.batch):
        batch = photos[first : first + engine.batch]
        data = [path.read_bytes() for path in batch]
        for path, photo, boxes in zip(batch, data, engine.boxes(data, Clock()), strict=True):
            if boxes:
                found.setdefault(path.parent.name, []).append(cut(photo, boxes[0]))
    return found


def run(options: argparse.Namespace) -> dict[str, object]:
    pack = options.pack.resolve()
    crops = crops_of(choose(options.data, options.photos), pack)
    every = list(chain.from_iterable(crops.values()))
    engine = measure("engine", partial(Engine, pack, crops=True), every, CORES)
    engine_ms = 1000 * of_engine(Engine(pack, crops=True), every)
    with ExitStack() as stack:
        environment = os.environ | {
            "DATA_DIR": stack.enter_context(tempfile.TemporaryDirectory(prefix="facesite-bench-")),
            "DATABASE_URL": stack.enter_context(private_postgres()),
            "BROKER_URL": stack.enter_context(private_redis()),
            "PACKS_DIR": str(pack.parent),
            "PACK": pack.name,
            "WORKER_CONCURRENCY": str(WORKERS),
            # One key stands for several nodes.
            "MAX_KEY_REQUESTS_PER_SECOND": "0",
            "MAX_CROPS_PER_SECOND": "0",
        }
        print(f"Enrolling {PEOPLE} people", flush=True)
        keys = set_up_with_node(environment, options.data, PEOPLE, CAMERAS)
        url, _ = stack.enter_context(web_server(environment))
        nodes = Nodes(url, keys, crops, environment["DATABASE_URL"])
        accepted = nodes.flood(options.seconds / 2)
        print(f"accepted    {accepted:7.1f} crops/s", flush=True)
        stack.enter_context(workers(environment))
        recognised, used = nodes.keep_busy(options.seconds)
        print(f"recognised  {recognised:7.1f} crops/s   ms of a core for each: {used}", flush=True)
        enrolled = [place.name for place in sorted(options.data.iterdir())[:PEOPLE]]
        latency = nodes.latencies(recognised / 2, options.seconds, enrolled)
    return {
        "accepted_per_s": round(accepted, 1),
        "recognised_per_s": round(recognised, 1),
        "engine_per_s": round(engine.per_s, 1),
        "efficiency": round(recognised / engine.per_s, 3),
        "efficiency_of_processor": round(engine_ms / sum(used.values()), 3),
        "processor_ms": {"engine": round(engine_ms, 2), **used},
        "latency_p95_s": latency["p95_s"],
        "latency": latency,
        "pack": open_pack(pack).id,
        "cores": CORES,
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.ingest", description="Crops from edge nodes to the dashboard."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of people: NAME/photo.jpg")
    parser.add_argument("--photos", type=int, default=300, help="how many of them crops are cut from (%(default)s)")
    parser.add_argument("--pack", type=Path, default=PACK, help="folder of a built pack")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement (%(default)s)")
    try:
        print(json.dumps(run(parser.parse_args(arguments))))
    except (EngineError, OSError, RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
