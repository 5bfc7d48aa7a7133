"""What needs somebody's attention, the worst first, each with what to do about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.roles import Capability
from detections.fleet import Box, Fleet, State
from detections.models import ExternalServer
from detections.vitals import Vitals
from people.models import Person
from recognition import jobs
from recognition.models import Heartbeat

# The scheduler sweeps every five seconds and applies retention every hour.
SWEEP_LATE = timedelta(minutes=1)
RETENTION_LATE = timedelta(hours=3)
WAITS_LONG = timedelta(minutes=1)
TRAINER_STARTS = timedelta(minutes=2)
NEARLY_FULL = 0.8
DISK_LOW, DISK_LOW_BYTES = 0.1, 5 * 2**30
DISK_OUT, DISK_OUT_BYTES = 0.03, 2**30
# More cameras than this are told of together.
SINGLY = 5


@dataclass(frozen=True, kw_only=True)
class Problem:
    """`is_bad`: something does not work now; else it soon will not, or works in part. `page`: where to mend it, open
    to whoever has what it `needs`."""

    title: str
    advice: str
    is_bad: bool = False
    page: str = ""
    link: str = ""
    needs: Capability = Capability.READ


def problems(vitals: Vitals, fleet: Fleet) -> list[Problem]:
    found = [one for find in _FINDERS for one in find(vitals)] + [*_of_fleet(fleet)]
    return sorted(found, key=lambda one: not one.is_bad)


def _workers(vitals: Vitals) -> Iterator[Problem]:
    if vitals.processes is None:
        yield Problem(
            title=_("The database is slow"),
            advice=_("It did not answer within two seconds. See its load and its disk."),
            is_bad=True,
        )
        return
    workers = [one for one in vitals.processes if one.beat.kind == Heartbeat.Kind.WORKER]
    serving = {queue for one in workers if one.is_alive for queue in one.beat.queues.split()}
    start = _("Start the workers, or read their log: crops and jobs wait in the database and nothing is lost.")
    if not any(one.is_alive for one in workers):
        yield Problem(title=_("No worker is alive"), advice=start, is_bad=True)
    else:
        for queue, title in (
            ("recognition", _("No worker recognises faces")),
            ("training", _("No worker trains")),
            ("maintenance", _("No worker takes care of sweeping, deliveries and retention")),
        ):
            if queue not in serving and (queue != "training" or _training_waits()):
                yield Problem(title=title, advice=start, is_bad=True)
    alive = {one.beat.node for one in vitals.processes if one.is_alive}
    for node in sorted({one.beat.node for one in vitals.processes} - alive):
        yield Problem(
            title=_("%(machine)s tells nothing of itself any more") % {"machine": node},
            advice=_("Its web and worker processes were alive a few minutes ago. Was it switched off?"),
        )


def _training_waits() -> bool:
    """Workers that train may be scaled to nothing: they are missed once a job waits longer than one takes to start."""
    return jobs.due().filter(created_at__lt=timezone.now() - TRAINER_STARTS).exists()


def _scheduler(vitals: Vitals) -> Iterator[Problem]:
    if vitals.ran is None:
        return
    swept = vitals.ran.get("sweep")
    if swept is None or swept > SWEEP_LATE:
        yield Problem(
            title=_("The scheduler is not running"),
            advice=_("Start it (manage.py start does, or celery beat): without it nothing that was left behind is "
                     "tried again, and silent cameras are not noticed."),
            is_bad=True,
        )  # fmt: skip
    retained = vitals.ran.get("retention")
    if retained is not None and retained > RETENTION_LATE:
        yield Problem(
            title=_("Old data has not been deleted for %(time)s") % {"time": _ago(retained)},
            advice=_("Retention runs every hour. A worker's log says what stops it."),
        )


def _queue(vitals: Vitals) -> Iterator[Problem]:
    queue = vitals.queue
    if queue is None:
        return
    if queue.waiting >= queue.room * NEARLY_FULL:
        yield Problem(
            title=_("The inbox is nearly full: %(count)s of %(room)s crops")
            % {"count": intcomma(queue.waiting), "room": intcomma(queue.room)},
            advice=_("When it is full, nodes keep their crops and send them later. Add workers."),
            is_bad=True,
        )
    if queue.age > WAITS_LONG:
        yield Problem(
            title=_("Crops wait for %(time)s") % {"time": _ago(queue.age)},
            advice=_("More comes in than the workers recognise. Add workers, or give them more cores."),
        )


def _storage(vitals: Vitals) -> Iterator[Problem]:
    if vitals.storage_fault:
        yield Problem(
            title=_("Storage cannot be reached"),
            advice=_("Loaded models go on serving; enrolment, training and erasure wait. Check STORAGE_URL and the "
                     "storage server."),
            is_bad=True,
        )  # fmt: skip
    disk = vitals.disk
    if disk and (disk.share_free < DISK_LOW or disk.free < DISK_LOW_BYTES):
        yield Problem(
            title=_("The disk has %(free)s left") % {"free": filesizeformat(disk.free)},
            advice=_(
                "Make room, or keep less: RETENTION_DAYS, KEEP_UNKNOWN_FACES. On a full disk no crop is accepted."
            ),
            is_bad=disk.share_free < DISK_OUT or disk.free < DISK_OUT_BYTES,
        )


def _model(vitals: Vitals) -> Iterator[Problem]:
    if vitals.pointer is None:
        return  # it was not read in time
    model = vitals.pointer.model
    if model and model.fault:
        yield Problem(
            title=_("The model in service cannot be loaded everywhere"),
            advice=model.fault,
            is_bad=True,
            page=reverse("admin:recognition_trainedmodel_changelist"),
            link=_("Models"),
            needs=Capability.ENROL,
        )
    if not model and Person.objects.exists():
        yield Problem(
            title=_("No model is trained, so everyone is unknown"),
            advice=_("People are enrolled. Train once, and they are named from then on."),
            page=reverse("admin:people_person_changelist"),
            link=_("Enrol and train"),
            needs=Capability.ENROL,
        )


def _given_up(vitals: Vitals) -> Iterator[Problem]:
    for letters, words in (
        (vitals.crops, lambda n: ngettext("%(n)s crop was given up", "%(n)s crops were given up", n)),
        (vitals.jobs, lambda n: ngettext("%(n)s training or import failed", "%(n)s trainings or imports failed", n)),
        (vitals.deliveries, lambda n: ngettext("%(n)s webhook was given up", "%(n)s webhooks were given up", n)),
    ):
        if letters and letters.count:
            yield Problem(
                title=words(letters.count) % {"n": letters.count},
                advice=_("See below why, and try again once the cause is gone."),
                page="#given-up",
                link=_("Given up"),
            )


def _servers(vitals: Vitals) -> Iterator[Problem]:
    for server in ExternalServer.objects.exclude(failures=0, disabled_reason=""):
        words = (
            _("It was switched off: %(reason)s") if server.disabled_reason else _("It failed %(count)s times in a row.")
        )
        yield Problem(
            title=_("%(server)s takes no webhooks") % {"server": server},
            advice=words % {"reason": server.disabled_reason, "count": server.failures},
            page=reverse("admin:detections_externalserver_change", args=[server.pk]),
            link=_("External server"),
            needs=Capability.ADMINISTER,
        )


_FINDERS: tuple[Callable[[Vitals], Iterator[Problem]], ...] = (
    _workers, _scheduler, _storage, _queue, _model, _given_up, _servers,
)  # fmt: skip


def _of_fleet(fleet: Fleet) -> Iterator[Problem]:
    for box in fleet.boxes:
        yield from _of_box(box)
    # Cameras of a node that is away itself go without saying.
    away = {one.camera.pk for box in fleet.boxes if box.state in {State.SILENT, State.REFUSED} for one in box.cameras}
    unwell = [
        one for one in fleet.cameras() if one.state in {State.SILENT, State.TROUBLE} and one.camera.pk not in away
    ]
    if len(unwell) > SINGLY:
        yield Problem(
            title=_("%(count)s cameras are silent or in trouble") % {"count": intcomma(len(unwell))},
            advice=_("Their nodes are heard. See what they have in common: a switch, a recorder, a password."),
            page=reverse("cameras-page"),
            link=_("Cameras"),
        )
        return
    for one in unwell:
        words = _("Camera %(camera)s is silent") if one.state == State.SILENT else _("Camera %(camera)s is in trouble")
        told = one.status.error if one.status else ""
        yield Problem(
            title=words % {"camera": one.camera},
            advice=told or _("Its node is heard. Is the camera on, and its stream's address right?"),
            page=reverse("camera-page", args=[one.camera.pk]),
            link=_("Camera"),
        )


def _of_box(box: Box) -> Iterator[Problem]:
    name = {"node": box.node.name}
    page = {"page": f"{reverse('cameras-page')}#node-{box.node.pk}", "link": _("Node")}
    if box.state == State.SILENT:
        yield Problem(
            title=_("Node %(node)s is silent") % name,
            advice=_("Is the box on, its network up, its service running? What it takes meanwhile waits on its disk."),
            is_bad=True,
            **page,
        )
    if box.state == State.REFUSED and box.heard_at:
        yield Problem(
            title=_("Node %(node)s has no live key") % name,
            advice=_("It cannot send: its key was revoked or has expired. Issue a new one."),
            is_bad=True,
            **page,
        )
    if box.key_ends_soon:
        yield Problem(
            title=_("The key of node %(node)s ends soon") % name,
            advice=_("Issue a second one, put it on the box, and let the first end."),
            **page,
        )
    if box.node.dropped:
        words = ngettext("Node %(node)s lost %(n)s crop", "Node %(node)s lost %(n)s crops", box.node.dropped)
        yield Problem(
            title=words % (name | {"n": intcomma(box.node.dropped)}),
            advice=_(
                "More waited than its spool holds, or its disk was full. A larger spool_mb outlasts a longer outage."
            ),
            **page,
        )
    if box.clock_is_off:
        yield Problem(
            title=_("The clock of node %(node)s is wrong") % name,
            advice=_(
                "Capture times are corrected by the server's clock, but the node's log is hard to read: switch NTP on."
            ),
            **page,
        )


def _ago(age: timedelta) -> str:
    now = timezone.now()
    return timesince(now - age, now, depth=1)
