from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class SiteConfig(AppConfig):
    name = "facesite"


class AdminConfig(DjangoAdminConfig):
    """The Django admin, open to the roles that may enrol or administer."""

    default_site = "access.admin_site.RoleAdminSite"
