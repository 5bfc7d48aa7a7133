"""How the installation is, what needs attention first, and what was given up tried again."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from access import audit
from access.roles import Capability, capabilities_of
from access.views import requires
from detections import attention, processing, vitals
from detections.fleet import fleet
from detections.pages.refreshing import just_now, refreshing
from detections.webhooks import delivering
from recognition import jobs, wakeup

AT_ONCE = 1000
ALL = "all"


@dataclass(frozen=True)
class Kind:
    """What can be tried again, by whom, and how; `again` returns how many."""

    rows: Callable[[], QuerySet]
    again: Callable[[QuerySet], int]
    capability: Capability


def _crops_again(rows: QuerySet) -> int:
    count = processing.requeue(rows)
    wakeup.wake(wakeup.RECOGNITION)
    return count


def _jobs_again(rows: QuerySet) -> int:
    revived = jobs.requeue(rows)
    for job in revived:
        wakeup.wake(wakeup.TRAINING, str(job.pk))
    return len(revived)


# As in the admin: who may see what is given up there may try it again here.
KINDS = {
    "crop": Kind(vitals.dead_crops, _crops_again, Capability.ADMINISTER),
    "job": Kind(vitals.dead_jobs, _jobs_again, Capability.ENROL),
    "delivery": Kind(vitals.dead_deliveries, delivering.again, Capability.ADMINISTER),
}


@require_safe
@never_cache
@requires(Capability.READ)
def health_page(request: HttpRequest) -> HttpResponse:
    found = vitals.vitals()
    context = {
        "vitals": found,
        "problems": attention.problems(found, fleet()),
        "just_now": just_now(),
    }
    return refreshing(request, "detections/health.html", "detections/health_board.html", context)


@requires(Capability.ENROL)
@require_POST
def try_again(request: HttpRequest) -> HttpResponse:
    """What was given up, one (`crop=<id>`) or all of its kind (`crop=all`), has another three attempts."""
    name = next((name for name in KINDS if name in request.POST), None)
    if name is None:
        return HttpResponseBadRequest(_("Nothing was chosen."))
    kind, which = KINDS[name], request.POST[name]
    if kind.capability not in capabilities_of(request.user):
        raise PermissionDenied
    rows = kind.rows()
    try:
        chosen = rows[:AT_ONCE] if which == ALL else rows.filter(pk=UUID(which))
    except ValueError:
        return HttpResponseBadRequest(_("This is no id."))
    keys = list(chosen.values_list("pk", flat=True))
    count = kind.again(rows.filter(pk__in=keys))
    audit.note(request.user, "requeue", audit.kind_of(rows.model), [""] if which == ALL else keys, count=count)
    messages.success(request, ngettext("%s is tried again.", "%s are tried again.", count) % count)
    return redirect("health-page")
