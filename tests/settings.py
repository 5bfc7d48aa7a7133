"""Settings of the tests: the real ones, except that no test waits for a broker or writes into the installation."""

import os
import tempfile
from pathlib import Path

from facesite.settings import *  # noqa: F403
from facesite.settings import CELERY, DATABASES

# Packs are the installation's (PACKS_DIR is already set); everything that tests write goes elsewhere.
DATA_DIR = Path(tempfile.mkdtemp(prefix="facesite-tests-"))

CELERY = CELERY | {"broker_url": "memory://", "broker_transport_options": {}}
if DATABASES["default"]["ENGINE"] == "facesite.sqlite":
    # A file, as in an installation: an in-memory database has other locks.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}

STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(DATA_DIR / "storage"), "base_url": None},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# WhiteNoise warns of a folder that is not there.
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir()
# Logging in is not what the tests measure.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's synchronous API runs an event loop
# All tests together would be one greedy sender. Those about rates set their own.
MAX_KEY_REQUESTS_PER_SECOND = MAX_USER_REQUESTS_PER_SECOND = MAX_CROPS_PER_SECOND = MAX_WRONG_KEYS_PER_SECOND = 0
