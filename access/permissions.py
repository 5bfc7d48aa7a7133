"""The one permission class of the API: a view that names no capability is closed to everyone."""

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access.roles import Capability, capabilities_of


class HasCapability(BasePermission):
    """Allows a request whose principal has the view's `capability`.

    A view names one, several of which any will do, or a mapping by method.
    """

    message = "Your role or the scope of your API key does not allow this."

    def has_permission(self, request: Request, view: object) -> bool:
        needed = getattr(view, "capability", None)
        if isinstance(needed, dict):
            method = "GET" if request.method == "HEAD" else request.method
            if method not in needed:
                raise MethodNotAllowed(request.method)
            needed = needed[method]
        if isinstance(needed, Capability):
            needed = {needed}
        return bool(needed) and not capabilities_of(request.user).isdisjoint(needed)
