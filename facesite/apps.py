from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.core.checks import register

from facesite.checks import check_metrics


class SiteConfig(AppConfig):
    name = "facesite"

    def ready(self) -> None:
        register(check_metrics)


class AdminConfig(DjangoAdminConfig):
    """The Django admin, open to the roles that may enrol or administer."""

    default_site = "access.admin_site.RoleAdminSite"
