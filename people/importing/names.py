"""Which person each file of a zip or folder is meant for. Paths are only ever read, never followed."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from people.models import one_spelling, validate_face_id

MAX_PATH = 400
MAX_NAME = 100
IMAGES = {".jpg", ".jpeg", ".png", ".webp", ".avif"}
# What systems put beside people's files without being asked.
LITTER = {"thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Place:
    """Of a file: how its path is shown, the face id that its folder stands for, and why it cannot be used (empty: it
    can). `person` is empty where there is none; it may be there although the file cannot be used.
    """

    path: str
    person: str
    problem: str = ""


def is_litter(path: str) -> bool:
    """Folders, and files that no person has put there."""
    *folders, name = _parts(path) or [""]
    return path.endswith(("/", "\\")) or "__MACOSX" in folders or name.startswith(".") or name.lower() in LITTER


def places(paths: Sequence[str]) -> list[Place]:
    """Where each of these files belongs; all are looked at together, since two names may be too much alike."""
    common = _common_folder(paths)
    found, seen, spellings = [], set(), {}
    for path in paths:
        place = _place(path, common)
        if path in seen and not place.problem:
            place = Place(place.path, place.person, _("There are two files of this name. Only the first is taken."))
        seen.add(path)
        if place.person:
            spellings.setdefault(place.person.casefold(), set()).add(_folder(path, common))
        found.append(place)
    return [_refuse_clash(place, spellings) for place in found]


def shown(path: str) -> str:
    """For people to read: what cannot be seen, or would turn the line around, stands as its number."""
    visible = "".join(letter if _is_visible(letter) else f"\\u{ord(letter):04x}" for letter in path)
    return visible if len(visible) <= MAX_PATH else f"{visible[: MAX_PATH - 1]}…"


def _place(path: str, common: str) -> Place:
    parts = _parts(path)[1 if common else 0 :]
    person, problem = "", _leads_elsewhere(path)
    if not problem:
        person, problem = _person_of(parts)
    if not problem and not all(_is_visible(letter) for letter in path):
        problem = _("Its name has control or invisible characters.")
    if not problem and len(parts) > 2:
        problem = _("It lies in a folder within the person’s folder. Put it directly into that.")
    return Place(shown(path), person, problem)


def _leads_elsewhere(path: str) -> str:
    """Why this is no plain path within the folder; empty if it is."""
    parts = _parts(path)
    if len(path) > MAX_PATH:
        return _("Its name is longer than %(most)s characters.") % {"most": MAX_PATH}
    if path.startswith(("/", "\\")) or parts[0].endswith(":"):
        return _("It names a place on a disk. Only name/photo.jpg inside the folder is taken.")
    if not {"..", ".", ""}.isdisjoint(parts):
        return _("Its name points out of the folder. Only name/photo.jpg inside it is taken.")
    return ""


def _person_of(parts: Sequence[str]) -> tuple[str, str]:
    """The face id, and why there is none."""
    if len(parts) < 2:
        return "", _("It lies in no person’s folder. Put it into a folder that has the person’s name.")
    person = one_spelling(parts[0])
    if len(person) > MAX_NAME:
        return "", _("Its folder’s name is longer than the %(most)s characters of a face id.") % {"most": MAX_NAME}
    try:
        validate_face_id(person)
    except ValidationError as error:
        return "", error.messages[0]
    return person, ""


def _refuse_clash(place: Place, spellings: dict[str, set[str]]) -> Place:
    names = spellings.get(place.person.casefold(), set())
    if place.problem or len(names) < 2:
        return place
    listed = ", ".join(f"“{shown(name)}”" for name in sorted(names))
    words = _("%(n)s folders stand for one name: %(names)s. Rename those of other people, or put them together.")
    problem = words % {"n": len(names), "names": listed}
    return Place(place.path, place.person, problem[:300])


def _common_folder(paths: Sequence[str]) -> str:
    """The folder around all of them, as when somebody has zipped the whole; empty if there is none, or if it is a
    person's.
    """
    first = {parts[0] for parts in map(_parts, paths) if parts}
    is_persons = any(len(_parts(path)) == 2 and PurePosixPath(path).suffix.lower() in IMAGES for path in paths)
    is_deep = any(len(_parts(path)) > 2 for path in paths)
    return first.pop() if len(first) == 1 and is_deep and not is_persons else ""


def _folder(path: str, common: str) -> str:
    return _parts(path)[1 if common else 0]


def _parts(path: str) -> list[str]:
    # Some zip programs write the separators of Windows.
    return path.replace("\\", "/").removesuffix("/").split("/")


def _is_visible(letter: str) -> bool:
    return not unicodedata.category(letter).startswith(("C", "Zl", "Zp"))
