"""The description of the API: the same for everyone, so each process makes it once. To make it takes the time of many
requests, and strangers may ask for it.
"""

from functools import cache

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class SchemaView(SpectacularAPIView):
    """As YAML or JSON."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        renderer = request.accepted_renderer
        return HttpResponse(
            _rendered(type(renderer)),
            content_type=renderer.media_type,
            headers={"Content-Disposition": f'inline; filename="facesite.{renderer.format}"'},
        )


@cache
def _rendered(renderer: type[BaseRenderer]) -> bytes:
    return renderer().render(SchemaGenerator().get_schema(public=True), renderer_context={})
