"""Two ways to page: by number for short lists, by cursor for histories that grow for ever."""

from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.request import Request


class Pages(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


class History(CursorPagination):
    """Newest first, without counting millions of rows."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
    ordering = ("-captured_at", "-pk")

    def paginate_queryset(self, queryset: QuerySet, request: Request, view: object = None) -> list:
        try:
            return super().paginate_queryset(queryset, request, view)
        except ValidationError as error:  # a cursor that is none of ours may hold anything in place of a date
            raise NotFound(self.invalid_cursor_message) from error


class AtLeast(int):
    """A count that stopped before the end."""

    def __str__(self) -> str:
        return f"{int(self)} or more"


class FirstPages(Paginator):
    """For the admin, which counts: stops counting in time, and shows no page beyond."""

    COUNTED = 10_000

    @cached_property
    def count(self) -> int:
        found = self.object_list.order_by()[: self.COUNTED].count()
        return found if found < self.COUNTED else AtLeast(found)
