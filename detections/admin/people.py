"""The list of people says where each was last seen: who searches it is on record."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from detections import searching
from detections.admin.flow import SEARCHES_NOTED
from detections.models import Search
from people.admin.person import PersonAdmin
from people.models import Person

admin.site.unregister(Person)


@admin.register(Person)
class SearchedPersonAdmin(PersonAdmin):
    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # Whoever looks for somebody types the name, and is on record.
        is_about_somebody = lookup.partition("__")[0] in {"pk", "id", "face_id"}
        return not is_about_somebody and super().lookup_allowed(lookup, value, request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Person], search_term: str
    ) -> tuple[QuerySet[Person], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if search_term.strip():
            searching.note(request.user, Search.Means.PERSON, found.values_list("pk", flat=True)[:SEARCHES_NOTED])
        return found, may_repeat
