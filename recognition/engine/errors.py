"""What can be wrong with an image, a pack or a model, in words for the person who supplied it."""

from typing import Literal

ImageFault = Literal["empty", "not_an_image", "unsupported_format", "too_many_pixels", "damaged"]


class EngineError(Exception):
    """Base of everything the engine raises on purpose."""


class ImageError(EngineError):
    """The bytes are no usable image. `code` is for programs, the message for people."""

    def __init__(self, code: ImageFault, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class PackError(EngineError):
    """A pack is missing, incomplete or altered."""


class GallerySizeError(EngineError):
    """There are more people and photos than the classifier can be trained with."""


class ArtifactError(EngineError):
    """The bytes are no trained model that this version can load."""
