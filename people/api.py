"""The dataset (people and their photos) and the training of models from it."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.exceptions import NotFound
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import audit
from access.problems import Problem, ProblemSerializer
from access.roles import Capability
from people import enrolment, erasure
from people.models import Person, Photo
from people.serializers import (
    ErasureSerializer,
    FaceSerializer,
    LegalBasisSerializer,
    PersonSerializer,
    PhotoSerializer,
    PhotoUploadSerializer,
    RefusedPhotoSerializer,
    check,
)
from recognition import jobs, storage, wakeup
from recognition.api import accepted
from recognition.models import Job
from recognition.serializers import AcceptedJobSerializer, JobSerializer

GONE = "There is no person with this face id."


def find_person(face_id: str, among: QuerySet[Person] | None = None) -> Person:
    """The person with this face id; what `among` gives of them, if it is of values.

    Raises:
        NotFound: there is none.
    """
    people = Person.objects.with_photo_counts() if among is None else among
    person = people.named(face_id).first()
    if person is None:
        raise NotFound(GONE)
    return person


@extend_schema(tags=["dataset"], summary="Face ids with their photo counts")
class Dataset(generics.ListAPIView):
    capability = Capability.READ
    serializer_class = FaceSerializer
    queryset = Person.objects.order_by("face_id")

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        # Counted for those shown alone, not for all of the pages before.
        people = self.get_queryset().filter(pk__in=[one.pk for one in page]).with_photo_counts()
        return self.get_paginated_response(self.get_serializer(people, many=True).data)


class DatasetPerson(APIView):
    capability = {
        "GET": Capability.READ,
        "POST": Capability.ENROL,
        "PATCH": Capability.ENROL,
        "DELETE": Capability.ENROL,
    }

    @extend_schema(tags=["dataset"], summary="One person", responses=PersonSerializer)
    def get(self, request: Request, face_id: str) -> Response:
        return Response(PersonSerializer(find_person(face_id)).data)

    @extend_schema(
        tags=["dataset"],
        summary="Add a person",
        request=LegalBasisSerializer,
        responses={201: PersonSerializer, 400: ProblemSerializer, 409: ProblemSerializer},
    )
    def post(self, request: Request, face_id: str) -> Response:
        basis = LegalBasisSerializer(data=request.data)
        basis.is_valid(raise_exception=True)
        person = Person(face_id=face_id, **basis.validated_data)
        check(person)
        with transaction.atomic():
            person, created = Person.objects.get_or_create(
                face_id=person.face_id, defaults={"id": person.pk, **basis.validated_data}
            )
            if created:
                audit.note(request.user, "add", "person", [person.pk])
        if not created:
            raise Problem(409, "person-exists", "Person exists", "There is a person with this face id already.")
        return Response(PersonSerializer(person).data, status=201)

    @extend_schema(
        tags=["dataset"],
        summary="Renew or correct a person's legal basis",
        request=LegalBasisSerializer,
        responses={200: PersonSerializer, 400: ProblemSerializer},
    )
    def patch(self, request: Request, face_id: str) -> Response:
        person = find_person(face_id)
        basis = LegalBasisSerializer(person, data=request.data, partial=True)
        basis.is_valid(raise_exception=True)
        for name, value in basis.validated_data.items():
            setattr(person, name, value)
        check(person)
        with transaction.atomic():
            if Person.objects.select_for_update().filter(pk=person.pk).first() is None:
                raise NotFound(GONE)  # erased since
            person.save(update_fields=list(basis.validated_data))
            audit.note(request.user, "change", "person", [person.pk], fields=list(basis.validated_data))
        return Response(PersonSerializer(person).data)

    @extend_schema(
        tags=["dataset"], summary="Erase a person for good", responses={200: ErasureSerializer, 503: ProblemSerializer}
    )
    def delete(self, request: Request, face_id: str) -> Response:
        return Response({"erased": erasure.erase(find_person(face_id), request.user)})


class DatasetImage(APIView):
    capability = Capability.ENROL
    parser_classes = (MultiPartParser,)

    @extend_schema(
        tags=["dataset"],
        summary="Add one photo of a person",
        request={"multipart/form-data": PhotoUploadSerializer},
        responses={
            201: PhotoSerializer,
            409: OpenApiResponse(ProblemSerializer, "The photo is there already, or the legal basis has expired."),
            422: OpenApiResponse(RefusedPhotoSerializer, "The photo is refused; `refusal` says why."),
            503: OpenApiResponse(ProblemSerializer, "It cannot be stored just now: send it again."),
        },
    )
    def post(self, request: Request, face_id: str) -> Response:
        upload = PhotoUploadSerializer(data=request.data)
        # An empty file is a verdict like any other, not a malformed request.
        upload.fields["image"].allow_empty_file = True
        upload.is_valid(raise_exception=True)
        try:
            photo = enrolment.add_photo(find_person(face_id), upload.validated_data["image"].read(), request.user)
        except enrolment.NoLegalBasisError as error:
            raise Problem(409, "no-legal-basis", "No legal basis", str(error)) from error
        except enrolment.DuplicatePhotoError as error:
            raise Problem(409, "duplicate-photo", "Photo not added", str(error)) from error
        except enrolment.PersonGoneError as error:
            raise NotFound(str(error)) from error
        if photo.is_accepted:
            return Response(PhotoSerializer(photo).data, status=201)
        raise Problem(
            422, "photo-refused", Photo.Refusal(photo.refusal).label, photo.explanation,
            refusal=photo.refusal, photo=PhotoSerializer(photo).data,
        )  # fmt: skip


class _Training(APIView):
    capability = Capability.ENROL
    kind: Job.Kind

    def post(self, request: Request) -> Response:
        # Photos are read from storage and the model goes there: better said now than by a job that fails.
        storage.probe()
        account = request.user if isinstance(request.user, User) else None
        job = jobs.request(self.kind, account)
        audit.note(request.user, "request", "training", [job.pk], job=self.kind)
        wakeup.wake(wakeup.TRAINING, str(job.pk))
        return accepted(request, job)


def _training(summary: str) -> object:
    return extend_schema(
        tags=["model"], summary=summary, request=None, responses={202: AcceptedJobSerializer, 503: ProblemSerializer}
    )


class GenerateEmbeddings(_Training):
    kind = Job.Kind.GENERATE_EMB
    post = _training("Embed all photos again")(_Training.post)


class OptimizedTrain(_Training):
    kind = Job.Kind.OPTIMIZED_TRAIN
    post = _training("Train from the stored vectors")(_Training.post)


class Train(_Training):
    kind = Job.Kind.TRAIN
    post = _training("Embed all photos again and train")(_Training.post)


class UnblockDataset(APIView):
    capability = Capability.ADMINISTER

    @extend_schema(
        tags=["debug"], summary="Release a stuck training lease", request=None, responses=JobSerializer(many=True)
    )
    def post(self, request: Request) -> Response:
        released = jobs.release_stuck()
        audit.note(request.user, "unblock", "training", [job.pk for job in released])
        for job in released:
            wakeup.wake(wakeup.TRAINING, str(job.pk))
        return Response(JobSerializer(released, many=True).data)
