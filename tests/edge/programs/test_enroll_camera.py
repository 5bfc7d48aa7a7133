"""`enroll-camera` against a running site: which frames are taken, how many, and what the server makes of them."""

from pathlib import Path

import pytest

from edge_client.cloud import Cloud, Verdict
from people.models import Photo
from tests.edge.programs.conftest import Edge, write_walk
from tests.fabricated import make_person

SHOTS = {"headless": True, "person_id": "Ada", "img_number": 3}


@pytest.fixture
def person(db: None) -> None:
    make_person("Ada")


def test_so_many_different_photos_are_enrolled(edge: Edge, site: dict, person: None, tmp_path: Path, capsys) -> None:
    video = write_walk(tmp_path / "ada.mp4", "astronaut", seconds=4)
    assert edge("enroll-camera", **site, **SHOTS, video_source=video) == 0
    photos = Photo.objects.all()
    assert len(photos) == 3
    assert all(photo.is_accepted for photo in photos)
    assert len({photo.sha256 for photo in photos}) == 3
    assert capsys.readouterr().out.count(": accepted\n") == 3


def test_the_same_video_again_counts_what_the_server_has(edge: Edge, site: dict, person: None, tmp_path: Path) -> None:
    video = write_walk(tmp_path / "ada.mp4", "astronaut", seconds=4)
    edge("enroll-camera", **site, **SHOTS, video_source=video)
    assert edge("enroll-camera", **site, **SHOTS, video_source=video) == 0
    assert Photo.objects.count() == 3


def test_frames_with_several_faces_are_passed_over(
    edge: Edge, site: dict, person: None, tmp_path: Path, capsys
) -> None:
    video = write_walk(tmp_path / "two.mp4", "astronaut", "grace_hopper", seconds=1)
    assert edge("enroll-camera", **site, **SHOTS, video_source=video) == 1
    assert not Photo.objects.exists()


def test_a_motionless_face_gives_one_photo(edge: Edge, site: dict, person: None, tmp_path: Path, capsys) -> None:
    video = write_walk(tmp_path / "still.mp4", "astronaut", seconds=3, sway=0)
    assert edge("enroll-camera", **site, **SHOTS, video_source=video) == 1
    assert Photo.objects.count() == 1
    assert "only 1 of 3 photos were taken" in capsys.readouterr().out


def test_a_refused_photo_is_taken_anew(
    edge: Edge, site: dict, person: None, tmp_path: Path, monkeypatch, capsys
) -> None:
    def add(self: Cloud, person: str, photo: bytes) -> tuple[Verdict, str]:
        asked.append(photo)
        return (Verdict.REFUSED, "The face is too blurred.") if len(asked) == 1 else send(self, person, photo)

    asked: list[bytes] = []
    send = Cloud.add_photo
    monkeypatch.setattr(Cloud, "add_photo", add)
    video = write_walk(tmp_path / "ada.mp4", "astronaut", seconds=4)
    assert edge("enroll-camera", **site, **SHOTS, video_source=video) == 0
    assert len(asked) == 4
    assert "0.00 s: refused (The face is too blurred.)" in capsys.readouterr().out


def test_the_person_can_be_created(edge: Edge, site: dict, tmp_path: Path) -> None:
    video = write_walk(tmp_path / "ada.mp4", "astronaut", seconds=1)
    basis = {"create_id": True, "legal_basis": "consent", "legal_basis_date": "2026-01-01"}
    assert edge("enroll-camera", **site, **SHOTS | {"img_number": 1}, **basis, video_source=video) == 0
    assert Photo.objects.get().person.face_id == "Ada"


def test_a_missing_person_is_named_before_the_camera_is_looked_at(edge: Edge, site: dict, caplog) -> None:
    assert edge("enroll-camera", **site, **SHOTS, video_source="63") == 2
    assert "the server does not know Ada" in caplog.text
