"""The way in."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django_htmx.http import HttpResponseClientRefresh

LONGEST = {"username": User._meta.get_field("username").max_length, "password": 4096}  # noqa: SLF001


class LoginForm(AuthenticationForm):
    """Django's leaves it to browsers how long a name may be; what is tried is written down."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        for name, longest in LONGEST.items():
            self.fields[name].validators.append(MaxLengthValidator(longest))


@method_decorator(login_not_required, name="dispatch")
class Login(LoginView):
    template_name = "login.html"
    form_class = LoginForm
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.htmx:
            # The board came here because its session ended: the whole page must go to the login, not the board alone.
            return HttpResponseClientRefresh()
        return super().dispatch(request, *args, **kwargs)
