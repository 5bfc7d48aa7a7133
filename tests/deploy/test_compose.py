"""docker-compose.yml is well formed, hardened, pinned, and has no secret in it."""

import re
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from tests.deploy.tools import REPOSITORY

SOURCE = (REPOSITORY / "docker-compose.yml").read_text()
# As without any variable set.
PLAIN = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", SOURCE)
COMPOSE = yaml.safe_load(PLAIN)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN = {name for name, service in SERVICES.items() if "build" in service}


def files(name: str) -> list[str]:
    """Of variables, that the service gets; later ones count."""
    given = SERVICES[name].get("env_file", [])
    return [one if isinstance(one, str) else one["path"] for one in given]


def test_it_is_a_compose_file() -> None:
    # The library takes no image with both tag and digest, which Docker does.
    PyCompose.from_yaml(yaml.safe_dump(yaml.safe_load(re.sub(r"@sha256:\w+", "", PLAIN)))).validate()


def test_a_mistake_is_noticed() -> None:
    broken = yaml.safe_load(re.sub(r"@sha256:\w+", "", PLAIN))
    broken["services"]["web"]["mem_limmit"] = "2g"
    with pytest.raises(ValueError, match="mem_limmit"):
        PyCompose.from_yaml(yaml.safe_dump(broken))


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_locked_down(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


def test_images_of_others_are_pinned_by_digest() -> None:
    for name in SERVICES.keys() - OWN:
        assert re.search(r":\d[\w.-]+@sha256:[0-9a-f]{64}$", SERVICES[name]["image"]), name


def test_servers_are_checked() -> None:
    for name in SERVICES.keys() - OWN:
        assert SERVICES[name]["healthcheck"]["test"], name


def test_only_the_web_server_can_be_reached_and_only_from_this_machine() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "web": ["127.0.0.1:8000:8000"]
    }
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("database", "broker", "storage"):
        assert SERVICES[name]["networks"] == ["inside"]


def test_secrets_come_from_files_that_git_does_not_know() -> None:
    for name, service in SERVICES.items():
        named = {key for key in service.get("environment", {}) if re.search("SECRET|PASSWORD|KEY|DATABASE_URL", key)}
        assert named == set(), name
        assert all(file == ".env" or file.startswith("docker/secrets/") for file in files(name))
    assert {"docker/secrets/", ".env"} <= set((REPOSITORY / ".gitignore").read_text().splitlines())
    assert "docker/secrets" in (REPOSITORY / ".dockerignore").read_text().splitlines()


def test_nobody_but_training_and_the_demo_has_the_private_key() -> None:
    assert {name for name in SERVICES if "docker/secrets/training.env" in files(name)} == {"training", "demo"}


@pytest.mark.parametrize("name", sorted(OWN - {"edge"}))
def test_settings_of_the_operator_reach_whatever_reads_them_and_secrets_count_more(name: str) -> None:
    assert SERVICES[name]["env_file"][0] == {"path": ".env", "required": False}
    assert files(name)[1] == "docker/secrets/site.env"


def test_the_port_inside_is_the_one_that_is_published() -> None:
    assert SERVICES["web"]["environment"]["PORT"] == 8000


def test_settings_are_those_that_are_documented() -> None:
    page = (REPOSITORY / "docs/settings.md").read_text()
    used = {variable for name in OWN for variable in SERVICES[name].get("environment", {})}
    assert {variable for variable in used if f"`{variable}`" not in page} == set()


def test_all_queues_have_a_worker() -> None:
    served = ",".join(
        SERVICES[name]["environment"]["WORKER_QUEUES"] for name in ("recognition", "training", "maintenance")
    )
    assert set(served.split(",")) == {"recognition", "training", "maintenance"}
