from django.contrib.auth.views import LogoutView
from django.urls import path

from detections import views
from detections.pages import cameras, health, model

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("detections/", views.detections_page, name="detections-page"),
    path("cameras/", cameras.cameras_page, name="cameras-page"),
    path("cameras/nodes/add/", cameras.add_node, name="node-add"),
    path("cameras/nodes/<int:node>/key/", cameras.issue_key, name="node-key"),
    path("cameras/<slug:pk>/", cameras.camera_page, name="camera-page"),
    path("model/", model.model_page, name="model-page"),
    path("model/effect/", model.effect, name="model-effect"),
    path("model/progress/", model.progress, name="model-progress"),
    path("model/train/", model.train, name="model-train"),
    path("model/rate/", model.choose_rate, name="model-rate"),
    path("model/<int:number>/serve/", model.serve, name="model-serve"),
    path("health/", health.health_page, name="health-page"),
    path("health/again/", health.try_again, name="health-again"),
    path("faces/<uuid:pk>.jpg", views.face_image, name="face-image"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
