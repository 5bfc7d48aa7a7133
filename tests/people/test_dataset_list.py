"""`GET /dataset`: face ids with the number of photos that train them."""

from rest_framework.test import APIClient

from people.models import Photo
from tests.fabricated import enrol, make_person


def test_refused_photos_do_not_count(operator: APIClient) -> None:
    ada = enrol("ada", 1, photos=3)
    Photo.objects.create(person=ada, sha256="0" * 64, refusal=Photo.Refusal.NO_FACE)
    make_person("grace")
    results = operator.get("/api/v1/dataset").json()["results"]
    assert results == [{"face_id": "ada", "photo_count": 3}, {"face_id": "grace", "photo_count": 0}]
    assert operator.get("/api/v1/dataset/ada").json()["photo_count"] == 3


def test_the_list_comes_in_pages_that_together_hold_everyone_once(operator: APIClient) -> None:
    names = [f"person {number:02}" for number in range(7)]
    for name in names:
        make_person(name)
    seen, url = [], "/api/v1/dataset?page_size=3"
    while url:
        page = operator.get(url).json()
        assert page["count"] == 7
        seen += [one["face_id"] for one in page["results"]]
        url = page["next"]
    assert seen == names


def test_a_page_beyond_the_end_is_a_404(operator: APIClient) -> None:
    assert operator.get("/api/v1/dataset?page=9").status_code == 404
