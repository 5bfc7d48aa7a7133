"""The model in service and those before it, training, and how sure it must be before it names somebody."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Count, Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access import audit
from access.roles import Capability
from access.views import requires
from detections import thresholds
from detections.pages.refreshing import refreshing
from people import mixups, training
from people.models import Person, Photo
from recognition import jobs, publishing, storage, wakeup
from recognition.models import ActiveModel, Job, TrainedModel
from recognition.storage import StorageUnavailableError

VERSIONS_SHOWN = 20


@require_safe
@never_cache
@requires(Capability.READ)
def model_page(request: HttpRequest) -> HttpResponse:
    context = _board()
    if not request.htmx:
        # What takes a look at everybody, and what somebody may be trying out just now, does not refresh itself.
        context |= _quality() | _choice(request, context["serving"])
    return refreshing(request, "detections/model.html", "detections/model_board.html", context)


@require_safe
@never_cache
@requires(Capability.READ)
def effect(request: HttpRequest) -> HttpResponse:
    """What the chosen false-alarm rate would change."""
    return render(request, "detections/model_effect.html", _choice(request, _serving()))


@require_safe
@never_cache
@requires(Capability.READ)
def progress(request: HttpRequest) -> HttpResponse:
    """How far the training is; asked for every second while it runs. At its end the whole page asks for itself."""
    job = _latest_job()
    if job is None or job.is_over:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "detections/model_progress.html", {"job": job})


@requires(Capability.ENROL)
@require_POST
def train(request: HttpRequest) -> HttpResponse:
    if _request_training(request):
        messages.success(request, _("Training was requested. The new model goes into service by itself."))
    return redirect("model-page")


@requires(Capability.ENROL)
@require_POST
def choose_rate(request: HttpRequest) -> HttpResponse:
    """Train a model that names another share of strangers; all later ones do so too."""
    serving = _serving()
    if serving is None or request.POST.get("model") != str(serving.pk):
        messages.warning(request, _("Another model has gone into service meanwhile. Look at the effect again."))
        return redirect("model-page")
    chosen = _choice(request, serving)["chosen"]
    if chosen is None:
        raise BadRequest
    if _request_training(request, chosen.false_alarm_rate):
        messages.success(request, _("A model with this rate is being trained. It goes into service by itself."))
    return redirect("model-page")


@requires(Capability.ENROL)
@require_http_methods(["GET", "HEAD", "POST"])
def serve(request: HttpRequest, number: int) -> HttpResponse:
    """Put a kept model in service again, once that is confirmed."""
    trained = get_object_or_404(TrainedModel, pk=number)
    if request.method != "POST":
        return render(request, "detections/model_serve.html", {"model": trained, "serving": _serving()})
    try:
        pointer = publishing.activate(trained)
    except publishing.NotActivableError as error:
        messages.error(request, str(error))
    else:
        audit.note(request.user, "put in service", audit.kind_of(trained), [number], generation=pointer.generation)
        words = _("Model %(model)s is in service as generation %(generation)s.")
        messages.success(request, words % {"model": number, "generation": pointer.generation})
    return redirect("model-page")


def _board() -> dict:
    pointer = ActiveModel.objects.select_related("model").filter(pk=ActiveModel.SINGLETON).first()
    return {
        "pointer": pointer,
        "serving": pointer and pointer.model,
        "versions": TrainedModel.objects.order_by("-pk")[:VERSIONS_SHOWN],
        "job": _latest_job(),
    }


def _quality() -> dict:
    accepted = Photo.objects.filter(refusal="")
    of_each = accepted.exclude(person__in=Person.objects.unlawful()).order_by().values("person").annotate(n=Count("pk"))
    without = Person.objects.lawful().filter(~Exists(accepted.filter(person=OuterRef("pk"))))
    return {
        "is_outdated": training.is_outdated(),
        "mixups": mixups.pending().count(),
        "without_photos": without.count(),
        "with_one_photo": of_each.filter(n=1).count(),
    }


def _serving() -> TrainedModel | None:
    return TrainedModel.objects.filter(activemodel__isnull=False).first()


def _latest_job() -> Job | None:
    return Job.objects.filter(kind__in=Job.TRAINING).first()


def _choice(request: HttpRequest, serving: TrainedModel | None) -> dict:
    """The rates there are, which is chosen (by default the present one), and what that would change."""
    offered = thresholds.choices(serving) if serving else []
    present = next((i for i, one in enumerate(offered) if one.false_alarm_rate == serving.false_alarm_rate), 0)
    step = (request.POST if request.method == "POST" else request.GET).get("step", str(present))
    if not (step.isascii() and step.isdigit() and len(step) < 3 and int(step) < max(1, len(offered))):
        raise BadRequest
    chosen = offered[int(step)] if offered else None
    return {
        "model": serving,
        "offered": offered,
        "step": int(step),
        "chosen": chosen,
        "is_present": int(step) == present,
        "effect": chosen and thresholds.effect(serving, chosen),
    }


def _request_training(request: HttpRequest, rate: float | None = None) -> bool:
    try:
        storage.probe()
    except StorageUnavailableError as error:
        messages.error(request, f"{error} " + _("Nothing was changed. Try again in a moment."))
        return False
    if rate is not None:
        publishing.want_rate(rate)
        audit.note(request.user, "choose", "false-alarm rate", rate=rate)
    job = jobs.request(Job.Kind.OPTIMIZED_TRAIN, request.user)
    audit.note(request.user, "request", "training", [job.pk], job=job.kind)
    wakeup.wake(wakeup.TRAINING, str(job.pk))
    return True
