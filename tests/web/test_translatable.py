"""Texts of the pages can be translated: none stands bare in a template, and `makemessages` finds them."""

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from tests.conftest import required

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
# Told by others, or the same in every language.
NAMES = {"facesite", "s", "?", "·", "px", "CSV", "JSON", "rtsp://viewer:password@192.168.1.20/stream1"}
SPOKEN = {"alt", "aria-label", "placeholder", "title"}
TRANSLATED = re.compile(r"{% blocktranslate.*?{% endblocktranslate %}|{% comment.*?{% endcomment %}", re.DOTALL)
TAG = re.compile(r"{[%{#].*?[%}#]}", re.DOTALL)


class _Texts(HTMLParser):
    """What a template says by itself, in its text and in attributes that are read out."""

    def __init__(self, template: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []
        self.feed(TAG.sub(" ", TRANSLATED.sub(" ", template)))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside.append(tag)
        self.found += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"pre", "code", "script"} & set(self._inside):
            self.found.append(data)


def bare(template: str) -> Iterator[str]:
    for text in (" ".join(text.split()) for text in _Texts(template).found):
        if re.search(r"[^\W\d_]", text) and not set(text.split()) <= NAMES:
            yield text


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_text_stands_bare_in_a_template(path: Path) -> None:
    assert list(bare(path.read_text())) == []


@pytest.mark.parametrize(
    "template",
    ["<p>Bare</p>", "<p>{{ count }} crops</p>", '<input placeholder="Name">', "{% if x %}Yes{% endif %}"],
)
def test_a_bare_text_is_seen(template: str) -> None:
    assert list(bare(template))


@pytest.mark.slow
def test_all_texts_are_found_for_translators(tmp_path: Path, settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    required(shutil.which("xgettext") is not None, "gettext")
    # In a copy: makemessages writes beside the templates while it works.
    for folder in ("templates", "access", "detections", "people", "facesite"):
        shutil.copytree(settings.BASE_DIR / folder, tmp_path / folder)
    (tmp_path / "locale").mkdir()
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    monkeypatch.chdir(tmp_path)
    call_command("makemessages", locale=["de"], verbosity=0)
    messages = (tmp_path / "locale" / "de" / "LC_MESSAGES" / "django.po").read_text()
    for text in (
        "Log in",
        "Needs attention",
        "No worker is alive",
        "Add a node",
        "There is a node of this name already.",
    ):
        assert f'msgid "{text}"' in messages
