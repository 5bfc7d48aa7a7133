"""JSON in a fifth of the time: the last-known locations of thousands of people are asked for at once."""

import orjson
from rest_framework import renderers
from rest_framework.utils.encoders import JSONEncoder

_ENCODER = JSONEncoder()


class JSONRenderer(renderers.JSONRenderer):
    """As Django REST framework's, written by orjson. Times in UTC end in Z."""

    def render(self, data: object, accepted_media_type: object = None, renderer_context: object = None) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, default=_ENCODER.default, option=orjson.OPT_UTC_Z)
