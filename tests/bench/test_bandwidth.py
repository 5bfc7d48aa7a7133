"""Both senders are counted on the same video, who is in it is found out from its faces, and figures add up."""

import json
from pathlib import Path

import cv2
import matplotlib.cbook
import numpy as np
import pytest
import skimage.data

from bench import bandwidth, thesis
from bench.bandwidth import Tally, main, usable_from
from bench.identities import identities, spread
from bench.thesis import Sighting
from recognition.engine.images import decode

FPS, SECONDS = 12, 3


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people side by side who move a little."""
    hopper = cv2.imread(str(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    astronaut = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    portraits = [astronaut[:300, 80:380], cv2.resize(hopper[40:440, 60:460], (300, 300), interpolation=cv2.INTER_AREA)]
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (640, 340))
    for number in range(FPS * SECONDS):
        frame = np.full((340, 640, 3), 90, np.uint8)
        for portrait, left in zip(portraits, (5, 320), strict=True):
            x, y = left + number % 15, 10 + number % 20
            frame[y : y + 300, x : x + 300] = portrait
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture(scope="module")
def found(clip: Path, pack_folder: Path) -> list[Sighting]:
    return list(thesis.sightings(clip, pack_folder, longest=60))


def test_six_times_a_second_every_face_is_a_jpeg_file(found: list[Sighting]) -> None:
    times = [one.seconds for one in found]
    assert len(found) == pytest.approx(2 * 6 * SECONDS, abs=2)
    assert min(np.diff(np.unique(times))) > 0.1
    assert {one.image[:2] for one in found} == {b"\xff\xd8"}
    assert all(max(decode(one.image).shape) > one.face.size > 60 for one in found)


def test_a_video_is_watched_no_longer_than_asked(clip: Path, pack_folder: Path) -> None:
    assert max(one.seconds for one in thesis.sightings(clip, pack_folder, longest=1)) <= 1


def test_each_person_is_enrolled_on_half_of_their_crops(found: list[Sighting], pack_folder: Path) -> None:
    groups = identities(pack_folder, found)
    assert len(groups) == 2
    sides = [{one.face.box[0] > 320 for one in group} for group in groups]
    assert sorted(sides, key=str) == [{False}, {True}]
    assert all(len(group) <= len(found) / 4 + 1 for group in groups)


def test_too_few_good_crops_are_nobody(found: list[Sighting], pack_folder: Path) -> None:
    assert identities(pack_folder, found[:4]) == []
    assert identities(pack_folder, []) == []


def test_crops_are_chosen_over_the_whole_time(found: list[Sighting]) -> None:
    chosen = spread(found, 5)
    assert [chosen[0], chosen[-1], len(chosen)] == [found[0], found[-1], 5]
    assert spread(found[:3], 5) == found[:3]


def test_figures_of_videos_add_up() -> None:
    one = Tally(10, 40_000, 20, 2_500, 2, 2, 900, 1, 2, 2, 1, [0.5])
    told = (one + one).report(handshake=1_500)
    assert told["thesis_bytes"] == 80_000
    assert told["ratio"] == 16
    assert told["overhead_pct"] == 10  # 2 × (2,500 - 1,500 - 900) of 2,000
    assert told["reduction_vs_4mbps_thesis"] == 125
    assert told["reduction_vs_4mbps_ours"] == 2000
    assert (told["faces_per_minute"], told["ours_bytes_per_visit"], told["recall"]) == (12, 1250, 0.5)
    assert (told["first_named_s"], told["first_named_longest_s"]) == (0.5, 0.5)


def test_without_anybody_there_is_no_recall_and_no_share_by_zero() -> None:
    told = Tally().report(handshake=1_500)
    assert told["recall"] is told["ratio"] is told["first_named_s"] is told["overhead_pct"] is None


def test_a_video_that_is_none_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"no video")
    assert main([str(damaged)]) == 1
    assert "damaged.mp4" in capsys.readouterr().err


@pytest.mark.slow
def test_the_edge_node_names_everybody_for_a_fraction_of_the_bytes(
    clip: Path, pack_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bandwidth, "START_S", 5)
    assert main([str(clip), "--empty", str(clip), "--minutes", "0.02", "--pack", str(pack_folder)]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["enrolled"] == told["people"] == told["visits"] == 2
    assert told["recall"] == 1
    assert told["ratio"] > 5
    assert 0 < told["first_named_s"] < 10
    assert told["ours_connections"] == 1
    assert told["ours_crops"] >= 2
    assert 0 < told["overhead_pct"] < 100
    assert told["empty_start_bytes"] > told["handshake_bytes"]
    assert told["videos"]["clip.mp4"]["ratio"] == told["ratio"]


@pytest.mark.parametrize(
    ("moments", "usable"), [([4.0], 4.0), ([0.0, 1.3, 1.8], 1.3), ([2.0, 1.5], 1.5), ([1.0, 1.0, 9.0], 1.0)]
)
def test_one_lucky_crop_does_not_make_a_face_usable(moments: list[float], usable: float) -> None:
    assert usable_from(moments) == usable
