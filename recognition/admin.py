from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from access.admin_site import ReadOnlyAdmin
from access.roles import Capability
from recognition import publishing
from recognition.models import ActiveModel, Job, TrainedModel


@admin.register(TrainedModel)
class TrainedModelAdmin(ReadOnlyAdmin):
    capability = Capability.ENROL
    list_display = ("id", "state", "classifier", "people_count", "vector_count", "least_score", "created_at")
    list_filter = ("classifier",)
    actions = ("put_in_service",)

    @admin.display(description="State")
    def state(self, trained: TrainedModel) -> str:
        if trained.retired_at:
            return f"retired: {trained.retired_because}"
        return "in service" if ActiveModel.objects.filter(model=trained).exists() else "kept"

    @admin.display(description="Threshold", ordering="threshold")
    def least_score(self, trained: TrainedModel) -> str:
        return f"{trained.threshold:.3f}"

    @admin.action(description="Put the selected model in service (roll back)")
    def put_in_service(self, request: HttpRequest, queryset: QuerySet[TrainedModel]) -> None:
        if len(queryset) != 1:
            self.message_user(request, "Select exactly one model.", messages.ERROR)
            return
        try:
            pointer = publishing.activate(queryset[0])
        except publishing.NotActivableError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, f"Model {queryset[0].pk} is in service as generation {pointer.generation}.")


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    capability = Capability.ENROL
    list_display = ("created_at", "kind", "state", "percent", "message", "requested_by", "finished_at")
    list_filter = ("state",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        # Every request with crops has a job too: those would drown the few that people wait for.
        return super().get_queryset(request).filter(kind__in=Job.TRAINING).select_related("requested_by")

    @admin.display(description="Progress")
    def percent(self, job: Job) -> str:
        return f"{job.progress:.0%}"
