"""The spool keeps crops through kill -9, full disks and damage, within its bound, and no trace of what it let go."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_client.bundle import Crop
from edge_client.clock import Stamp
from edge_client.spool import VERSION, Spool, SpoolError
from tests.edge.crops import crop

REPOSITORY = Path(__file__).resolve().parents[2]
STAMP = Stamp(1.5, 2.5, "boot")
PLENTY = 10**9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "crops.sqlite3"


@contextmanager
def opened(path: Path, max_bytes: int = PLENTY):
    spool = Spool(path, max_bytes)
    yield spool
    spool.close()


def waiting(spool: Spool) -> list[str]:
    return [one.id for one, _ in spool.oldest(10**6, PLENTY)]


def test_crop_comes_back_as_it_was(path):
    one = crop(image=os.urandom(3000))
    bare = crop(box=None, frame_size=None, confidence=None, track="", codec="avif")
    with opened(path) as spool:
        spool.add(one, STAMP)
        spool.add(bare, STAMP)
    with opened(path) as spool:
        found = spool.oldest(10, PLENTY)
    names = [name for name in dir(one) if not name.startswith("_")]
    assert [(vars_of(back, names), stamp) for back, stamp in found] == [
        (vars_of(one, names), STAMP), (vars_of(bare, names), STAMP),
    ]  # fmt: skip


def vars_of(one: object, names: list[str]) -> list[object]:
    return [getattr(one, name) for name in names]


def test_the_oldest_come_first_and_cameras_take_turns(path):
    flood = [crop(camera="gate") for _ in range(6)]
    few = [crop(camera="hall") for _ in range(2)]
    with opened(path) as spool:
        for one in flood + few:
            spool.add(one, STAMP)
        assert [one.id for one, _ in spool.oldest(4, PLENTY)] == [flood[0].id, few[0].id, flood[1].id, few[1].id]
        assert waiting(spool)[4:] == [one.id for one in flood[2:]]


def test_a_batch_keeps_to_its_bytes_but_holds_one_crop_at_least(path):
    with opened(path) as spool:
        for _ in range(5):
            spool.add(crop(image=bytes(1000)), STAMP)
        assert len(spool.oldest(10, 2500)) == 2
        assert len(spool.oldest(10, 10)) == 1


def test_what_is_removed_does_not_come_again(path):
    crops = [crop() for _ in range(4)]
    with opened(path) as spool:
        for one in crops:
            spool.add(one, STAMP)
        spool.remove([crops[0].id, crops[2].id, "never heard of"])
        assert len(spool) == 2
    with opened(path) as spool:
        assert waiting(spool) == [crops[1].id, crops[3].id]
        assert len(spool) == 2


def test_the_same_crop_twice_is_kept_once(path):
    one = crop()
    with opened(path) as spool:
        for _ in range(2):
            assert spool.add(one, STAMP) == 0
        assert (len(spool), waiting(spool)) == (1, [one.id])


def test_full_spool_lets_the_oldest_of_the_greediest_camera_go(path):
    quiet = [crop(camera="hall", image=bytes(3000)) for _ in range(3)]
    flood = [crop(camera="gate", image=bytes(3000)) for _ in range(200)]
    with opened(path, max_bytes=200_000) as spool:
        removed = sum(spool.add(one, STAMP) for one in quiet + flood)
        left = set(waiting(spool))
        assert removed == 203 - len(left) > 0
        assert {one.id for one in quiet} <= left
        assert [one.id in left for one in flood] == sorted(one.id in left for one in flood)
        assert spool.used_bytes <= 200_000
        assert len(left) * 3000 > 100_000  # most of the room holds images


def test_file_stays_within_its_bound_on_disk(path):
    with opened(path, max_bytes=300_000) as spool:
        for _ in range(600):
            spool.add(crop(image=os.urandom(3000)), STAMP)
        sizes = [file.stat().st_size for file in path.parent.iterdir()]
    assert sum(sizes) < 300_000 + 3_000_000


def test_a_crop_larger_than_the_spool_is_kept_alone(path):
    with opened(path, max_bytes=50_000) as spool:
        spool.add(crop(), STAMP)
        large = crop(image=bytes(100_000))
        assert spool.add(large, STAMP) == 1
        assert waiting(spool) == [large.id]


def test_room_that_was_freed_goes_back_to_the_disk_and_no_face_remains_in_it(path):
    marked = b"\xff\xd8\xff" + b"this is somebody's face" * 100
    with opened(path) as spool:
        for _ in range(300):
            spool.add(crop(image=marked), STAMP)
        spool.remove(waiting(spool))
        spool.tidy()
        assert sum(file.stat().st_size for file in path.parent.iterdir()) < 100_000
        assert not any(b"somebody's face" in file.read_bytes() for file in path.parent.iterdir())


def test_no_other_account_may_read_the_faces(path):
    with opened(path) as spool:
        spool.add(crop(), STAMP)
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_second_process_on_the_same_file_is_refused(path):
    with opened(path):
        program = f"from pathlib import Path; from edge_client.spool import Spool; Spool(Path({str(path)!r}))"
        other = subprocess.run(
            [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert f"{path} is in use: does another node run? Give each its own spool" in other.stderr
    with opened(path):
        pass


def test_file_of_a_newer_version_is_left_alone(path):
    with opened(path) as spool:
        spool.add(crop(), STAMP)
    with sqlite3.connect(path) as file:
        file.execute(f"PRAGMA user_version = {VERSION + 1}")
    file.close()
    with pytest.raises(SpoolError, match="made by a newer version"):
        Spool(path)
    assert path.exists()
    assert not path.with_name("crops.sqlite3.damaged").exists()


def test_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SpoolError, match=r"cannot keep crops in .*/file/crops"):
        Spool(tmp_path / "file" / "crops.sqlite3")


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=1, max_size=3000), st.integers(0, 12_000))
def test_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path_factory, noise, where):
    path = tmp_path_factory.mktemp("damage") / "crops.sqlite3"
    with opened(path) as spool:
        for _ in range(20):
            spool.add(crop(), STAMP)
    content = bytearray(path.read_bytes())
    content[where : where + len(noise)] = noise
    path.write_bytes(content)
    with suppress(SpoolError), opened(path) as spool:  # the noise may happen to look like a newer version
        waiting(spool)
        one = crop()
        spool.add(one, STAMP)
        assert one.id in waiting(spool)
        spool.remove(waiting(spool))
        assert len(spool) == 0


@pytest.mark.parametrize(
    ("sound", "damaged"),
    [(b"circumstances TEXT", b"circumstancea TEXT"), (b"image BLOB", b"im\xffge BLOB")],
)
def test_damage_that_sqlite_does_not_see_is_found(path, sound, damaged):
    with opened(path) as spool:
        spool.add(crop(), STAMP)
    content = path.read_bytes()
    assert sound in content
    path.write_bytes(content.replace(sound, damaged))
    with opened(path) as spool:
        assert waiting(spool) == []
        spool.add(one := crop(), STAMP)
        assert waiting(spool) == [one.id]
    assert path.with_name("crops.sqlite3.damaged").exists()


@pytest.mark.parametrize(
    ("sound", "damaged"),
    [(b'"stamp"', b'"stamp?'), (b'"steady"', b'"rteady"'), (b'"box": [', b'"box": {'), (None, b"?")],
)
def test_damaged_crop_goes_alone(path, sound, damaged, caplog):
    one, other = crop(), crop(camera="other")
    with opened(path) as spool:
        for each in (one, other):
            spool.add(each, STAMP)
    with closing(sqlite3.connect(path)) as database, database:
        if sound is None:
            database.execute("UPDATE crop SET id = ? WHERE camera = ?", [damaged.decode(), one.camera])
        else:
            replaced = "UPDATE crop SET circumstances = replace(circumstances, ?, ?) WHERE camera = ?"
            database.execute(replaced, [sound.decode(), damaged.decode(), one.camera])
    with opened(path) as spool:
        assert waiting(spool) == [other.id]
        assert len(spool) == 1
        spool.remove([other.id])
        assert len(spool) == 0
    assert "is damaged and dropped" in caplog.text
    assert not path.with_name("crops.sqlite3.damaged").exists()


def test_damaged_crop_that_a_full_disk_keeps_holds_up_nobody(path):
    with opened(path) as spool:
        for each in (crop(), other := crop(camera="other")):
            spool.add(each, STAMP)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE crop SET circumstances = '' WHERE camera != 'other'")
    with opened(path) as spool:
        spool._db.execute("PRAGMA query_only = ON")
        assert (waiting(spool), len(spool)) == ([other.id], 1)
        spool._db.execute("PRAGMA query_only = OFF")
        spool.remove([other.id])
        assert (waiting(spool), len(spool)) == ([], 0)


def test_file_that_is_no_spool_is_set_aside_with_a_word(path, caplog):
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 1000)
    with opened(path) as spool:
        spool.add(crop(), STAMP)
        assert len(spool) == 1
    assert path.with_name("crops.sqlite3.damaged").read_bytes().startswith(b"not a database")
    assert "crops.sqlite3 is damaged" in caplog.text


def test_file_that_lost_its_end_is_set_aside_when_that_shows(path):
    with opened(path) as spool:
        for _ in range(100):
            spool.add(crop(image=bytes(3000)), STAMP)
    os.truncate(path, 20_000)
    with opened(path) as spool:
        waiting(spool)
        one = crop()
        spool.add(one, STAMP)
        assert waiting(spool)[-1] == one.id


def test_damage_while_the_disk_is_full_ends_with_the_full_disk(path, monkeypatch):
    def full(_: Spool) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    with opened(path) as spool:
        for _ in range(100):
            spool.add(delivered := crop(image=bytes(3000)), STAMP)
        spool.tidy()
        spool._db.execute("PRAGMA shrink_memory")
        os.truncate(path, 20_000)
        with monkeypatch.context() as patched:
            patched.setattr(Spool, "_prepare", full)
            for _ in range(2):
                with pytest.raises(SpoolError, match="disk is full"):
                    spool.add(crop(), STAMP)
            spool.remove([delivered.id])
            assert len(spool) == 0
        one = crop()
        spool.add(one, STAMP)
        assert (waiting(spool), len(spool)) == ([one.id], 1)
    assert path.with_name("crops.sqlite3.damaged").stat().st_size == 20_000


FILL = """
import sys
from pathlib import Path
from edge_client.clock import Stamp
from edge_client.spool import Spool
from tests.edge.crops import crop
spool = Spool(Path(sys.argv[1]))
while True:
    one = crop(image=bytes(2500))
    spool.add(one, Stamp(0, 0, ""))
    print(one.id, flush=True)
"""


@pytest.mark.parametrize("moment", [0.05, 0.2])
def test_nothing_that_was_added_is_lost_to_kill_9(path, moment):
    writer = subprocess.Popen([sys.executable, "-c", FILL, path], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    first = writer.stdout.readline()
    time.sleep(moment)
    writer.kill()
    added = [line.strip() for line in [first, *writer.stdout] if line.endswith("\n")]
    writer.wait()
    with opened(path) as spool:
        kept = waiting(spool)
        assert kept[: len(added)] == added
        assert len(kept) <= len(added) + 1
        assert spool._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_full_disk_refuses_the_crop_harms_nothing_and_goes_on_when_there_is_room(path):
    with opened(path) as spool:
        first = crop(image=bytes(3000))
        spool.add(first, STAMP)
        (pages,) = spool._db.execute("PRAGMA page_count").fetchone()
        spool._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            spool.add(crop(image=bytes(30_000)), STAMP)
        assert waiting(spool) == [first.id]
        assert len(spool) == 1
        spool._db.execute(f"PRAGMA max_page_count = {pages + 100}")
        spool.add(crop(image=bytes(30_000)), STAMP)
        assert len(spool) == 2
        assert spool._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(file: BinaryIO) -> None:
    while file.write(bytes(1000)):
        pass


def add_until_full(spool: Spool) -> list[Crop]:
    added = []
    while True:
        one = crop(image=os.urandom(3000))
        try:
            spool.add(one, STAMP)
        except sqlite3.OperationalError as error:
            assert "full" in str(error)  # noqa: PT017
            return added
        added.append(one)


def test_disk_that_is_really_full(small_disk):
    path = small_disk / "crops.sqlite3"
    with opened(path) as spool:
        kept = [crop(image=os.urandom(3000)) for _ in range(5)]
        for one in kept:
            spool.add(one, STAMP)
        other = small_disk / "other"
        with other.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            fill(file)
        kept += add_until_full(spool)
        assert waiting(spool) == [one.id for one in kept]
        spool.remove([kept[0].id])  # it may not be possible to delete it now, but it is not given again
        assert waiting(spool) == [one.id for one in kept[1:]]
        assert len(spool) == len(kept) - 1
        other.unlink()
        spool.add(last := crop(image=os.urandom(3000)), STAMP)
        spool.remove([kept[1].id])
    with opened(path) as spool:
        assert waiting(spool) == [one.id for one in [*kept[2:], last]]
        assert spool._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
