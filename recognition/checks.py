"""System checks: what would only fail at the next training, or at the next photo, is named at the start."""

from collections.abc import Collection
from importlib.util import find_spec

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from recognition import signing
from recognition.engine.calibration import HIGHEST_RATE, LOWEST_RATE
from recognition.engine.errors import PackError
from recognition.engine.fitting import KINDS
from recognition.engine.packs import find_pack, pack_id_in


def check_recognition(app_configs: list[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.CLASSIFIER not in KINDS:
        hint = f"Set it to one of {', '.join(KINDS)}."
        found.append(Error(f"CLASSIFIER is {settings.CLASSIFIER!r}.", hint=hint, id="recognition.E001"))
    elif settings.CLASSIFIER == "linear-svm" and not find_spec("sklearn"):
        hint = "Install requirements-svm.txt, or build the container image with --build-arg MORE=requirements-svm.txt."
        found.append(Error("CLASSIFIER is 'linear-svm', which needs scikit-learn.", hint=hint, id="recognition.E004"))
    if not LOWEST_RATE <= settings.FALSE_ALARM_RATE <= HIGHEST_RATE:
        hint = f"Set it between {LOWEST_RATE:f} and {HIGHEST_RATE}: 0.001 lets one stranger in a thousand be named."
        found.append(Error(f"FALSE_ALARM_RATE is {settings.FALSE_ALARM_RATE}.", hint=hint, id="recognition.E002"))
    return found


def check_signing_keys(app_configs: list[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    try:
        signing.known_keys()
    except ImproperlyConfigured as error:
        return [Error("The keys that models are signed with cannot be used.", hint=str(error), id="recognition.E003")]
    return []


def check_pack(app_configs: list[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    """A warning, since building the pack is a command too, and what is queued waits for it."""
    try:
        pack_id_in(settings.PACKS_DIR / settings.PACK)
    except PackError as error:
        return [Warning(f"PACK is {settings.PACK!r}, which cannot be used.", hint=str(error), id="recognition.W001")]
    return []


def check_model(
    app_configs: list[AppConfig] | None, databases: Collection[str] | None = None, **kwargs: object
) -> list[CheckMessage]:
    """Asks the database, so it is `manage.py check --database default` that runs it."""
    if not databases:
        return []
    found: list[CheckMessage] = []
    try:
        trained = apps.get_model("recognition", "TrainedModel").objects.filter(activemodel__isnull=False).first()
        if trained and not signing.is_signed(trained.sha256, trained.pack_id, trained.signature):
            hint = (
                "Give every process the public key of whoever trains (MODEL_VERIFY_KEYS); or run manage.py models sign "
                "where the private key is."
            )
            found.append(
                Warning("The model in service is not signed by a known key.", hint=hint, id="recognition.W003")
            )
        if trained:
            find_pack(settings.PACKS_DIR, trained.pack_id)
    except (DatabaseError, ImproperlyConfigured):
        return []  # not migrated yet, or E003
    except PackError as error:
        found.append(Warning("The pack of the model in service is missing.", hint=str(error), id="recognition.W002"))
    return found
