from django.apps import AppConfig
from django.core.checks import register

from recognition.checks import check_recognition


class RecognitionConfig(AppConfig):
    name = "recognition"

    def ready(self) -> None:
        register(check_recognition)
