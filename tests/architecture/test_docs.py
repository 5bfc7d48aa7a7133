"""What README and docs refer to exists: links and their anchors, make targets, commands, modules and scripts."""

import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

REPOSITORY: Path = settings.BASE_DIR
PAGES = sorted(
    path.relative_to(REPOSITORY)
    for pattern in ("*.md", "docs/*.md", "*/README.md")
    for path in REPOSITORY.glob(pattern)
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


def text(page: Path) -> str:
    return (REPOSITORY / page).read_text()


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> str:
    """All that is shown as something to type: shell blocks, and words in code style. One command in a line."""
    blocks = [body for language, body in FENCE.findall(text(page)) if language in {"sh", "bash", ""}]
    return "\n".join([*blocks, *re.findall(r"`([^`]+)`", FENCE.sub("", text(page)))])


def broken(page: Path) -> list[str]:
    found = []
    for link in LINK.findall(FENCE.sub("", text(page))):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = Path(os.path.normpath(page.parent / file)) if file else page
        if not (REPOSITORY / target).exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A heading\n[a](#a-heading) [b](gone.md) [c](#gone) [d](https://example.org/)")
    assert broken(page) == ["gone.md", "#gone"]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_is_to_be_typed_exists(page: Path) -> None:
    shown = commands(page)
    assert set(re.findall(r"^(?:\w+=\S+ )*make ([a-z-]+)\b", shown, re.MULTILINE)) <= TARGETS
    assert set(re.findall(r"\bmanage\.py ([a-z_]+)", shown)) <= set(get_commands())
    for module in re.findall(r"\bpython3? -m ([a-z_.]*[a-z_])\b(?!\.[A-Z])", shown):
        assert find_spec(module), module
    for script in re.findall(r"(?<![\w/.])((?:docker|k8s)/[\w./-]+\.(?:sh|py))\b", shown):
        assert os.access(REPOSITORY / script, os.X_OK if script.endswith(".sh") else os.R_OK), script
    for overlay in re.findall(r"k8s/apply\.sh ([a-z]+)", shown):
        assert (REPOSITORY / "k8s" / "overlays" / overlay).is_dir(), overlay


def test_every_page_of_docs_is_in_the_readme() -> None:
    listed = set(LINK.findall(text(Path("README.md"))))
    assert {str(page) for page in PAGES if page.parts[0] == "docs"} <= listed
