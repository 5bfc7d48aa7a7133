from django.apps import AppConfig
from django.core.checks import Tags, register

from recognition.checks import check_model, check_pack, check_recognition, check_signing_keys


class RecognitionConfig(AppConfig):
    name = "recognition"

    def ready(self) -> None:
        register(check_recognition)
        register(check_pack)
        register(check_signing_keys)
        register(check_model, Tags.database)
