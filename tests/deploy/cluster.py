"""What `kubectl kustomize` makes of an overlay. Nothing is asked of any cluster."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml

from tests.deploy.tools import run

OVERLAYS = ("dev", "production", "azure")


@lru_cache
def built(overlay: str) -> tuple[dict[str, Any], ...]:
    """Its objects."""
    return tuple(yaml.safe_load_all(run("kubectl", "kustomize", f"k8s/overlays/{overlay}")))


def named(overlay: str, kind: str, name: str) -> dict[str, Any]:
    """The one object of this kind and name."""
    (found,) = (one for one in built(overlay) if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


def settings_of(overlay: str) -> dict[str, str]:
    """What its map of settings holds; its name has a hash behind it."""
    (found,) = (one for one in built(overlay) if one["kind"] == "ConfigMap")
    return found["data"]


def pods(overlay: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name of whatever runs pods, with their template."""
    for one in built(overlay):
        if "template" in one.get("spec", {}):
            yield one["metadata"]["name"], one["spec"]["template"]


def containers(overlay: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """All containers, initial ones included, with the name of whatever runs them."""
    for name, pod in pods(overlay):
        for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]:
            yield f"{name}/{container['name']}", container
