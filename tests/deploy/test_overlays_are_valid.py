"""Every overlay builds, and is what Kubernetes, KEDA and cert-manager describe, to the last field."""

import re
import shutil
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from kubernetes_validate import ValidationError, validate
from pydantic import BaseModel

from tests.deploy.cluster import OVERLAYS, built
from tests.deploy.tools import REPOSITORY, run

pytestmark = pytest.mark.slow

KUBERNETES = ("1.31", "1.37")  # the oldest that is meant to run it, and the newest there is


def described_by(one: dict[str, Any]) -> type[BaseModel] | None:
    """The model of a kind that is not Kubernetes' own, made from the definition that its project publishes."""
    # Imported late: they take seconds.
    from cloudcoil.models.cert_manager import v1 as cert_manager  # noqa: PLC0415
    from cloudcoil.models.keda import v1alpha1 as keda  # noqa: PLC0415

    modules = {"keda.sh/v1alpha1": keda, "cert-manager.io/v1": cert_manager}
    module = modules.get(one["apiVersion"])
    return getattr(module, one["kind"]) if module else None


# Nothing that pip installs describes the Gateway API; docs/azure.md says how these were checked.
UNCHECKED = "gateway.networking.k8s.io/v1"


def assert_valid(one: dict[str, Any]) -> None:
    if one["apiVersion"] == UNCHECKED:
        return
    if model := described_by(one):
        # What it does not know it passes over, so what comes out must be all that went in.
        assert model.model_validate(one).model_dump(mode="json", by_alias=True, exclude_unset=True) == one
        return
    for version in KUBERNETES:
        validate(one, version, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_builds_and_is_valid(overlay: str) -> None:
    objects = built(overlay)
    assert {"Namespace", "Deployment", "Job", "Service", "ConfigMap", "NetworkPolicy", "PodDisruptionBudget"} <= {
        one["kind"] for one in objects
    }
    for one in objects:
        assert_valid(one)


def test_the_gateway_of_azure_builds_and_is_valid() -> None:
    objects = list(yaml.safe_load_all(run("kubectl", "kustomize", "k8s/azure/gateway")))
    assert {one["kind"] for one in objects} == {"Namespace", "Gateway", "HTTPRoute", "Issuer", "Certificate"}
    for one in objects:
        assert_valid(one)


def test_a_field_that_does_not_exist_is_noticed() -> None:
    (scaled, *_) = (one for one in built("production") if one["kind"] == "ScaledObject")
    with pytest.raises(AssertionError):
        assert_valid(scaled | {"spec": scaled["spec"] | {"minReplicas": 1}})
    (deployment, *_) = (one for one in built("production") if one["kind"] == "Deployment")
    with pytest.raises(ValidationError):
        assert_valid(deployment | {"spec": deployment["spec"] | {"replica": 1}})


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_reference_has_something_it_means(overlay: str) -> None:
    objects = built(overlay)
    names = {(one["kind"], one["metadata"]["name"]) for one in objects}
    assert len(names) == len(objects)
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in objects if "template" in one.get("spec", {})]
    for one in objects:
        spec = one.get("spec", {})
        if target := spec.get("scaleTargetRef"):
            assert ("Deployment", target["name"]) in names
        selector = {"Service": spec.get("selector"), "PodDisruptionBudget": spec.get("selector", {})}.get(one["kind"])
        if selector:
            wanted = selector.get("matchLabels", selector).items()
            assert any(wanted <= found.items() for found in labels), one["metadata"]["name"]
        for rule in spec.get("rules", []) if one["kind"] == "Ingress" else []:
            for path in rule["http"]["paths"]:
                assert ("Service", path["backend"]["service"]["name"]) in names


def test_the_overlay_that_the_docs_show_has_no_example_left(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs/kubernetes.md").read_text()
    shown = re.search(r"^   ```yaml\n(.*?)^   ```$", page, re.MULTILINE | re.DOTALL)[1]
    shutil.copytree(REPOSITORY / "k8s", tmp_path / "k8s")
    own = tmp_path / "k8s/overlays/own"
    own.mkdir()
    (own / "kustomization.yaml").write_text(dedent(shown))
    made = run("kubectl", "kustomize", own)
    for one in yaml.safe_load_all(made):
        assert_valid(one)
    assert made.count("faces.your.org") == 4  # settings, rule, certificate of the ingress, certificate
    assert "example.org" not in made
