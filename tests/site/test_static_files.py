"""Set-up collects static files once, and again as soon as one of them is another."""

import os
from pathlib import Path

from django.test import override_settings

from facesite.management.commands import setup


def test_files_are_collected_again_only_after_a_change(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    style = source / "style.css"
    style.write_text("body { margin: 0 }")
    collected = tmp_path / "collected" / "style.css"
    finders = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    with override_settings(STATICFILES_DIRS=[source], STATICFILES_FINDERS=finders, STATIC_ROOT=collected.parent):
        setup.collect_static_files()
        assert collected.read_text() == style.read_text()

        collected.unlink()
        setup.collect_static_files()
        assert not collected.exists()  # nothing changed, nothing done

        style.write_text("body { margin: 1px }")
        os.utime(style, (1, 1))  # an older file may be put in place of a newer one too
        setup.collect_static_files()
        assert collected.read_text() == style.read_text()
