"""Tries a new pack on faces, since a network may run well and still see nothing."""

import numpy as np

from recognition.engine.packs import Pack
from recognition.engine.pipeline import Pipeline
from recognition.packbuild.portraits import astronaut, hopper


def try_out(pack: Pack) -> None:
    """Raises ValueError unless the pack finds the faces of two portraits and tells them apart."""
    first = astronaut()
    try:
        found = Pipeline(pack).analyse([first, np.ascontiguousarray(first[:, ::-1]), hopper()])
    except Exception as error:
        raise ValueError(f"the detector does not run: {error}") from error
    if not all(found):
        raise ValueError("the detector finds no face in a portrait. Check that its file is of the kind that is named")
    one, mirrored, other = (faces[0].vector for faces in found)
    if not one @ mirrored > one @ other:
        raise ValueError("the network does not tell two people apart. Check mean, scale and channels")
