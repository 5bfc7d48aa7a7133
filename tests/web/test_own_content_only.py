"""Pages load nothing from elsewhere and carry no inline script or style, so that a strict policy can forbid both."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import get_template

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
FILES = [*TEMPLATES, *sorted(path for path in (settings.BASE_DIR / "static").iterdir() if path.is_file())]
FOREIGN = re.compile(r"(?:https?:)?//[\w.-]+\.\w+")
INLINE = re.compile(r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", re.IGNORECASE)
TAG = re.compile(r"{%.*?%}")
SVG_NAMESPACE = "http://www.w3.org/2000/svg"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    assert not FOREIGN.findall(path.read_text().replace(SVG_NAMESPACE, ""))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_script_or_style_is_inline(path: Path) -> None:
    assert not INLINE.findall(TAG.sub("", path.read_text()))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_template_and_file_it_names_exists(path: Path) -> None:
    get_template(str(path.relative_to(settings.BASE_DIR / "templates")))
    for name in re.findall(r'{% static "([^"]+)" %}', path.read_text()):
        assert finders.find(name), name
