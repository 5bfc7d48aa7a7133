"""The way in."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django_htmx.http import HttpResponseClientRefresh


@method_decorator(login_not_required, name="dispatch")
class Login(LoginView):
    template_name = "login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.htmx:
            # The board came here because its session ended: the whole page must go to the login, not the board alone.
            return HttpResponseClientRefresh()
        return super().dispatch(request, *args, **kwargs)
