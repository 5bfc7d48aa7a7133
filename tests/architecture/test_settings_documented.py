"""Every setting that the environment can change stands in docs/settings.md, and nothing else does."""

import re

from django.conf import settings


def test_documented_settings_are_those_read_from_the_environment() -> None:
    source = (settings.BASE_DIR / "facesite" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source))
    page = (settings.BASE_DIR / "docs" / "settings.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)`", page, re.MULTILINE))
    assert documented == read
