"""An external server that takes what a site posts to it."""

from collections.abc import Iterator
from contextlib import contextmanager

from detections.models import ExternalServer
from tests.delivery.receiver import Receiver
from tests.faults.site import Site


@contextmanager
def receiving(site: Site) -> Iterator[Receiver]:
    receiver = Receiver()
    server = receiver.start()
    row = site.rows(ExternalServer).create(name=receiver.url, url=receiver.url)
    try:
        yield receiver
    finally:
        site.rows(ExternalServer).filter(pk=row.pk).delete()
        server.shutdown()
        server.server_close()
