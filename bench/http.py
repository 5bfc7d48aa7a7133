"""How fast `get-results` answers over HTTP: `python -m bench.http --data FOLDER`.

FOLDER holds `<Name>/photo.jpg`. Starts the production web server (the web process of the Procfile) on a data folder of
its own with 100 people enrolled, or takes the one at `--url` with the API key in `--key-file`. Then, on the same cores:

- in process: the engine on the same photos without a server, a process per core, as bench.recognition measures it;
- one connection: latencies of one client that asks again as soon as it is answered;
- saturation: requests a second of many clients that do the same;
- 70 % load: latencies of requests that arrive at random moments at 70 % of that rate, counted from when they were due.

`efficiency` is saturation over in process. The load generator runs beside the server: its CPU seconds as a share of the
cores' are in the output. The last line is JSON; `p50_ms` and `p99_ms` there are of one connection.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from bench.engine import PACK, Engine, choose
from bench.load import OK, WARM_UP_S, Answers, Load, run
from bench.recognition import CORES, measure
from bench.server import question, set_up, web_server, worker_mb
from recognition.engine.packs import open_pack

PEOPLE = 100
SECONDS = 15.0
LOAD = 0.7


def ask(name: str, load: Load) -> tuple[Answers, dict[str, object]]:
    """Send a load, print how it went and describe it."""
    answers = run(load)
    described = {
        "connections": load.connections,
        "requests_per_s": round(answers.statuses[OK] / load.seconds, 2),
        **answers.percentiles_ms(),
        "statuses": {str(status): number for status, number in sorted(answers.statuses.items())},
        "client_share_of_cores": round(answers.cpu_s / ((load.seconds + WARM_UP_S) * CORES), 3),
    }
    print(f"{name:20} " + "  ".join(f"{key} {value}" for key, value in described.items()), flush=True)
    if not answers.statuses[OK]:
        raise RuntimeError("No request was answered.")
    return answers, described


def compare(url: str, key: str, photos: Sequence[bytes], connections: int) -> dict[str, object]:
    """The measurements over HTTP, as the last line reports them."""
    address = urlsplit(url)
    make = partial(
        Load,
        address=(address.hostname, address.port or 80),
        requests=[question(url, key, photo) for photo in photos],
        seconds=SECONDS,
    )
    _, one = ask("one connection", make(connections=1))
    answers, saturated = ask("saturation", make(connections=connections))
    rate = answers.statuses[OK] / SECONDS
    _, loaded = ask("70 % load", make(connections=connections, rate=LOAD * rate))
    return {
        "requests_per_s": saturated["requests_per_s"],
        "p50_ms": one["p50_ms"],
        "p99_ms": one["p99_ms"],
        "one_connection": one,
        "saturation": saturated,
        "load_70_percent": loaded,
    }


def own_server(photos: Path, pack: Path, sample: Sequence[bytes], connections: int) -> dict[str, object]:
    """Set up, start and measure a server, and say what its processes take."""
    with tempfile.TemporaryDirectory(prefix="facesite-bench-") as folder:
        environment = os.environ | {"DATA_DIR": folder, "PACKS_DIR": str(pack.parent), "PACK": pack.name}
        print(f"Enrolling {PEOPLE} people in {folder}", flush=True)
        key = set_up(environment, photos, PEOPLE)
        with web_server(environment) as (url, master):
            results = compare(url, key, sample, connections)
            return results | {"web_processes_mb": worker_mb(master)}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.http", description="How fast get-results answers over HTTP.")
    parser.add_argument("--data", type=Path, required=True, help="folder of people: NAME/photo.jpg")
    parser.add_argument("--photos", type=int, default=300, help="how many of them are asked about (%(default)s)")
    parser.add_argument("--pack", type=Path, default=PACK, help="folder of a built pack")
    parser.add_argument("--connections", type=int, default=16 * CORES, help="at saturation (%(default)s)")
    parser.add_argument("--url", help="a server that runs already, http://host:port")
    parser.add_argument("--key-file", type=Path, help="file with an API key of that server")
    options = parser.parse_args(arguments)
    if bool(options.url) != bool(options.key_file):
        parser.error("--url and --key-file go together")
    try:
        sample = [path.read_bytes() for path in choose(options.data, options.photos)]
        in_process = measure("in process", partial(Engine, options.pack, crops=False), sample, CORES)
        if options.url:
            key = options.key_file.read_text().strip()
            results = compare(options.url.rstrip("/"), key, sample, options.connections)
        else:
            results = own_server(options.data, options.pack.resolve(), sample, options.connections)
    except (OSError, RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    results |= {
        "in_process_per_s": round(in_process.per_s, 2),
        "efficiency": round(results["requests_per_s"] / in_process.per_s, 3),
        "pack": open_pack(options.pack).id,
        "cores": CORES,
    }
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
