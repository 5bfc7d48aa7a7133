"""What no overlay may do: run as root, without limits or probes, images of open versions, secrets in plain text."""

import re
from typing import Any

import pytest

from tests.deploy.cluster import OVERLAYS, built, containers, named, pods, settings_of
from tests.deploy.tools import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("overlay", OVERLAYS)]

SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|_KEY$|DATABASE_URL|BROKER_URL|SIGNING", re.IGNORECASE)


def test_images_are_of_one_version(overlay: str) -> None:
    for name, container in containers(overlay):
        _, _, version = container["image"].rpartition("/")[2].partition(":")
        assert re.fullmatch(r"\d[\w.-]*(@sha256:[0-9a-f]{64})?", version), (name, container["image"])


def test_images_of_others_are_pinned_by_digest(overlay: str) -> None:
    for name, container in containers(overlay):
        assert "facesite-" in container["image"] or "@sha256:" in container["image"], name


def test_requests_and_limits_are_set(overlay: str) -> None:
    for name, container in containers(overlay):
        for kind in ("requests", "limits"):
            assert set(container["resources"][kind]) == {"cpu", "memory"}, name


def test_all_that_serves_is_probed(overlay: str) -> None:
    for name, pod in pods(overlay):
        for container in pod["spec"]["containers"] if pod["spec"].get("restartPolicy") != "Never" else []:
            assert {"startupProbe", "livenessProbe"} <= set(container), name
            serves = {port["name"] for port in container.get("ports", [])} - {"metrics"}
            assert not serves or "readinessProbe" in container, name


def test_pods_are_restricted(overlay: str) -> None:
    for name, pod in pods(overlay):
        context = pod["spec"]["securityContext"]
        assert context["runAsNonRoot"], name
        assert context["runAsUser"] > 0, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod["spec"]), name
        assert pod["spec"]["automountServiceAccountToken"] is False, name
        for volume in pod["spec"].get("volumes", []):
            assert set(volume) - {"name"} <= {"emptyDir", "secret", "configMap"}, name
    for name, container in containers(overlay):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name


def test_names_are_asked_of_the_clusters_own_server(overlay: str) -> None:
    (rule,) = named(overlay, "NetworkPolicy", "names")["spec"]["egress"]
    (server,) = rule["to"]
    # Labels of ours would let no pod of it through.
    wanted = {"matchExpressions": [{"key": "k8s-app", "operator": "In", "values": ["kube-dns"]}]}
    assert server["podSelector"] == wanted


def test_the_namespace_admits_restricted_pods_alone(overlay: str) -> None:
    labels = named(overlay, "Namespace", "facesite")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {one["metadata"].get("namespace", "facesite") for one in built(overlay)} == {"facesite"}


def test_secrets_are_named_and_never_there(overlay: str) -> None:
    assert not [one for one in built(overlay) if one["kind"] == "Secret"]
    assert not [name for name in settings_of(overlay) if SECRET.search(name)]
    for name, container in containers(overlay):
        for variable in container.get("env", []):
            assert "value" not in variable or not SECRET.search(variable["name"]), name


def test_nobody_but_training_has_the_private_key(overlay: str) -> None:
    holders = {
        name
        for name, container in containers(overlay)
        for source in container.get("envFrom", [])
        if source.get("secretRef", {}).get("name") == "facesite-training"
    }
    assert holders == {"worker-training/facesite"}


def test_settings_are_those_that_are_documented(overlay: str) -> None:
    page = (REPOSITORY / "docs/settings.md").read_text()
    used = set(settings_of(overlay))
    used |= {
        variable["name"]
        for name, container in containers(overlay)
        if "facesite-" in container["image"]
        for variable in container.get("env", [])
    }
    assert {name for name in used if f"`{name}`" not in page} == set()


def test_nobody_talks_to_anybody_unless_it_is_said(overlay: str) -> None:
    deny = named(overlay, "NetworkPolicy", "default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for one in built(overlay):
        if one["kind"] == "NetworkPolicy":
            rules: list[dict[str, Any]] = one["spec"].get("ingress", []) + one["spec"].get("egress", [])
            assert all(rule.get("ports") and (rule.get("from") or rule.get("to")) for rule in rules), one["metadata"]


def test_pods_are_given_the_time_they_take_to_stop(overlay: str) -> None:
    for name, pod in pods(overlay):
        role = pod["metadata"]["labels"].get("facesite/role")
        least = {"web": 10 + 15, "worker": 30, None: 0}[role]  # gunicorn's graceful_timeout; docs/reliability.md
        assert pod["spec"].get("terminationGracePeriodSeconds", 30) > least, name


def test_new_code_waits_for_its_tables(overlay: str) -> None:
    for name, pod in pods(overlay):
        if pod["metadata"]["labels"]["app.kubernetes.io/name"] == "facesite" and name != "migration":
            assert [one["name"] for one in pod["spec"]["initContainers"]] == ["migrated"], name


def test_only_one_schedules(overlay: str) -> None:
    spec = named(overlay, "Deployment", "scheduler")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_every_queue_has_a_worker(overlay: str) -> None:
    served = {
        queue
        for _, container in containers(overlay)
        for variable in container.get("env", [])
        if variable["name"] == "WORKER_QUEUES"
        for queue in variable["value"].split(",")
    }
    assert served == {"recognition", "training", "maintenance"}
