"""Every detection and every track: as they come, through filters, and as files."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from access import audit
from access.pagination import History
from access.roles import Capability
from access.views import requires
from detections import searching
from detections.api.browsing import DetectionFilter, SightingFilter, detections
from detections.models import Detection, FaceImage, Search, Track
from detections.pages.refreshing import refreshing
from people.models import Person

EXPORTED = 100_000
_CHUNK = 2_000
# How spreadsheets recognise what they would compute.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Kind:
    """Detections, or tracks. `columns`: what an export holds, by the name in it. `changing`: what is shown of a row and
    does not stay as it is, besides who it is.
    """

    page: str
    rows: Callable[[], QuerySet]
    filters: type[SightingFilter]
    columns: dict[str, str]
    changing: tuple[str, ...] = ("probability", "corrected_at", "has_face")


def _tracks() -> QuerySet[Track]:
    shown = Detection.objects.filter(track=OuterRef("pk")).annotate(has_face=FaceImage.kept("pk"))
    shown = shown.order_by("-has_face", "captured_at").values("pk")[:1]
    tracks = Track.objects.select_related("person", "camera__location").annotate(detection_id=Subquery(shown))
    return tracks.annotate(has_face=FaceImage.kept("detection_id"))


_COMMON = {
    "id": "pk",
    "face_id": "person__face_id",
    "probability": "probability",
    "location": "camera__location__name",
    "camera": "camera_id",
    "captured_at": "captured_at",
}
KINDS = {
    "detections": Kind(
        "detections-page",
        lambda: detections().annotate(has_face=FaceImage.kept("pk")),
        DetectionFilter,
        _COMMON | {"track": "track_id"},
    ),
    "tracks": Kind(
        "tracks-page",
        _tracks,
        SightingFilter,
        _COMMON | {"ended_at": "ended_at", "detections": "detection_count"},
        (*Kind.changing, "ended_at", "detection_count"),
    ),
}


@require_safe
@never_cache
@requires(Capability.READ)
def detections_page(request: HttpRequest) -> HttpResponse:
    """Every detection, newest first, through the same filters and pages as the API's list."""
    return _list(request, "detections")


@require_safe
@never_cache
@requires(Capability.READ)
def tracks_page(request: HttpRequest) -> HttpResponse:
    """Every track, likewise."""
    return _list(request, "tracks")


def _list(request: HttpRequest, what: str) -> HttpResponse:
    kind = KINDS[what]
    chosen = kind.filters(request.GET, kind.rows())
    context = {"form": chosen.form, "kind": kind, "what": what, "exported": EXPORTED}
    if not chosen.is_valid():
        return render(request, "detections/sightings.html", context, status=400)
    pages = History()
    try:
        rows = pages.paginate_queryset(chosen.qs, Request(request))
    except NotFound as error:
        raise Http404("This page does not exist.") from error
    context |= {
        "rows": rows,
        "newer": pages.get_previous_link(),
        "older": pages.get_next_link(),
        "is_filtered": any(chosen.form.cleaned_data.values()) or chosen.form.cleaned_data["known"] is False,
        # Only the newest change by themselves.
        "is_live": "cursor" not in request.GET,
    }
    read = attrgetter(*kind.changing)
    state = [(one.pk, one.person and one.person.face_id, *read(one)) for one in rows]
    part = f"detections/{what}_board.html"
    answer = refreshing(request, "detections/sightings.html", part, context, state=state, every=2)
    if answer.status_code == 200:  # not where nothing is told that is not shown already
        searching.note_face_id(request.user, chosen.form.cleaned_data["face_id"])
    return answer


@require_safe
@requires(Capability.READ)
def export(request: HttpRequest, what: str, form: str) -> HttpResponseBase:
    """The newest of what the filters let through, as a file that is sent while it is read."""
    if what not in KINDS or form not in _FORMATS:
        raise Http404("There is no such export.")
    kind = KINDS[what]
    rows = (Detection if what == "detections" else Track).objects.all()
    chosen = kind.filters(request.GET, rows)
    if not chosen.is_valid():
        context = {"form": chosen.form, "kind": kind, "what": what}
        return render(request, "detections/sightings.html", context, status=400)
    face_id = chosen.form.cleaned_data["face_id"]
    people = Person.objects.named(face_id).values_list("pk", flat=True) if face_id else ()
    searching.note(request.user, Search.Means.EXPORT, people)
    filters = sorted(name for name in chosen.form.fields if request.GET.get(name))
    audit.note(request.user, "export", what, format=form, filters=filters)
    content_type, write = _FORMATS[form]
    name = f"{what}-{timezone.localtime():%Y-%m-%d-%H%M}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    content = write(list(kind.columns), _exported(chosen.qs, kind))
    # Asked for here, so that the answer says if it fails, and no server logs the address with a name in it.
    first = next(content)
    return StreamingHttpResponse(chain([first], content), content_type=content_type, headers=headers)


def _exported(chosen: QuerySet, kind: Kind) -> Iterator[tuple]:
    """A chunk at a time, each by a query of its own: no transaction lasts as long as a slow reader."""
    ordered = chosen.order_by("-captured_at", "-pk").values_list(*kind.columns.values())
    at = list(kind.columns).index("captured_at")
    after = Q()
    for _ in range(EXPORTED // _CHUNK):
        rows = list(ordered.filter(after)[:_CHUNK])
        yield from rows
        if len(rows) < _CHUNK:
            return
        last, key = rows[-1][at], rows[-1][0]
        after = Q(captured_at__lt=last) | Q(captured_at=last, pk__lt=key)


def _csv(columns: list[str], rows: Iterable[tuple]) -> Iterator[str]:
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        if line.tell() > 2**16:
            yield line.getvalue()
            line.seek(0)
            line.truncate()
    yield line.getvalue()


def _cell(value: object) -> object:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _json(columns: list[str], rows: Iterable[tuple]) -> Iterator[str]:
    opening = "["
    for row in rows:
        yield opening + json.dumps(dict(zip(columns, row, strict=True)), default=_plain, ensure_ascii=False)
        opening = ",\n"
    yield "]\n" if opening != "[" else "[]\n"


def _plain(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


_FORMATS = {"csv": ("text/csv; charset=utf-8", _csv), "json": ("application/json", _json)}
