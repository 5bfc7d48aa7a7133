"""For HTML views: the same capabilities as in the API."""

from collections.abc import Callable
from functools import wraps

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from access.roles import Capability, capabilities_of

View = Callable[..., HttpResponseBase]


def requires(capability: Capability) -> Callable[[View], View]:
    """Decorate a view so that people without `capability` get a 403 (and those not logged in, the login page)."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if capability not in capabilities_of(request.user):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return checked

    return decorate
