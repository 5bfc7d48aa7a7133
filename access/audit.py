"""The audit log: who changed what, and when. Of people it holds opaque ids alone, so that erasure can clear it."""

from collections.abc import Callable, Collection, Iterable
from functools import wraps

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase

from access.models import ApiKey, AuditEntry

Principal = User | AnonymousUser | ApiKey | None
Outcome = HttpResponseBase | Collection[object] | None
# An action on more rows than this is noted once, with their number.
NOTED_SINGLY = 100


def name_of(actor: Principal) -> str:
    """How the log calls whoever acted; it outlives the account or key. None: the system itself, or a command."""
    if isinstance(actor, ApiKey):
        return f"key {actor}"
    return actor.get_username() if actor else "system"


def note(actor: Principal, action: str, kind: str, subjects: Iterable[object] = ("",), **details: object) -> None:
    """Write down that `actor` did `action` to the things of that kind with these ids. In the transaction that did it,
    where there is one: then what holds is on record, and what is on record holds.
    """
    AuditEntry.objects.bulk_create(
        AuditEntry(actor=name_of(actor), action=action, kind=kind, subject=str(subject), details=details)
        for subject in subjects
    )


def kind_of(model: type[Model] | Model) -> str:
    return str(model._meta.verbose_name)  # noqa: SLF001


def noted(name: str, action: Callable[..., Outcome]) -> Callable[..., HttpResponseBase | None]:
    """An action of the admin that notes the rows it was done to: those that it returns (their primary keys), all if it
    returns none; with a page that asks again it is not done yet.
    """

    @wraps(action)
    def do(model_admin: object, request: HttpRequest, queryset: QuerySet) -> HttpResponseBase | None:
        chosen = list(queryset.values_list("pk", flat=True))
        outcome = action(model_admin, request, queryset)
        if isinstance(outcome, HttpResponseBase):
            return outcome
        subjects = chosen if outcome is None else outcome
        many = {"count": len(subjects)} if len(subjects) > NOTED_SINGLY else {}
        note(request.user, name, kind_of(queryset.model), ("",) if many else subjects, **many)
        return None

    return do
