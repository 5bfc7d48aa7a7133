"""Signs models, and tells whether somebody who may train has signed one.

The database vouches for an artifact's bytes by their hash; the signature vouches for the row: whoever can write to the
database or to storage, but has no private key, cannot make any process load a model of their own.
"""

import base64
import binascii
import json
from functools import lru_cache
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from recognition.engine import artifact

Key = TypeVar("Key", Ed25519PrivateKey, Ed25519PublicKey)


class CannotSignError(Exception):
    """This process has no private key: it may load models, not publish any."""


def can_sign() -> bool:
    """Whether this process holds the private key."""
    return bool(settings.MODEL_SIGNING_KEY)


def require_key() -> None:
    """Raises CannotSignError if there is no private key here."""
    if not can_sign():
        raise CannotSignError(
            "This process may not publish models: MODEL_SIGNING_KEY is not set here. Training must run where it is."
        )


def sign(sha256: str, pack_id: str) -> str:
    """The signature (base64) of the model of that pack whose bytes hash to `sha256`.

    Raises:
        CannotSignError: there is no private key here.
    """
    require_key()
    key = _read_key(settings.MODEL_SIGNING_KEY, Ed25519PrivateKey)
    return base64.b64encode(key.sign(_statement(sha256, pack_id))).decode()


def is_signed(sha256: str, pack_id: str, signature: str) -> bool:
    """Whether one of the known keys has signed this model."""
    try:
        given = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return any(_verifies(key, given, _statement(sha256, pack_id)) for key in known_keys())


def known_keys() -> list[Ed25519PublicKey]:
    """Those whose models this process loads: its own, and the ones it was told.

    Raises:
        ImproperlyConfigured: one of them is no key.
    """
    keys = [_read_key(text, Ed25519PublicKey) for text in settings.MODEL_VERIFY_KEYS]
    if can_sign():
        keys.append(_read_key(settings.MODEL_SIGNING_KEY, Ed25519PrivateKey).public_key())
    return keys


def make_pair() -> tuple[str, str]:
    """A new private key and its public one, as the settings take them."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(key.private_bytes_raw()).decode(), base64.b64encode(public).decode()


def _statement(sha256: str, pack_id: str) -> bytes:
    facts = {"what": "facesite model", "format": artifact.FORMAT, "pack_id": pack_id, "sha256": sha256}
    return json.dumps(facts, sort_keys=True).encode()


def _verifies(key: Ed25519PublicKey, signature: bytes, statement: bytes) -> bool:
    try:
        key.verify(signature, statement)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=16)
def _read_key(text: str, kind: type[Key]) -> Key:
    """A key as base64 of its 32 bytes, as PEM, or as `file:///path` of either."""
    is_private = kind is Ed25519PrivateKey
    try:
        if text.startswith("file://"):
            text = Path(unquote(urlsplit(text).path)).read_text()
        if "-----BEGIN" in text:
            data = text.encode()
            key = load_pem_private_key(data, None) if is_private else load_pem_public_key(data)
        else:
            data = base64.b64decode(text.strip(), validate=True)
            key = kind.from_private_bytes(data) if is_private else kind.from_public_bytes(data)
    except (OSError, ValueError, TypeError) as error:
        # Without the text: it may be the private key.
        raise _unreadable(kind) from error
    if not isinstance(key, kind):
        raise _unreadable(kind)
    return key


def _unreadable(kind: type) -> ImproperlyConfigured:
    name = "MODEL_SIGNING_KEY" if kind is Ed25519PrivateKey else "MODEL_VERIFY_KEYS"
    return ImproperlyConfigured(
        f"{name} is no Ed25519 key: give 32 bytes in base64, PEM, or file:///path of such a file "
        "(manage.py models new-key makes a pair)."
    )
