"""What wakes the sweepers by the clock: `celery -A facesite.scheduler beat`.

It only sends names of tasks. So it does not load what they are made of, and starts in a fraction of the time.
"""

from celery import Celery

from facesite import settings

app = Celery("facesite", fixups=[])
app.add_defaults(settings.CELERY)
