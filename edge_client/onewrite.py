"""HTTP connections that send a request in one piece: its head apart costs a TLS record and a packet more."""

from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_END_OF_HEAD = b"\r\n\r\n"


class _OneWrite:
    """Before a connection's own class: holds the head back until the body comes, or the answer is waited for."""

    _head = b""

    def putrequest(self, *arguments: Any, **options: Any) -> None:
        self._head = b""  # of a request that failed half-way
        super().putrequest(*arguments, **options)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        if not self._head and data.endswith(_END_OF_HEAD):
            self._head = data
            return
        held, self._head = self._head, b""
        super().send(held + data)  # type: ignore[misc]

    def getresponse(self, *arguments: Any, **options: Any) -> Any:
        if self._head:
            self.send(b"")
        return super().getresponse(*arguments, **options)  # type: ignore[misc]


class _Plain(_OneWrite, HTTPConnection):
    pass


class _Secure(_OneWrite, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class OneWriteAdapter(HTTPAdapter):
    """For sessions of `requests` whose bodies are bytes."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
