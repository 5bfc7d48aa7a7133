"""Sets up the data folder DATA_DIR with cameras: `python -m bench.cameras CAMERA…`.

Prints, as JSON, an operator's key (`operator`) and a key for each camera, which has a node to itself (`cameras`).
"""

import json
import os
import sys
from collections.abc import Sequence

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
django.setup()

from access.models import ApiKey  # noqa: E402 - models need Django set up
from detections.models import Camera, EdgeNode, Location  # noqa: E402


def main(names: Sequence[str]) -> None:
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    keys = {name: _add(name) for name in names}
    operator = ApiKey(name="bench", scope=ApiKey.Scope.OPERATOR).issue()
    print(json.dumps({"operator": operator, "cameras": keys}))


def _add(name: str) -> str:
    place, _ = Location.objects.get_or_create(name="bench")
    node = EdgeNode.objects.create(name=name)
    node.cameras.add(Camera.objects.create(id=name, name=name, location=place))
    key = ApiKey(name=name, scope=ApiKey.Scope.EDGE)
    issued = key.issue()
    node.keys.add(key)
    return issued


if __name__ == "__main__":
    main(sys.argv[1:])
