from collections.abc import Collection
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from access.admin_site import ReadOnlyAdmin
from access.roles import Capability
from recognition import jobs, publishing, wakeup
from recognition.models import ActiveModel, Job, TrainedModel


@admin.register(TrainedModel)
class TrainedModelAdmin(ReadOnlyAdmin):
    capability = Capability.ENROL
    list_display = (
        "id",
        "state",
        "pack_id",
        "classifier",
        "people_count",
        "vector_count",
        "false_alarms",
        "misses",
        "created_at",
    )
    list_filter = ("classifier",)
    actions = ("put_in_service",)

    @admin.display(description="State")
    def state(self, trained: TrainedModel) -> str:
        if trained.retired_at:
            return f"retired: {trained.retired_because}"
        state = "in service" if ActiveModel.objects.filter(model=trained).exists() else "kept"
        return f"{state}, but cannot be loaded by {trained.fault}" if trained.fault else state

    @admin.display(description="Strangers named, at most", ordering="false_alarm_rate")
    def false_alarms(self, trained: TrainedModel) -> str:
        return f"1 in {1 / trained.false_alarm_rate:,.0f}"

    @admin.display(description="Photos missed, expected", ordering="expected_miss_rate", empty_value="unknown")
    def misses(self, trained: TrainedModel) -> str | None:
        return None if trained.expected_miss_rate is None else f"{trained.expected_miss_rate:.1%}"

    @admin.action(description="Put the selected model in service (roll back)")
    def put_in_service(self, request: HttpRequest, queryset: QuerySet[TrainedModel]) -> Collection[int]:
        if len(queryset) != 1:
            self.message_user(request, "Select exactly one model.", messages.ERROR)
            return []
        try:
            pointer = publishing.activate(queryset[0])
        except publishing.NotActivableError as error:
            self.message_user(request, str(error), messages.ERROR)
            return []
        self.message_user(request, f"Model {queryset[0].pk} is in service as generation {pointer.generation}.")
        return [queryset[0].pk]


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    capability = Capability.ENROL
    list_display = ("created_at", "kind", "state", "percent", "attempts", "message", "requested_by", "finished_at")
    list_filter = ("state",)
    actions = ("requeue",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        # Every request with crops has a job too: those would drown the few that people wait for.
        return super().get_queryset(request).filter(kind__in=Job.LONG).select_related("requested_by")

    @admin.display(description="Progress")
    def percent(self, job: Job) -> str:
        return f"{job.progress:.0%}"

    @admin.action(description="Run the selected jobs again")
    def requeue(self, request: HttpRequest, queryset: QuerySet[Job]) -> Collection[UUID]:
        revived = jobs.requeue(queryset)
        for job in revived:
            wakeup.wake(wakeup.TRAINING, str(job.pk))
        self.message_user(request, f"{len(revived)} of {len(queryset)} jobs wait again; only failed ones can.")
        return [job.pk for job in revived]
