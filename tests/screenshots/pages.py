"""The pages that are shown, and checked in every variant."""

PAGES = {
    "where": "/",
    "cards": "/?view=cards",
    "plan": "/plans/1/",
    "plan-edit": "/plans/1/edit/",
    "map": "/map/",
    "people": "/people/",
    "person": "/people/00000000-0000-0000-0000-000000000100/",
    "detections": "/detections/",
    "tracks": "/tracks/",
    "photo-search": "/detections/photo/",
    "model": "/model/",
    "enrol": "/admin/people/person/00000000-0000-0000-0000-000000000001/change/",
    "import": "/admin/people/import/add/",
    "cameras": "/cameras/",
    "camera": "/cameras/entrance-inside/",
    "add-node": "/cameras/nodes/add/",
    "health": "/health/",
}
