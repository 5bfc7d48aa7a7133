"""The Dockerfile keeps what it promises: linted, pinned, nobody is root, PyTorch only where packs are built."""

import re

import pytest

from tests.deploy.tools import REPOSITORY, run, tracked

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
STAGES = {
    found["name"]: found["body"]
    for found in re.finditer(r"(?ms)^FROM \S+ AS (?P<name>\S+)\n(?P<body>.*?)(?=^FROM |\Z)", DOCKERFILE)
}
PARENT = {stage: base for base, stage in re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)}


def lineage(stage: str) -> str:
    """What a stage says, with what those say that it begins with."""
    return lineage(PARENT[stage]) + STAGES[stage] if stage in STAGES else ""


@pytest.mark.slow
def test_the_dockerfile_is_lint_free() -> None:
    run("hadolint", "Dockerfile")


@pytest.mark.slow
def test_shell_scripts_are_lint_free() -> None:
    scripts = tracked("*.sh")
    assert len(scripts) >= 6
    run("shellcheck", *scripts)


def test_the_base_is_pinned() -> None:
    assert re.search(r"^ARG PYTHON=python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    assert {base for base in PARENT.values() if base not in STAGES} == {"${PYTHON}"}


@pytest.mark.parametrize("image", ["web", "worker", "edge", "pack-builder"])
def test_no_image_runs_as_root(image: str) -> None:
    users = re.findall(r"^USER (\S+)$", lineage(image), re.MULTILINE)
    assert users[-1] == "10001:10001"


@pytest.mark.parametrize("image", ["web", "worker", "edge"])
def test_what_runs_on_is_checked_and_has_no_pytorch(image: str) -> None:
    assert f'"docker/alive.py", "{image}"' in STAGES[image]
    assert "requirements-packs.txt" not in lineage(image)


def test_what_the_server_installs_is_pinned_and_has_no_pytorch() -> None:
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", (REPOSITORY / "docker/constraints.txt").read_text(), re.MULTILINE))
    pinned = {name.lower(): version for name, version in pinned.items()}
    assert not {"torch", "torchvision", "onnx", "matplotlib", "scikit-image"} & set(pinned)
    asked = re.findall(
        r"^([\w-]+)(?:\[\w+\])?==(\S+)", (REPOSITORY / "requirements-server.txt").read_text(), re.MULTILINE
    )
    for name, version in asked:
        headless = "opencv-python-headless" if name == "opencv-python" else name.lower()
        # What is newer than the list is installed all the same, only what it brings along is not pinned yet.
        assert pinned.get(headless, version) == version, "run docker/lock.sh"


def test_everything_that_is_copied_is_sent_and_nothing_else() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source.partition("/")[0]
        for words in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in words.split()[:-1]
    }
    assert copied == sent
    assert "*" in ignored
