"""Jobs and trained models."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from access.roles import Capability, capabilities_of
from recognition.models import Job, TrainedModel
from recognition.serializers import JobSerializer, TrainedModelSerializer


def accepted(request: Request, job: Job) -> Response:
    """The 202 that names the job to follow."""
    url = reverse("job", args=[job.pk], request=request)
    return Response({"job": job.pk, "job_url": url}, status=202, headers={"Location": url})


@extend_schema(tags=["jobs"], summary="State and progress of a 202")
class JobDetail(generics.RetrieveAPIView):
    """Follow a job until its state is `succeeded` or `failed`. Senders of crops may follow only those jobs."""

    capability = {Capability.READ, Capability.SUBMIT}
    serializer_class = JobSerializer

    def get_queryset(self) -> QuerySet[Job]:
        jobs = Job.objects.all()
        may_see_all = Capability.READ in capabilities_of(self.request.user)
        return jobs if may_see_all else jobs.filter(kind=Job.Kind.RECOGNISE)


@extend_schema(tags=["models"], summary="Trained models, newest first")
class ModelList(generics.ListAPIView):
    capability = Capability.READ
    serializer_class = TrainedModelSerializer
    queryset = TrainedModel.objects.order_by("-pk")
    filterset_fields = ("classifier", "pack_id")


@extend_schema(tags=["models"], summary="One trained model")
class ModelDetail(generics.RetrieveAPIView):
    capability = Capability.READ
    serializer_class = TrainedModelSerializer
    queryset = TrainedModel.objects.all()
