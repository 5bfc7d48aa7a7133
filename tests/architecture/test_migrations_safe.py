"""Migrations run while processes of the version before still serve: none may break what those read and write.

What such a change takes is told in docs/operate.md. A migration stands in REVIEWED only with the reason why it is safe
all the same.
"""

from collections.abc import Iterator

import pytest
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, F, Q

OURS = {"access", "recognition", "people", "detections"}
BEFORE_RELEASE = "before the first release: no version that could still be serving knows other tables"
REVIEWED = dict.fromkeys(
    (
        "access.0002_roles",
        "access.0003_key_lineage",
        "recognition.0003_signatures",
        "detections.0003_edge_figures",
        "detections.0005_webhook_events",
        "detections.0006_newest_first",
        "detections.0007_vacuum_early",
        "detections.0008_dead_letters",
    ),
    BEFORE_RELEASE,
) | {"recognition.0007_read_at": "fills a column that the version before knows nothing of"}
GONE = (
    operations.RemoveField,
    operations.DeleteModel,
    operations.RenameField,
    operations.RenameModel,
    operations.AlterModelTable,
)
TIGHTER = (operations.AddConstraint, operations.AlterUniqueTogether)
LOCKING = (operations.AddIndex,)
OPAQUE = (operations.RunPython, operations.RunSQL)


def unsafe(app: str, steps: list[Operation], state: ProjectState) -> Iterator[str]:
    """What in the operations of a migration old code would not survive. `state` is that before, and is moved on."""
    made = set()
    for step in flat(steps):
        name = getattr(step, "model_name", getattr(step, "name", "")).lower()
        if isinstance(step, operations.CreateModel):
            made.add(name)
        elif name not in made:
            yield from (f"{type(step).__name__} {name}: {why}" for why in _reasons(app, step, name, state))
        step.state_forwards(app, state)


def flat(steps: list[Operation]) -> Iterator[Operation]:
    for step in steps:
        if isinstance(step, operations.SeparateDatabaseAndState):
            yield from flat(step.database_operations)
        else:
            yield step


def _reasons(app: str, step: Operation, name: str, state: ProjectState) -> Iterator[str]:
    if isinstance(step, GONE):
        yield "old code still reads and writes it. Stop using it in one release, remove it in the next"
    if isinstance(step, TIGHTER):
        yield "old code may still write what it forbids"
    if isinstance(step, LOCKING):
        yield "writers wait while it is built. Use AddIndexConcurrently on PostgreSQL"
    if isinstance(step, OPAQUE):
        yield "somebody must think about it"
    if isinstance(step, operations.AddField) and not _may_be_left_out(step.field):
        yield "old code inserts rows without it. Give it null=True or a db_default"
    if isinstance(step, operations.AlterField):
        before = state.models[app, name].fields[step.name]
        if _type(step.field) != _type(before) or (before.null and not step.field.null):
            yield "it may no longer take what old code writes"


def _may_be_left_out(field: models.Field) -> bool:
    return field.many_to_many or field.null or field.db_default is not NOT_PROVIDED


def _type(field: models.Field) -> object:
    return None if field.many_to_many else (type(field), field.max_length)


def migrations() -> Iterator[tuple[str, Migration, ProjectState]]:
    loader = MigrationLoader(None)
    for key in loader.graph.nodes:
        if key[0] in OURS:
            yield ".".join(key), loader.get_migration(*key), loader.project_state(key, at_end=False)


def test_no_migration_breaks_the_version_before() -> None:
    found = {name: list(unsafe(one.app_label, one.operations, state)) for name, one, state in migrations()}
    assert {name: reasons for name, reasons in found.items() if reasons and name not in REVIEWED} == {}
    assert {name for name, reasons in found.items() if reasons} == set(REVIEWED), "REVIEWED lists what needs no review"


@pytest.fixture
def state() -> ProjectState:
    state = ProjectState()
    fields = [("id", models.BigAutoField(primary_key=True)), ("note", models.CharField(max_length=10, null=True))]
    operations.CreateModel("Thing", fields).state_forwards("people", state)
    return state


@pytest.mark.parametrize(
    "step",
    [
        operations.RemoveField("thing", "note"),
        operations.RenameField("thing", "note", "remark"),
        operations.DeleteModel("Thing"),
        operations.RenameModel("Thing", "Object"),
        operations.AddField("thing", "size", models.IntegerField(default=0)),
        operations.AlterField("thing", "note", models.CharField(max_length=10, default="")),
        operations.AlterField("thing", "note", models.CharField(max_length=5, null=True)),
        operations.AlterField("thing", "note", models.IntegerField(null=True)),
        operations.AddConstraint("thing", models.CheckConstraint(condition=Q(id__gt=F("id")), name="c")),
        operations.AddIndex("thing", models.Index(fields=["note"], name="i")),
        operations.RunSQL("DELETE FROM people_thing"),
    ],
    ids=lambda step: type(step).__name__,
)
def test_what_old_code_would_not_survive_is_flagged(step: Operation, state: ProjectState) -> None:
    assert list(unsafe("people", [step], state))


def test_what_old_code_does_not_notice_is_not(state: ProjectState) -> None:
    fields = [("id", models.BigAutoField(primary_key=True))]
    steps = [
        operations.AddField("thing", "size", models.IntegerField(null=True)),
        operations.AddField("thing", "count", models.IntegerField(default=0, db_default=0)),
        operations.AlterField("thing", "note", models.CharField(max_length=10, null=True, help_text="Words.")),
        operations.CreateModel("Other", fields),
        operations.AddField("other", "size", models.IntegerField()),
        operations.AddIndex("other", models.Index(fields=["size"], name="o")),
    ]
    assert list(unsafe("people", steps, state)) == []
