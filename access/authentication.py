"""Authentication of programs: `Authorization: Bearer fs_<id>_<secret>`."""

import hmac

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from access.models import PREFIX, ApiKey, digest
from access.throttling import charge_wrong_key

REFUSED = "This API key is not known, was revoked, or has expired. Ask an administrator for a new one."


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the key by its public part and compares the hash of the whole in constant time."""

    def authenticate(self, request: Request) -> tuple[ApiKey, ApiKey] | None:
        scheme, _, token = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = token.strip()
        prefix, _, rest = token.partition("_")
        public_id, _, secret = rest.partition("_")
        if prefix != PREFIX or not secret:
            charge_wrong_key(request)
            raise AuthenticationFailed(REFUSED)
        # Asked for every request: building the query with the ORM takes longer than all the rest of this.
        found = ApiKey.objects.raw("SELECT * FROM access_apikey WHERE public_id = %s", [public_id[:16]])
        key = next(iter(found), None)
        if key is None or not key.is_live or not hmac.compare_digest(bytes(key.digest), digest(token)):
            charge_wrong_key(request)
            raise AuthenticationFailed(REFUSED)
        key.mark_used()
        return key, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = ApiKeyAuthentication
    name = "ApiKey"

    def get_security_definition(self, auto_schema: object) -> dict:
        return {"type": "http", "scheme": "bearer", "description": "An API key, made in the admin: `fs_…`."}
