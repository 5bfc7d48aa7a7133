"""Two public-domain portraits that installed packages carry, and the engine."""

from pathlib import Path

import cv2
import matplotlib.cbook
import pytest
import skimage.data

from recognition.engine.faces import Image
from recognition.engine.packs import Pack
from recognition.engine.pipeline import Pipeline


@pytest.fixture(scope="session")
def astronaut() -> Image:
    return skimage.data.astronaut()


@pytest.fixture(scope="session")
def hopper() -> Image:
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    return cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)


@pytest.fixture(scope="session")
def pipeline(pack: Pack) -> Pipeline:
    return Pipeline(pack)


@pytest.fixture(scope="session")
def corpus_photos(corpus: Path) -> list[Path]:
    """A few photos with one face, several faces and none."""
    names = ("lfw_dev/people/*/*_0001.jpg", "hard/children/*.jpg", "hard/negative_scene/*.jpg")
    return [path for name in names for path in sorted(corpus.glob(name))[:2]]
