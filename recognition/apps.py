from django.apps import AppConfig
from django.core.checks import Tags, register

from recognition.checks import check_pack, check_pack_of_model, check_recognition


class RecognitionConfig(AppConfig):
    name = "recognition"

    def ready(self) -> None:
        register(check_recognition)
        register(check_pack)
        register(check_pack_of_model, Tags.database)
