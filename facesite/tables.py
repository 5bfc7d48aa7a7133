"""The rows of all tables as lines of JSON, the same on every database: what a laptop wrote, a cluster can read."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import IO

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import BinaryField, Model

# Who is logged in, who lately failed to, and who is alive: of that moment alone. And photos that wait to be imported:
# whoever they show has no id yet by which a tombstone could tell that they were erased since.
PASSING = {
    "sessions.session",
    "recognition.heartbeat",
    "axes.accessattempt",
    "axes.accesslog",
    "axes.accessfailurelog",
    "people.import",
    "people.importedphoto",
}
CHUNK = 500


def kept() -> list[type[Model]]:
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.label_lower not in PASSING  # noqa: SLF001
    ]


def migrations() -> list[str]:
    """What the tables look like."""
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


@contextmanager
def one_moment() -> Iterator[None]:
    """All reading in the block sees the database as it was at the beginning; others go on writing."""
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
        return
    with connection.cursor() as cursor:
        # Not Django's own transaction: that one would keep writers out.
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def dump(model: type[Model], file: IO[bytes]) -> int:
    """First the names of the columns, then a line per row; returns how many rows."""
    names = [field.attname for field in model._meta.concrete_fields]  # noqa: SLF001
    file.write(_line(names))
    count = 0
    for row in model._base_manager.order_by("pk").values_list(*names).iterator(CHUNK):  # noqa: SLF001
        file.write(_line(row))
        count += 1
    return count


def load(model: type[Model], file: IO[bytes]) -> int:
    """Insert the rows of `dump`, in the caller's transaction; returns how many."""
    lines = map(json.loads, file)
    fields = {field.attname: field for field in model._meta.concrete_fields}  # noqa: SLF001
    chosen = [fields[name] for name in next(lines)]
    count = 0
    while rows := list(islice(lines, connection.ops.bulk_batch_size(chosen, range(CHUNK)))):
        made = (
            model(**{field.attname: _value(field, value) for field, value in zip(chosen, row, strict=True)})
            for row in rows
        )
        # As they are: nothing is set to the present time.
        model._base_manager._insert(list(made), fields=chosen, using=connection.alias, raw=True)  # noqa: SLF001
        count += len(rows)
    return count


def empty() -> None:
    """Delete all rows, the passing ones too, in the caller's transaction."""
    tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]  # noqa: SLF001
    for sql in connection.ops.sql_flush(no_style(), tables, reset_sequences=False, allow_cascade=False):
        with connection.cursor() as cursor:
            cursor.execute(sql)


def renumber() -> None:
    """So that new rows get numbers after those that were loaded."""
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), kept()):
            cursor.execute(sql)


def _line(row: object) -> bytes:
    return json.dumps(row, default=_plain, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _plain(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _value(field: object, value: object) -> object:
    if isinstance(field, BinaryField):
        return None if value is None else base64.b64decode(value)
    return field.to_python(value)
