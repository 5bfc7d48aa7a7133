"""JSON in a fifth of the time: the last-known locations of thousands of people are asked for at once."""

import json

import orjson
from rest_framework import renderers
from rest_framework.utils.encoders import JSONEncoder

_ENCODER = JSONEncoder()


class JSONRenderer(renderers.JSONRenderer):
    """As Django REST framework's, written by orjson. Times in UTC end in Z."""

    def render(self, data: object, accepted_media_type: object = None, renderer_context: object = None) -> bytes:
        if data is None:
            return b""
        try:
            return orjson.dumps(data, default=_ENCODER.default, option=orjson.OPT_UTC_Z)
        except orjson.JSONEncodeError:
            # Half a surrogate pair that somebody has sent, quoted in an error: no UTF-8, but it can be escaped.
            return json.dumps(data, default=_ENCODER.default).encode()
