from django.contrib.auth.views import LogoutView
from django.urls import path

from detections import views

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("detections/", views.detections_page, name="detections-page"),
    path("faces/<uuid:pk>.jpg", views.face_image, name="face-image"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
