"""A model says how many photos of enrolled people it is expected to miss."""

import pytest

from access.roles import Role
from people.training import train
from tests.fabricated import enrol
from tests.web.sightings import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


@pytest.mark.parametrize(("photos", "missed"), [(3, "0.0%"), (1, "unknown")])
def test_the_list_of_models_shows_what_training_found(
    client: object, make_user: object, photos: int, missed: str
) -> None:
    enrol("ada", 1, photos=photos)
    enrol("grace", 2, photos=photos)
    train()
    client.force_login(make_user(Role.OPERATOR))
    page = text(client.get("/admin/recognition/trainedmodel/"))
    assert f'<td class="field-misses">{missed}</td>' in page
    assert '<td class="field-false_alarms">1 in 1,000</td>' in page
