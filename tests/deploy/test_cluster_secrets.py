"""The secrets of a cluster are made once, each pod's own, and asked for before anything is applied."""

from pathlib import Path

import pytest

from tests.deploy.clouds import Cloud
from tests.deploy.cluster import containers

pytestmark = pytest.mark.slow

GIVEN = {
    "DATABASE_URL": "postgres://facesite:word@db.test/facesite?sslmode=require",
    "BROKER_URL": "rediss://:word@redis.test:6379/0",
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "key",
}
NEEDED = {"SECRET_KEY", "METRICS_TOKEN", "DATABASE_URL", "BROKER_URL", "MODEL_VERIFY_KEYS"}


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path)


def test_all_that_the_dev_overlay_refers_to_is_made_and_only_once(cloud: Cloud) -> None:
    assert cloud.run("k8s/make-secrets.sh", "dev").returncode == 0
    site = cloud.secret("facesite")
    assert set(site) >= NEEDED | {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert set(cloud.secret("facesite-training")) == {"MODEL_SIGNING_KEY"}
    assert f":{cloud.secret('facesite-database')['POSTGRES_PASSWORD']}@database/" in site["DATABASE_URL"]
    assert site["AWS_SECRET_ACCESS_KEY"] in cloud.secret("facesite-storage")["storage.json"]

    referred = {
        source["secretRef"]["name"]
        for _, container in containers("dev")
        for source in container.get("envFrom", [])
        if "secretRef" in source
    }
    assert referred == {"facesite", "facesite-training"}

    assert cloud.run("k8s/make-secrets.sh", "dev").returncode == 0
    assert cloud.secret("facesite") == site


def test_in_production_servers_are_those_that_are_named(cloud: Cloud) -> None:
    done = cloud.run("k8s/make-secrets.sh", "production", **GIVEN)
    assert done.returncode == 0, done.stderr
    site = cloud.secret("facesite")
    assert set(site) == NEEDED | set(GIVEN)
    assert {name: site[name] for name in GIVEN} == GIVEN
    assert not any(value in call for call in cloud.calls for value in site.values() if len(value) > 4)


def test_a_server_that_is_not_named_is_asked_for(cloud: Cloud) -> None:
    done = cloud.run("k8s/make-secrets.sh", "production", DATABASE_URL=GIVEN["DATABASE_URL"], BROKER_URL="")
    assert done.returncode != 0
    assert "BROKER_URL: Set it" in done.stderr


def test_what_a_failure_left_is_completed(cloud: Cloud) -> None:
    assert cloud.run("k8s/make-secrets.sh", "dev", fails="create secret generic facesite --").returncode != 0
    assert cloud.run("k8s/make-secrets.sh", "dev").returncode == 0
    assert f":{cloud.secret('facesite-database')['POSTGRES_PASSWORD']}@" in cloud.secret("facesite")["DATABASE_URL"]


def test_keys_are_not_made_anew_because_the_cluster_does_not_answer(cloud: Cloud) -> None:
    assert cloud.run("k8s/make-secrets.sh", "dev").returncode == 0
    given = cloud.secret("facesite")
    assert cloud.run("k8s/make-secrets.sh", "dev", fails="get secret").returncode != 0
    assert cloud.secret("facesite") == given


def test_nothing_is_applied_before_there_are_secrets_and_the_migration_is_waited_for(cloud: Cloud) -> None:
    refused = cloud.run("k8s/apply.sh", "dev")
    assert (refused.returncode, len(cloud.calls)) == (1, 1)
    assert "make-secrets.sh" in refused.stderr
    cloud.run("k8s/make-secrets.sh", "dev")
    assert cloud.run("k8s/apply.sh", "dev").returncode == 0
    steps = [call.replace("--namespace facesite ", "") for call in cloud.calls]
    assert steps[1].startswith("kubectl delete job migration")
    assert steps[2].endswith("k8s/overlays/dev")
    assert steps[3].startswith("kubectl wait job/migration")
