"""The site: settings, URL map, process entry points. The only layer that knows how it is deployed."""

from facesite.celery import app as celery_app

__all__ = ["celery_app"]
