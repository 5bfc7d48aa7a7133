"""More web servers and more workers, and what so many cameras would need: `python -m bench.scale --data FOLDER`.

FOLDER holds `<Name>/photo.jpg`. Starts a private PostgreSQL and Redis, and in turn 1, 2 and, where there are cores,
more web servers of one process behind a reverse proxy, and as many worker processes. Each time:

- accepted: crops a second that are answered while no worker runs;
- recognised: crops a second that are done while a few hundred always wait, and what a crop takes of each program in
  processor time, which other work on the machine changes little;
- latency: at half that rate, from the capture until the last-known location says so.

Everything runs on the same cores, so what is added shares them. A simulation fed with what batches of each size take
of one worker process (bench.service) says how many processes 10, 100 and 1,000 cameras need on cores of their own, how
long crops wait, and what that costs. The last line is JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path

import requests

from bench.engine import PACK, choose
from bench.ingest import PEOPLE, crops_of
from bench.node import CAMERAS, Nodes
from bench.queueing import Service
from bench.recognition import CORES
from bench.server import ROOT, set_up_with_node, web_server, workers
from bench.sizing import Assumptions, Costs, next_bottleneck, plan
from recognition.engine.errors import EngineError
from recognition.engine.packs import open_pack
from tests.servers import free_port, private_postgres, private_redis, wait_until

PLANNED = (10, 100, 1000)  # cameras


@contextmanager
def proxy(backends: Sequence[str]) -> Iterator[str]:
    """The address of a proxy before these web servers."""
    port = free_port()
    command = [sys.executable, "-m", "bench.proxy", str(port), *(url.rpartition(":")[2] for url in backends)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: _answers(url), "the proxy")
            yield url
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


def spread(url: str, key: str) -> Counter[str]:
    """Which web server answers how many of a few connections."""
    header = {"Authorization": f"Bearer {key}"}
    asked = (requests.get(f"{url}/api/v1/debug/node-name", headers=header, timeout=10) for _ in range(12))
    return Counter(answer.json()["node_name"] for answer in asked)


class Installation:
    """Its servers run; web and workers are started for each measurement."""

    def __init__(self, environment: dict[str, str], keys: Sequence[str], crops: dict[str, list[bytes]]) -> None:
        self._environment, self._keys, self._crops = environment, keys, crops

    def measure(self, count: int, seconds: float, enrolled: Sequence[str]) -> dict[str, object]:
        with ExitStack() as stack:
            webs = [
                stack.enter_context(web_server(self._environment | {"NODE_NAME": f"web-{number}"}))
                for number in range(count)
            ]
            url = stack.enter_context(proxy([address for address, _ in webs]))
            nodes = Nodes(url, self._keys, self._crops, self._environment["DATABASE_URL"])
            answering = spread(url, self._keys[-1])
            if len(answering) != count:
                raise RuntimeError(f"Not every web server is asked: {answering}")
            accepted = nodes.flood(seconds / 2)
            stack.enter_context(workers(self._environment | {"WORKER_CONCURRENCY": str(count)}))
            recognised, used = nodes.keep_busy(seconds)
            latency = nodes.latencies(recognised / 2, seconds, enrolled)
        figures = {
            "web": count,
            "workers": count,
            "accepted_per_s": round(accepted, 1),
            "recognised_per_s": round(recognised, 1),
            "latency": latency,
            "processor_ms": used,
        }
        print(json.dumps(figures), flush=True)
        return figures

    def service(self, folder: Path) -> Service:
        """Of one worker process."""
        for number, crop in enumerate(chain.from_iterable(self._crops.values())):
            (folder / f"{number:05}").write_bytes(crop)
        command = [sys.executable, "-m", "bench.service", str(folder)]
        done = subprocess.run(command, cwd=ROOT, env=self._environment, text=True, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return Service.fitted(json.loads(done.stdout.splitlines()[-1]))


def run(options: argparse.Namespace) -> dict[str, object]:
    pack = options.pack.resolve()
    crops = crops_of(choose(options.data, options.photos), pack)
    with ExitStack() as stack:
        environment = os.environ | {
            "DATA_DIR": stack.enter_context(tempfile.TemporaryDirectory(prefix="facesite-bench-")),
            "DATABASE_URL": stack.enter_context(private_postgres()),
            "BROKER_URL": stack.enter_context(private_redis()),
            "PACKS_DIR": str(pack.parent),
            "PACK": pack.name,
            "WEB_CONCURRENCY": "1",
            # One key stands for several nodes.
            "MAX_KEY_REQUESTS_PER_SECOND": "0",
            "MAX_CROPS_PER_SECOND": "0",
        }
        print(f"Enrolling {options.people} people", flush=True)
        keys = set_up_with_node(environment, options.data, options.people, CAMERAS)
        site = Installation(environment, keys, crops)
        service = site.service(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        print(f"one worker process alone: {asdict(service)}", flush=True)
        enrolled = [place.name for place in sorted(options.data.iterdir())[: options.people]]
        counts = [count for count in (1, 2, 4, 8) if count <= max(2, CORES)]
        measured = [site.measure(count, options.seconds, enrolled) for count in counts]
    costs, assumed = Costs.of(measured[0]["processor_ms"]), Assumptions()
    # A worker waits while the database works for it.
    service = replace(service, crop_s=service.crop_s + costs.database)
    return {
        "measured": measured,
        "worker_crops_per_s": round(service.crops_per_s, 1),
        "service": {name: round(value, 5) for name, value in asdict(service).items()},
        "plan": [plan(cameras, service, costs, assumed) for cameras in PLANNED],
        "bottleneck": next_bottleneck(costs, assumed),
        "pack": open_pack(pack).id,
        "cores": CORES,
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description="More processes, and more cameras.")
    parser.add_argument("--data", type=Path, required=True, help="folder of people: NAME/photo.jpg")
    parser.add_argument("--photos", type=int, default=300, help="how many of them crops are cut from (%(default)s)")
    parser.add_argument("--people", type=int, default=PEOPLE, help="enrolled (%(default)s)")
    parser.add_argument("--pack", type=Path, default=PACK, help="folder of a built pack")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement (%(default)s)")
    started = time.monotonic()
    try:
        results = run(parser.parse_args(arguments))
    except (EngineError, OSError, RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"took {time.monotonic() - started:.0f} s", flush=True)
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
