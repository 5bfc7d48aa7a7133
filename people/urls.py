from django.urls import path

from people import api

urlpatterns = [
    path("dataset", api.Dataset.as_view(), name="dataset"),
    path("dataset/<str:face_id>", api.DatasetPerson.as_view(), name="dataset-person"),
    path("dataset/<str:face_id>/image", api.DatasetImage.as_view(), name="dataset-image"),
    path("model/generate-emb", api.GenerateEmbeddings.as_view(), name="generate-emb"),
    path("model/optimized-train", api.OptimizedTrain.as_view(), name="optimized-train"),
    path("model/train", api.Train.as_view(), name="train"),
    path("debug/unblock-dataset", api.UnblockDataset.as_view(), name="unblock-dataset"),
]
