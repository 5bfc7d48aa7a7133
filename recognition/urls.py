from django.urls import path

from recognition import api

urlpatterns = [
    path("jobs/<uuid:pk>", api.JobDetail.as_view(), name="job"),
    path("models", api.ModelList.as_view(), name="models"),
    path("models/<int:pk>", api.ModelDetail.as_view(), name="model"),
]
