"""Which person a file of a zip or folder is meant for follows from its name alone, whatever that is."""

from unicodedata import category

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from people.importing.names import MAX_PATH, is_litter, places
from people.models import Person, one_spelling, validate_face_id

COMPOSED, DECOMPOSED = "Jos\u00e9", "Jose\u0301"

segments = st.text(min_size=1, max_size=12) | st.sampled_from(["..", ".", "", "C:", "Ada", "ada", "photo.jpg", "\0"])
paths = st.lists(segments, max_size=5).map("/".join) | st.lists(segments, max_size=5).map("\\".join) | st.text()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(paths, max_size=8))
@example(["/etc/passwd", "../../x/y.jpg", "Ada/../Grace/1.jpg", "C:\\Users\\1.jpg"])
def test_no_name_does_harm(names: list[str]) -> None:
    found = places(names)
    assert len(found) == len(names)
    for place in found:
        assert not {category(letter) for letter in place.path} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        assert len(place.path) <= MAX_PATH
        assert len(place.problem) <= 300
        if place.person:
            # What a folder stands for can always be a face id, in the one spelling in which these are stored.
            validate_face_id(place.person)
            Person(face_id=place.person, legal_basis="consent", legal_basis_date="2026-01-01").clean_fields()
            assert place.person == one_spelling(place.person)
        if not place.problem:
            assert place.person
            assert ".." not in place.path.split("/")
            assert not place.path.startswith("/")
    taken = [place for place in found if not place.problem]
    assert len({place.person for place in taken}) == len({place.person.casefold() for place in taken})
    assert len({place.path for place in taken}) == len(taken)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("../Ada/1.jpg", "points out of the folder"),
        ("Ada/../1.jpg", "points out of the folder"),
        ("Ada//1.jpg", "points out of the folder"),
        ("/Ada/1.jpg", "a place on a disk"),
        ("\\\\server\\Ada\\1.jpg", "a place on a disk"),
        ("C:\\Ada\\1.jpg", "a place on a disk"),
        ("1.jpg", "no person’s folder"),
        ("Ada/2025/1.jpg", "a folder within the person’s folder"),
        (" Ada/1.jpg", "begin or end with a space"),
        ("A\u202eda/1.jpg", "control or invisible"),
        ("Ada/1\n.jpg", "control or invisible"),
        ("Ada\0/1.jpg", "control or invisible"),
        ("x" * 101 + "/1.jpg", "longer than the 100 characters"),
        ("Ada/" + "x" * 400 + ".jpg", "longer than 400"),
    ],
)
def test_what_cannot_be_meant_is_said_in_words(path: str, problem: str) -> None:
    (good, place) = places(["Grace/1.jpg", path])
    assert problem in place.problem
    assert good.problem == ""


def test_the_folder_around_all_people_does_not_count() -> None:
    assert [place.person for place in places(["all/Ada/1.jpg", "all/Grace/1.jpg", "all/list.txt"])] == [
        "Ada",
        "Grace",
        "",
    ]
    assert [place.person for place in places(["Ada/1.jpg", "Ada/2.jpg"])] == ["Ada", "Ada"]
    assert [place.person for place in places(["Ada/1.jpg", "Ada/old/2.jpg"])] == ["Ada", "Ada"]


def test_the_separators_of_windows_are_understood() -> None:
    assert places(["Ada\\1.jpg"])[0].person == "Ada"


@pytest.mark.parametrize("other", ["ada", DECOMPOSED])
def test_two_folders_that_stand_for_one_name_are_both_refused(other: str) -> None:
    mine = COMPOSED if other == DECOMPOSED else "Ada"
    found = places([f"{mine}/1.jpg", f"{other}/1.jpg", "Grace/1.jpg"])
    assert ["2 folders stand for one name" in place.problem for place in found] == [True, True, False]


def test_a_name_that_comes_twice_is_taken_once() -> None:
    first, second = places(["Ada/1.jpg", "Ada/1.jpg"])
    assert (first.problem, "two files of this name" in second.problem) == ("", True)


@pytest.mark.parametrize("path", ["Ada/", "__MACOSX/Ada/._1.jpg", "Ada/.DS_Store", "Ada/Thumbs.db", "desktop.ini"])
def test_what_nobody_has_put_there_is_not_spoken_of(path: str) -> None:
    assert is_litter(path)
    assert not is_litter("Ada/1.jpg")
