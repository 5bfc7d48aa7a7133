"""Deleting a person in the admin is erasure: announced, complete, and without a log entry that keeps the name."""

import threading
import time

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from detections.models import Detection, LastSeen
from people import erasure, tombstones
from people.models import Person
from people.training import train
from recognition.models import TrainedModel
from tests.fabricated import enrol, make_person, run_together
from tests.web.sightings import detect, text

LIST = "/admin/people/person/"

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("storage", "pack")]


@pytest.fixture
def ada(operator: Client) -> Person:
    """Ada, trained, seen twice, and renamed in the admin (which logs that), beside Grace."""
    ada = enrol("Lovelace", seed=1)
    enrol("grace", seed=2)
    train()
    for _ in range(2):
        detect(ada)
    form = {"face_id": "Ada Lovelace", "legal_basis": "consent", "legal_basis_date": "2026-01-01"}
    operator.post(reverse("admin:people_person_change", args=[ada.pk]), form, follow=True)
    assert LogEntry.objects.get().object_repr == "Ada Lovelace"
    return ada


def delete(person: Person) -> str:
    return reverse("admin:people_person_delete", args=[person.pk])


def test_what_will_go_is_said_first_and_nothing_goes_yet(operator: Client, ada: Person) -> None:
    for page in (
        text(operator.get(delete(ada))),
        text(operator.post(LIST, {"action": "delete_selected", "_selected_action": [ada.pk]})),
    ):
        assert "It erases 1 person: <strong>Ada Lovelace</strong>" in page
        for line in ("photos: 2", "detections: 2", "last seen: 1", "trained models that know them: 1"):
            assert f"<li>{line}</li>" in page
    assert Person.objects.filter(pk=ada.pk).exists()


def test_once_confirmed_the_person_is_gone_and_no_log_names_them(operator: Client, ada: Person) -> None:
    page = text(operator.post(delete(ada), {"confirmed": "yes"}, follow=True))
    assert "Erased for good:" in page
    assert "Lovelace" not in page
    assert [person.face_id for person in Person.objects.all()] == ["grace"]
    assert not Detection.objects.exists()
    assert not LastSeen.objects.exists()
    assert not LogEntry.objects.exists()
    assert [model.people_count for model in TrainedModel.objects.filter(retired_at=None)] == [1]


def test_several_people_are_erased_at_once(operator: Client, ada: Person) -> None:
    everybody = [person.pk for person in Person.objects.all()]
    confirmation = {"action": "delete_selected", "_selected_action": everybody, "confirmed": "yes"}
    assert operator.post(LIST, confirmation).status_code == 302
    assert not Person.objects.exists()
    assert not LogEntry.objects.exists()


def test_more_people_than_the_confirmation_could_name_are_refused_before_it_asks(
    operator: Client, ada: Person, settings: LazySettings
) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 11
    chosen = {"action": "delete_selected", "select_across": "1", "_selected_action": [ada.pk]}
    page = text(operator.post(LIST, chosen, follow=True))
    assert "2 people are selected, and 1 can be erased at once." in page
    assert "This cannot be undone" not in page
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 12
    page = text(operator.post(LIST, chosen, follow=True))
    assert "This cannot be undone" in page


def test_somebody_who_is_gone_already_is_no_error(operator: Client, ada: Person) -> None:
    address = delete(ada)
    operator.post(address, {"confirmed": "yes"})
    answer = operator.post(address, {"confirmed": "yes"}, follow=True)
    assert "doesn’t exist" in text(answer)
    assert Person.objects.count() == 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason="on SQLite a form waits before it looks for the person")
def test_a_form_that_is_saved_during_an_erasure_brings_nobody_back(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = make_person("ada")
    erasing, looked = threading.Event(), threading.Event()
    set_for, clean = tombstones.set_for, Person.clean

    def set_once_a_form_waits(person: Person) -> None:
        erasing.set()
        assert looked.wait(10)
        time.sleep(0.3)
        set_for(person)

    def clean_and_say_so(person: Person) -> None:
        looked.set()
        clean(person)

    def save() -> HttpResponse:
        assert erasing.wait(10)
        form = {"face_id": "ada", "legal_basis": "consent", "legal_basis_date": "2026-01-01"}
        return operator.post(reverse("admin:people_person_change", args=[ada.pk]), form, follow=True)

    monkeypatch.setattr(tombstones, "set_for", set_once_a_form_waits)
    monkeypatch.setattr(Person, "clean", clean_and_say_so)
    _, answer = run_together(lambda: erasure.erase(ada), save)
    assert "doesn’t exist" in text(answer)
    assert not Person.objects.exists()
    assert not LogEntry.objects.exists()
