from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.core.checks import register

from facesite.checks import check_watching


class SiteConfig(AppConfig):
    name = "facesite"

    def ready(self) -> None:
        register(check_watching)


class AdminConfig(DjangoAdminConfig):
    """The Django admin, open to the roles that may enrol or administer."""

    default_site = "access.admin_site.RoleAdminSite"
