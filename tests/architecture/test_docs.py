"""What the documents point at is there: pages, headings, files, commands of manage.py, benches and settings."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

ROOT = settings.BASE_DIR
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("k8s/**/*.md"), *ROOT.glob("*/README.md")])


@cache
def anchors(page: Path) -> set[str]:
    """As the sites that show Markdown make them of headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(page: Path) -> list[str]:
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if target.startswith(("http://", "https://")):
            continue
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    text = page.read_text()
    known = set(get_commands())
    named = set(re.findall(r"manage\.py ([a-z_]+)", text))
    modules = set(re.findall(r"python -m ((?:bench|edge_client)(?:\.\w+)?)", text)) - {"bench.NAME"}
    assert named <= known
    assert {module for module in modules if find_spec(module) is None} == set()


def test_the_readme_lists_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    assert {path.name for path in ROOT.glob("docs/*.md") if f"docs/{path.name}" not in readme} == set()


def test_what_is_broken_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A heading\n[a](#a-heading) [b](gone.md) [c](#gone) [d](https://example.org/)")
    assert broken(page) == ["gone.md", "#gone"]
