"""The ways from every page to the others: an entry is shown to whoever may open it, once its page exists."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from access.roles import Capability, capabilities_of


@dataclass(frozen=True)
class Entry:
    """`page` is the name of a URL; everything below that URL belongs to the entry too, and below those of `others`."""

    label: str | Promise
    page: str
    icon: str
    capability: Capability = Capability.READ
    others: tuple[str, ...] = ()


ENTRIES = (
    Entry(_("Where"), "dashboard", "map-pin", others=("plans-page", "map-page")),
    Entry(_("Detections"), "detections-page", "scan-face", others=("tracks-page",)),
    Entry(_("People"), "people-page", "users"),
    Entry(_("Cameras"), "cameras-page", "cctv"),
    Entry(_("Model"), "model-page", "brain"),
    Entry(_("Health"), "health-page", "activity"),
    Entry(_("Enrol"), "admin:people_person_add", "user-plus", Capability.ENROL, others=("admin:index",)),
)


def navigation(request: HttpRequest) -> dict:
    """For templates: the entries that this visitor sees, each with its address and whether this page is in it."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    allowed = capabilities_of(user)
    shown = []
    for entry in ENTRIES:
        address = _address(entry.page) if entry.capability in allowed else None
        if address:
            below = [one for one in (address, *map(_address, entry.others)) if one and one != "/"]
            is_here = request.path == address or request.path.startswith(tuple(below))
            shown.append({"entry": entry, "address": address, "is_here": is_here})
    return {"navigation": shown}


def _address(page: str) -> str | None:
    try:
        return reverse(page)
    except NoReverseMatch:
        return None
