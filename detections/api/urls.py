from django.urls import path

from detections.api import asking, browsing, debugging, edge, sending

urlpatterns = [
    path("face-recognition/get-results", asking.GetResults.as_view(), name="get-results"),
    path("face-recognition/store-results", sending.StoreResults.as_view(), name="store-results"),
    path("face-recognition/send-results", sending.SendResults.as_view(), name="send-results"),
    path("face-recognition/dry-run", sending.DryRun.as_view(), name="dry-run"),
    path("database/people", asking.DatabasePeople.as_view(), name="database-people"),
    path("database/<str:face_id>/last-known-location", asking.LastKnownLocation.as_view(), name="last-known-location"),
    path("detections", browsing.DetectionList.as_view(), name="detections"),
    path("detections/<uuid:pk>", browsing.DetectionDetail.as_view(), name="detection"),
    path("tracks", browsing.TrackList.as_view(), name="tracks"),
    path("cameras", browsing.CameraList.as_view(), name="cameras"),
    path("locations", browsing.LocationList.as_view(), name="locations"),
    path("edge/node", edge.Node.as_view(), name="edge-node"),
    # The same in fewer bytes.
    path("edge/crops", sending.StoreResults.as_view(), name="edge-crops"),
    path("edge/heartbeat", edge.Heartbeat.as_view(), name="edge-heartbeat"),
    path("debug/ip", debugging.DebugIp.as_view(), name="debug-ip"),
    path("debug/node-name", debugging.DebugNodeName.as_view(), name="debug-node-name"),
]
