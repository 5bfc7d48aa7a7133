#!/bin/sh
# lock.sh: writes docker/constraints.txt anew, after a change of the requirements. Downloads what it looks at.
set -eu
cd "$(dirname "$0")/.."

report=$(mktemp)
trap 'rm -f "$report"' EXIT
sed 's/^opencv-python==/opencv-python-headless==/' requirements-server.txt requirements-svm.txt >"$report.txt"
python -m pip install --quiet --dry-run --ignore-installed --report "$report" --requirement "$report.txt"
rm "$report.txt"
python - "$report" >docker/constraints.txt <<'PROGRAM'
import json
import sys
from pathlib import Path

print("# What images install for server and edge node, with all that it brings along. Made by docker/lock.sh.")
found = (one["metadata"] for one in json.loads(Path(sys.argv[1]).read_text())["install"])
print("\n".join(sorted(f"{one['name']}=={one['version']}" for one in found)))
PROGRAM
