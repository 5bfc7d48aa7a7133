"""Fills a private PostgreSQL database with people, cameras, and as many detections as a large site has in 90 days.

One in three is of somebody unknown. People and cameras are seen unevenly: the busiest hundreds of times as often as the
rarest. Some cameras were taken down two months ago; one person and one location were never seen.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

PEOPLE, CAMERAS, LOCATIONS = 10_000, 400, 80
DAYS = 90
GONE = 5  # locations whose cameras were taken down
TRACK = 4  # detections of a track, on average

_PLACES = """
INSERT INTO detections_location (name, description) SELECT 'Location ' || lpad(n::text, 3, '0'), ''
FROM generate_series(0, %(locations)s) n;
INSERT INTO detections_camera (id, name, location_id, is_active)
SELECT 'camera-' || n, 'Camera ' || n, (SELECT id FROM detections_location
    WHERE name = 'Location ' || lpad((n %% %(locations)s)::text, 3, '0')), true
FROM generate_series(0, %(cameras)s - 1) n;
INSERT INTO people_person (id, face_id, legal_basis, legal_basis_date, created_at)
SELECT gen_random_uuid(), 'Person ' || lpad(n::text, 5, '0'), 'consent', '2026-01-01', now()
FROM generate_series(0, %(people)s) n;
"""
# Numbers in place of ids, so that a random one can be chosen; the most frequent have the lowest.
_NUMBERS = """
CREATE TEMP TABLE cast_of AS SELECT (row_number() OVER (ORDER BY face_id) - 1)::int n, id FROM people_person;
CREATE TEMP TABLE stage AS SELECT substr(id, 8)::int n, id, substr(id, 8)::int %% %(locations)s < %(gone)s is_gone
FROM detections_camera;
CREATE INDEX ON cast_of (n); CREATE INDEX ON stage (n); ANALYZE cast_of; ANALYZE stage;
"""
_TRACKS = """
INSERT INTO detections_track (camera_id, key, person_id, probability, detection_count, captured_at, ended_at)
SELECT camera, md5(at::text || random()::text), person,
    CASE WHEN person IS NULL THEN 0.6 * random() ELSE 1 - 0.4 * random() ^ 2 END, detections, at,
    at + detections * interval '2 s'
FROM (SELECT stage.id camera, cast_of.id person, 1 + floor(random() * (2 * %(track)s - 1))::int detections,
        %(until)s::timestamptz - (CASE WHEN is_gone THEN 0.7 + 0.3 * place ELSE place END) * %(span)s::interval AS at
    FROM (SELECT (random() ^ 2 * %(cameras)s)::int %% %(cameras)s camera_n, random() place,
            CASE WHEN random() < 0.67 THEN (random() ^ 3 * %(people)s)::int %% %(people)s END person_n
        FROM generate_series(1, %(tracks)s)) chosen
    JOIN stage ON stage.n = camera_n LEFT JOIN cast_of ON cast_of.n = person_n) passages
ORDER BY at;
"""
_DETECTIONS = """
INSERT INTO detections_detection (id, crop_id, face_index, camera_id, track_id, person_id, probability, score,
    confidence, box, frame_box, captured_at, recorded_at)
SELECT gen_random_uuid(), gen_random_uuid(), 0, camera_id, track.id, person_id, probability, probability / 2, 0.99,
    '[31.2, 28.4, 112.9, 131.0]', '[412, 96, 498, 205]', captured_at + n * interval '2 s',
    captured_at + n * interval '2 s' + interval '1 s'
FROM detections_track track CROSS JOIN LATERAL generate_series(0, detection_count - 1) n
WHERE track.id > %(after)s ORDER BY captured_at;
"""
_LAST_SEEN = """
INSERT INTO detections_lastseen (person_id, camera_id, detection_id, probability, captured_at)
SELECT DISTINCT ON (person_id) person_id, camera_id, id, probability, captured_at FROM detections_detection
WHERE person_id IS NOT NULL ORDER BY person_id, captured_at DESC
ON CONFLICT (person_id) DO UPDATE SET camera_id = excluded.camera_id, detection_id = excluded.detection_id,
    probability = excluded.probability, captured_at = excluded.captured_at;
"""
_RECEIPTS = """
INSERT INTO detections_crop (id, job_id, camera_id, track_id, sha256, metadata, deliver, captured_at, received_at,
    state, due_at, attempts, error)
SELECT crop_id, %(job)s, camera_id, track_id, md5(id::text) || md5(crop_id::text), '{"box": [412, 96, 498, 205]}',
    false, captured_at, recorded_at, 'done', recorded_at, 1, ''
FROM detections_detection WHERE captured_at > now() - interval '7 days';
"""


def fill(rows: int) -> None:
    """Make everything, about `rows` detections among it, up to now."""
    connection.ensure_connection()
    with connection.cursor() as cursor:
        counts = {"people": PEOPLE, "cameras": CAMERAS, "locations": LOCATIONS, "gone": GONE}
        cursor.execute(_PLACES, counts)
        job = uuid.uuid4()
        cursor.execute(
            "INSERT INTO recognition_job (id, kind, state, total, done, failed, message, attempts, created_at)"
            " VALUES (%s, 'recognise', 'succeeded', 0, 0, 0, '', 1, now())", [job]
        )  # fmt: skip
        with transaction.atomic(), _unindexed(cursor, "detections_track", "detections_detection", "detections_crop"):
            add_passages(cursor, rows // TRACK, "now", f"{DAYS} days")
            cursor.execute(_RECEIPTS, {"job": job})
    settle()


def add_passages(cursor: CursorWrapper, tracks: int, until: str, span: str) -> None:
    """Add tracks with their detections in the `span` before `until`, and move the last-known locations."""
    counts = {"people": PEOPLE, "cameras": CAMERAS, "locations": LOCATIONS, "gone": GONE, "track": TRACK}
    cursor.execute("DROP TABLE IF EXISTS cast_of, stage")
    cursor.execute(_NUMBERS, counts)
    cursor.execute("SELECT coalesce(max(id), 0) FROM detections_track")
    after = cursor.fetchone()[0]
    cursor.execute(_TRACKS, counts | {"tracks": tracks, "until": until, "span": span})
    cursor.execute(_DETECTIONS, {"after": after})
    cursor.execute(_LAST_SEEN)


def count() -> int:
    """How many detections there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM detections_detection")
        return cursor.fetchone()[0]


def settle() -> None:
    """Bring the database into the state in which autovacuum keeps it, and forget the connection that filled it."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    connection.close()


@contextmanager
def _unindexed(cursor: CursorWrapper, *tables: str) -> Iterator[None]:
    """Indexes are built once, when all rows are there. Needs a superuser."""
    chosen = "WHERE indrelid = ANY(%s::regclass[])"
    cursor.execute("SET LOCAL session_replication_role = replica; SET LOCAL maintenance_work_mem = '1GB'")
    cursor.execute(f"UPDATE pg_index SET indisready = false, indisvalid = false {chosen}", [list(tables)])
    yield
    for table in tables:
        cursor.execute(f"REINDEX TABLE {table}")
