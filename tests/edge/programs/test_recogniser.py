"""Who is asked about, when, and what the boxes then say."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest

from edge_client.cloud import Identity
from edge_client.detector import Face
from edge_client.drawing import BLUE, GREEN, RED
from edge_client.programs.recognize import AtOnce
from edge_client.recogniser import Recogniser
from edge_client.server import RefusedError, UnavailableError
from edge_client.settings import CameraSettings
from edge_client.source import Frame

NOISE = np.random.default_rng(5).integers(0, 255, (240, 640, 3), np.uint8)
LANDMARKS = np.array([[30, 35], [70, 35], [50, 55], [35, 75], [65, 75]], np.float32)


def face(left: float = 40, size: float = 100, confidence: float = 0.99) -> Face:
    return Face((left, 40, left + size, 40 + size), LANDMARKS * size / 100 + (left, 40), confidence)


def known(name: str | None, probability: float = 0.9, box: tuple[float, ...] = (20, 20, 120, 120)) -> list[Identity]:
    return [Identity(box, name, probability)]


class Site:
    """Answers in turn; the last answer stays."""

    def __init__(self, *answers: list[Identity] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[bytes] = []

    def identify(self, image: bytes) -> list[Identity]:
        self.asked.append(image)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Watching:
    """Shows frames at 10 per second to a recogniser."""

    def __init__(self, site: Site, questions: object = None, **settings: object) -> None:
        self.recogniser = Recogniser(CameraSettings(**settings), site.identify, questions or AtOnce())
        self.seconds = 0.0
        self.answers = []

    def see(self, *faces: Face, frames: int = 1, image: np.ndarray = NOISE) -> list[tuple[tuple, str]]:
        """Returns colour and words of each label in the last frame."""
        for _ in range(frames):
            frame = Frame(image, datetime.now(UTC), self.seconds)
            labels, answers = self.recogniser.look(frame, faces)
            self.answers += answers
            self.seconds += 0.1
        return [(label.colour, label.text) for label in labels]


def test_a_named_face_is_green_with_name_and_probability():
    assert Watching(Site(known("Ada", 0.93))).see(face(), frames=20) == [(GREEN, "Ada 93%")]


def test_an_unknown_face_is_blue():
    assert Watching(Site(known(None, 0.2))).see(face(), frames=20) == [(BLUE, "unknown")]


def test_a_crop_in_which_the_server_finds_no_face_is_unknown():
    watching = Watching(Site([]))
    assert watching.see(face(), frames=20) == [(BLUE, "unknown")]
    assert watching.answers[0].probability == 0


@pytest.mark.parametrize(
    ("unfit", "words"),
    [
        (face(size=38), "too small"),
        (face(size=150), "too large"),
        (face(confidence=0.8), "unsure 80%"),
    ],
)
def test_a_face_that_is_not_for_the_server_is_red_and_not_asked_about(unfit: Face, words: str):
    site = Site(known("Ada"))
    assert Watching(site, max_size=120).see(unfit, frames=20) == [(RED, words)]
    assert site.asked == []


def test_a_blurred_face_is_red_and_not_asked_about():
    site = Site(known("Ada"))
    assert Watching(site).see(face(), frames=20, image=np.full_like(NOISE, 128)) == [(RED, "blurred")]
    assert site.asked == []


def test_a_passage_is_asked_about_once_not_once_per_frame():
    site = Site(known("Ada"))
    watching = Watching(site)
    watching.see(face(), frames=100)
    assert len(site.asked) == 1
    assert [answer.person for answer in watching.answers] == ["Ada"]


def test_an_unknown_face_is_asked_about_again_and_the_answer_counts():
    site = Site(known(None), known("Ada"))
    watching = Watching(site)
    assert watching.see(face(size=45), frames=4) == [(BLUE, "unknown")]
    for size in range(50, 75, 5):  # it comes nearer
        watching.see(face(size=size))
    assert watching.see(face(size=75), frames=20) == [(GREEN, "Ada 90%")]
    assert len(site.asked) == 2


def test_a_named_face_stays_green_when_it_walks_away():
    watching = Watching(Site(known("Ada")))
    watching.see(face(size=50), frames=20)
    assert watching.see(face(size=39), frames=3) == [(GREEN, "Ada 90%")]


def test_what_looks_like_a_face_for_a_moment_is_not_asked_about():
    site = Site(known("Ada"))
    watching = Watching(site)
    watching.see(face(), frames=2)
    watching.see(frames=30)
    watching.recogniser.finish()
    assert site.asked == []


def test_a_neighbour_on_the_crop_does_not_lend_its_name():
    neighbour = Identity((100, 10, 139, 130), "Grace", 0.99)
    site = Site([neighbour, *known("Ada")])
    assert Watching(site).see(face(), frames=20) == [(GREEN, "Ada 90%")]


def test_two_faces_have_their_own_names():
    watching = Watching(Site(known("Ada"), known("Grace")))
    labels = watching.see(face(), face(left=400), frames=20)
    assert {words for _, words in labels} == {"Ada 90%", "Grace 90%"}
    assert len({answer.track for answer in watching.answers}) == 2


def test_a_server_without_an_answer_is_asked_again_with_a_later_picture(caplog):
    site = Site(UnavailableError("busy"), known("Ada"))
    watching = Watching(site)
    assert watching.see(face(), frames=5)[0][0] == BLUE
    assert watching.see(face(), frames=40) == [(GREEN, "Ada 90%")]
    assert "busy" in caplog.text


@pytest.mark.parametrize("leaves", [True, False])
def test_whom_the_server_was_never_asked_about_is_counted(leaves: bool):
    watching = Watching(Site(UnavailableError("away")))
    watching.see(face(), frames=10)
    watching.see(*([] if leaves else [face()]), frames=30)
    assert watching.recogniser.finish() == []
    assert watching.recogniser.unanswered == 1


def test_whoever_was_answered_for_once_is_not(caplog):
    watching = Watching(Site(known(None), UnavailableError("away")))
    watching.see(face(), frames=60)
    watching.recogniser.finish()
    assert "away" in caplog.text
    assert watching.recogniser.unanswered == 0


def test_a_server_that_asks_for_rest_gets_it():
    site = Site(UnavailableError("busy", retry_after=5))
    Watching(site).see(face(), frames=100)
    assert len(site.asked) == 2


def test_a_refused_key_ends_it():
    with pytest.raises(RefusedError):
        Watching(Site(RefusedError("revoked"))).see(face(), frames=20)


class Later(AtOnce):
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.open: list[tuple[Future, tuple]] = []

    def submit(self, fn, /, *args):
        self.open.append((Future(), (fn, args)))
        return self.open[-1][0]

    def answer(self) -> None:
        future, (fn, args) = self.open.pop()
        future.set_result(fn(*args))


def test_the_picture_goes_on_while_the_server_thinks():
    questions = Later()
    watching = Watching(Site(known("Ada")), questions)
    assert watching.see(face(), frames=30) == [(BLUE, "…")]
    assert len(questions.open) == 1
    questions.answer()
    assert watching.see(face()) == [(GREEN, "Ada 90%")]


def test_an_answer_counts_also_when_the_face_has_gone():
    questions = Later()
    watching = Watching(Site(known("Ada")), questions)
    watching.see(face(), frames=10)
    watching.see(frames=30)
    questions.answer()
    watching.see()
    assert [answer.person for answer in watching.answers] == ["Ada"]


def test_the_end_of_the_video_waits_for_what_is_not_asked_yet():
    watching = Watching(Site(known("Ada")), min_size=20)
    watching.see(face(size=25), frames=4)  # too short and too small for a question so far
    assert watching.answers == []
    assert [answer.person for answer in watching.recogniser.finish()] == ["Ada"]


def test_whoever_leaves_waits_for_the_question_under_way_alone():
    answered, site = threading.Event(), Site(known("Ada"))

    def identify(image: bytes) -> list[Identity]:
        site.asked.append(image)
        answered.wait(20)
        return known("Ada")

    site.identify = identify
    with ThreadPoolExecutor(1) as questions:
        watching = Watching(site, questions)
        watching.see(face(), face(left=200), face(left=400), frames=20)
        threading.Timer(0.3, answered.set).start()
        assert len(watching.recogniser.leave()) == 1
    assert len(site.asked) == 1
    assert watching.recogniser.unanswered == 0
