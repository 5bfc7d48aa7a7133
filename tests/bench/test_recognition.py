"""The speed benchmark picks photos, judges detections and divides time as it says."""

from collections import Counter
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.engine import choose, cut
from bench.memory import mixed
from bench.recognition import main, middle_box, stage_ms
from recognition.engine.images import decode, encode_jpeg, inspect


def test_a_face_counts_only_if_its_box_covers_the_middle() -> None:
    left, middle = (0.0, 10.0, 40.0, 90.0), (45.0, 10.0, 80.0, 60.0)
    assert middle_box([left, middle], 100, 100) == middle
    assert middle_box([left], 100, 100) is None
    assert middle_box([middle], 100, 200) is None
    assert middle_box([], 100, 100) is None


def test_alignment_is_what_the_pipeline_takes_beside_detection_and_embedding() -> None:
    stages = stage_ms(Counter(decode=0.2, analyse=2.0, detect=1.2, embed=0.6, identify=0.02), 100)
    assert stages == {"decode": 2.0, "detect": 12.0, "align": 2.0, "embed": 6.0, "identify": 0.2}


def test_every_person_is_chosen_once_before_anyone_is_chosen_twice(tmp_path: Path) -> None:
    for name in ("ann/1.jpg", "ann/2.jpg", "ann/3.jpg", "bob/1.jpg", "cy/1.jpg", "cy/2.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    chosen = [str(path.relative_to(tmp_path)) for path in choose(tmp_path, 5)]
    assert chosen == ["ann/1.jpg", "bob/1.jpg", "cy/1.jpg", "ann/2.jpg", "cy/2.jpg"]


def test_crops_are_as_small_as_those_of_an_edge_node() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    photo = encode_jpeg(cv2.resize(noise, (250, 250)))
    sent = cut(photo, (75.0, 70.0, 165.0, 180.0))
    assert decode(sent).shape == (128, 128, 3)
    assert len(sent) < len(photo)


def test_memory_is_measured_over_every_format_and_a_large_image() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    headers = [inspect(data) for data in islice(mixed([encode_jpeg(noise)]), 100)]
    assert {header.format for header in headers} == {"JPEG", "PNG", "WebP", "AVIF"}
    assert [header.width for header in headers if header.width > 60] == [2500]


@pytest.mark.parametrize("folder", ["", "missing"])
def test_a_folder_without_photos_is_refused(tmp_path: Path, folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path / folder)]) == 1
    assert str(tmp_path / folder) in capsys.readouterr().err
