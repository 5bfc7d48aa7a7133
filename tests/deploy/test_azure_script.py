"""deploy.sh makes everything on Azure once, goes on after a failure, tells nobody a secret, and can be asked before.

`az` and `kubectl` are stand-ins that remember what was made; no cloud is asked.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.deploy.clouds import Cloud
from tests.deploy.tools import run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("azure")]

MAKING = re.compile(r"^az .*\b(create|add|set|build|recover)\b(?= --)")


def deploy(cloud: Cloud, *arguments: str, fails: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"HOST": "faces.test.org", "EMAIL": "ops@test.org", "PATIENCE": "0"}
    return cloud.run("k8s/azure/deploy.sh", *arguments, fails=fails, **given | environment)


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path)


@dataclass(frozen=True)
class Deployed:
    """A cloud after `deploy.sh up`, with what that said and called."""

    cloud: Cloud
    said: str
    calls: list[str]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    cloud = Cloud(tmp_path_factory.mktemp("cloud"))
    done = deploy(cloud, "up", VERSION="1.2.3")
    assert done.returncode == 0, done.stderr
    return Deployed(cloud, done.stdout + done.stderr, cloud.calls)


def test_everything_is_made_once_and_the_second_time_nothing(deployed: Deployed) -> None:
    cloud = deployed.cloud
    assert len(cloud.made) == len(set(cloud.made))
    given = cloud.secret("facesite"), cloud.secret("facesite-training")

    done = deploy(cloud, "up", VERSION="1.2.3")
    assert done.returncode == 0, done.stderr
    assert [call for call in cloud.calls if MAKING.match(call)] == []
    assert (cloud.secret("facesite"), cloud.secret("facesite-training")) == given
    # What is new is put in service all the same.
    for call in (
        "kubectl delete job migration",
        "kubectl wait job/migration",
        "kubectl rollout status deployment/web-",
    ):
        assert any(one.startswith(call) for one in cloud.calls)


STEPS = (
    "acr build",
    "role assignment create",
    "keyvault secret set",
    "postgres flexible-server create",
    "aks create",
    "federated-credential create",
    "patch deployment cert-manager",
    "apply --server-side --kustomize",
)


def test_after_a_failure_the_same_command_goes_on(cloud: Cloud) -> None:
    for step in STEPS:
        done = deploy(cloud, "up", fails=step)
        assert done.returncode != 0
        assert step in cloud.calls[-1]
    done = deploy(cloud, "up")
    assert done.returncode == 0, done.stderr
    assert len(cloud.made) == len(set(cloud.made))
    assert {"cert-manager", "patched"} <= set(cloud.made)
    assert {one.split()[-1] for one in cloud.made if one.startswith("aks")} == {"facesite", "recognition"}


@pytest.mark.parametrize("question", ["keyvault secret list", "keyvault secret show"])
def test_keys_are_not_made_anew_because_the_vault_does_not_answer(cloud: Cloud, question: str) -> None:
    assert deploy(cloud, "up").returncode == 0
    given = cloud.secret("facesite"), cloud.secret("facesite-training")
    assert deploy(cloud, "up", fails=question).returncode != 0
    assert [call for call in cloud.calls if "keyvault secret set" in call] == []
    assert deploy(cloud, "up").returncode == 0
    assert (cloud.secret("facesite"), cloud.secret("facesite-training")) == given


def test_nobody_is_told_a_secret(deployed: Deployed) -> None:
    cloud = deployed.cloud
    secrets = [*cloud.secret("facesite").values(), *cloud.secret("facesite-training").values()]
    password = re.search(r"facesite:(\w+)@", cloud.secret("facesite")["DATABASE_URL"])[1]
    for secret in (password, *(one for one in secrets if not one.startswith("redis:"))):
        assert secret not in deployed.said
        assert secret not in "\n".join(deployed.calls)
    assert set(cloud.secret("facesite-training")) == {"MODEL_SIGNING_KEY"}


def test_a_dry_run_says_what_would_be_done_and_asks_nobody(cloud: Cloud, deployed: Deployed) -> None:
    done = deploy(cloud, "--dry-run", "up")
    assert done.returncode == 0, done.stderr
    assert cloud.calls == []
    said = [line.removeprefix("+ ").removeprefix("patiently ") for line in done.stderr.splitlines()]
    made = [call.partition(" --")[0] for call in deployed.calls if MAKING.match(call)]
    assert [line.partition(" --")[0] for line in said if MAKING.match(line)] == made


def test_what_is_applied_has_the_names_of_the_deployment(deployed: Deployed) -> None:
    folder = deployed.cloud.copy / "k8s/azure/.deployed"
    site = list(yaml.safe_load_all(run("kubectl", "kustomize", folder / "site")))
    gateway = run("kubectl", "kustomize", folder / "gateway")
    images = {
        container["image"].partition("/")[2]
        for one in site
        if one["kind"] in {"Deployment", "Job"} and one["metadata"]["name"] != "broker"
        for container in one["spec"]["template"]["spec"]["containers"]
    }
    assert images == {"facesite-web:1.2.3", "facesite-worker:1.2.3"}
    (settings,) = (one["data"] for one in site if one["kind"] == "ConfigMap")
    assert settings["ALLOWED_HOSTS"] == "faces.test.org,localhost"
    assert "account_name=facesite" in settings["STORAGE_URL"]
    text = yaml.safe_dump_all(site) + gateway
    assert "11111111-2222-3333-4444-555555555555" in text
    for example in ("example.org", "example.azurecr", "account_name=example", "00000000-0000"):
        assert example not in text


def test_deleting_everything_has_to_be_confirmed(deployed: Deployed) -> None:
    cloud = deployed.cloud
    refused = deploy(cloud, "down")
    assert (refused.returncode, [call for call in cloud.calls if "delete" in call]) == (1, [])
    assert "CONFIRM=facesite" in refused.stderr
    assert deploy(cloud, "down", CONFIRM="facesite").returncode == 0
    assert cloud.calls[-1] == "az group delete --name facesite --yes"


@pytest.mark.parametrize(("variable", "value"), [("HOST", ""), ("EMAIL", ""), ("NAME", "Face_Site")])
def test_what_is_missing_is_said_before_anything_is_done(cloud: Cloud, variable: str, value: str) -> None:
    done = deploy(cloud, "up", **{variable: value})
    assert (done.returncode, cloud.calls) == (1, [])
    assert variable in done.stderr
