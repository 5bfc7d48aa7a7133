"""Detections, tracks, cameras and locations: lists with filters and pages."""

import django_filters
from django.db.models import BigIntegerField, QuerySet, Subquery
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from access.models import ApiKey
from access.pagination import History
from access.roles import Capability
from detections import searching
from detections.filtering import Moment, YesOrNo
from detections.ingest import cameras_of
from detections.merging import Merged, of_cameras
from detections.models import Camera, Detection, Location, Track
from detections.serializers import CameraSerializer, DetectionSerializer, LocationSerializer, TrackSerializer
from people.models import Person


class SightingFilter(django_filters.FilterSet):
    """What detections and tracks can be filtered by, each in the order of an index."""

    face_id = django_filters.CharFilter(method="of_person", label="Exact face id")
    known = YesOrNo("person", lookup_expr="isnull", exclude=True, label="Named or unknown")
    camera = django_filters.ModelChoiceFilter(queryset=Camera.objects.all())
    location = django_filters.ModelChoiceFilter(
        "camera__location", queryset=Location.objects.all(), method="at", label="Location"
    )
    since = Moment("captured_at", "gte", label="Captured at or after")
    until = Moment("captured_at", "lt", label="Captured before")
    min_probability = django_filters.NumberFilter(
        "probability", "gte", label="At least this sure, 0 to 1", min_value=0, max_value=1
    )

    def of_person(self, sightings: QuerySet, name: str, face_id: str) -> QuerySet:
        # Not by a join: the database would read and sort everything that there is of the person.
        return sightings.filter(person=Subquery(Person.objects.named(face_id).values("pk")[:1]))

    def at(self, sightings: QuerySet, name: str, location: Location) -> QuerySet:
        return sightings  # last of all, by `filter_queryset`

    def filter_queryset(self, sightings: QuerySet) -> QuerySet | Merged:
        chosen = super().filter_queryset(sightings)
        location = self.form.cleaned_data["location"]
        if location is None:
            return chosen
        return of_cameras(chosen, list(location.cameras.order_by().values_list("pk", flat=True)))


class DetectionFilter(SightingFilter):
    track = django_filters.NumberFilter("track_id", min_value=0, max_value=BigIntegerField.MAX_BIGINT, decimal_places=0)


def detections() -> QuerySet[Detection]:
    return Detection.objects.select_related("person", "camera__location")


class _Sightings(generics.ListAPIView):
    """A list that may be asked for one person's rows; then who asked is on record."""

    def get(self, request: Request) -> Response:
        searching.note_face_id(request.user, request.query_params.get("face_id"))
        return super().get(request)


@extend_schema(tags=["browse"], summary="Detections, newest first")
class DetectionList(_Sightings):
    capability = Capability.READ
    serializer_class = DetectionSerializer
    pagination_class = History
    filterset_class = DetectionFilter
    queryset = detections()


@extend_schema(tags=["browse"], summary="One detection")
class DetectionDetail(generics.RetrieveAPIView):
    capability = Capability.READ
    serializer_class = DetectionSerializer
    queryset = detections()


@extend_schema(tags=["browse"], summary="Tracks, newest first")
class TrackList(_Sightings):
    capability = Capability.READ
    serializer_class = TrackSerializer
    pagination_class = History
    filterset_class = SightingFilter
    queryset = Track.objects.select_related("person", "camera__location")


class CameraFilter(django_filters.FilterSet):
    is_active = YesOrNo()

    class Meta:
        model = Camera
        fields = ("location", "is_active")


@extend_schema(tags=["browse"], summary="Cameras; an edge node's key sees its own")
class CameraList(generics.ListAPIView):
    # A node has to see whether its cameras exist; it may not read anything else.
    capability = {Capability.READ, Capability.SUBMIT}
    serializer_class = CameraSerializer
    filterset_class = CameraFilter

    def get_queryset(self) -> QuerySet[Camera]:
        user = getattr(self.request, "user", None)
        if isinstance(user, ApiKey) and user.scope == ApiKey.Scope.EDGE:
            return cameras_of(user).select_related("location")
        return Camera.objects.select_related("location")


@extend_schema(tags=["browse"], summary="Locations")
class LocationList(generics.ListAPIView):
    capability = Capability.READ
    serializer_class = LocationSerializer
    queryset = Location.objects.all()
