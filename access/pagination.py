"""Two ways to page: by number for short lists, by cursor for histories that grow for ever."""

from datetime import UTC, datetime

from django.core.paginator import Paginator
from django.utils.functional import cached_property
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination, PageNumberPagination
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
    offset_cutoff = 100_000  # sightings of one moment: of files that were unpacked together, more than Django's 1,000

    def decode_cursor(self, request: Request) -> Cursor | None:
        cursor = super().decode_cursor(request)
        if cursor is None or cursor.position is None:
            return cursor
        try:
            return cursor._replace(position=str(datetime.fromisoformat(cursor.position).astimezone(UTC)))
        except (ValueError, OverflowError) as error:  # one that is none of ours may hold anything in place of a time
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
