"""A zip is judged before anything of it is unpacked, and what is unpacked stays within the limits."""

import io
import struct
import zipfile

import pytest

from people.importing.archives import ArchiveError, Entry, entries


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def read(data: bytes) -> list[Entry]:
    return entries(io.BytesIO(data), len(data))


def patched(data: bytes, mark: bytes, offset: int, value: bytes) -> bytes:
    """With other bytes at an offset from the last place of a mark."""
    at = data.rindex(mark) + offset
    return data[:at] + value + data[at + len(value) :]


def test_files_come_out_as_they_went_in() -> None:
    found = read(zipped({"Ada/": b"", "Ada/1.jpg": b"one", "Ada/2.jpg": b""}, zipfile.ZIP_DEFLATED))
    assert [(one.path, one.problem, one.unpack()) for one in found] == [
        ("Ada/1.jpg", "", b"one"),
        ("Ada/2.jpg", "", b""),
    ]


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04" + bytes(100), zipped({"Ada/1.jpg": b"x"})[:-10]])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(ArchiveError, match="no zip, or a damaged one"):
        read(data)


def test_a_zip_of_nothing_is_refused() -> None:
    with pytest.raises(ArchiveError, match="no files"):
        read(zipped({"Ada/": b""}))


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = zipped({f"Ada/{number}.jpg": bytes(11 * 2**20) for number in range(3)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    with pytest.raises(ArchiveError, match="Photos do not shrink like that"):
        read(bomb)


def test_a_size_that_is_a_lie_unpacks_no_more_than_it_claims() -> None:
    bomb = zipped({"Ada/1.jpg": bytes(30 * 2**20)}, zipfile.ZIP_DEFLATED)
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        bomb = patched(bomb, mark, offset, struct.pack("<L", 1000))
    (entry,) = read(bomb)
    with pytest.raises(ArchiveError, match="damaged inside the zip"):
        entry.unpack()


def test_too_many_files_are_refused_before_they_are_listed(settings: object) -> None:
    settings.MAX_IMPORT_PHOTOS = 5
    with pytest.raises(ArchiveError, match="6 files in this zip; 5 are taken"):
        read(zipped({f"Ada/{number}": b"x" for number in range(6)}))
    with pytest.raises(ArchiveError, match=r"1,100 files in this zip"):
        read(zipped({f"Ada/{number}/": b"" for number in range(1100)}))


def test_one_file_that_cannot_be_unpacked_costs_the_others_nothing(settings: object) -> None:
    settings.MAX_IMAGE_BYTES = 1000
    good = zipped({"Ada/1.jpg": b"one", "Ada/2.jpg": b"two"})
    locked = patched(good, b"PK\x01\x02", 8, b"\x01\x00")
    odd = patched(good, b"PK\x01\x02", 10, struct.pack("<H", 99))
    large = zipped({"Ada/1.jpg": b"one", "Ada/2.jpg": bytes(1001)})
    for data, problem in ((locked, "password"), (odd, "not understood"), (large, "larger than")):
        first, second = read(data)
        assert first.unpack() == b"one"
        assert problem in second.problem
    first, second = read(good.replace(b"two", b"owt", 1))
    assert first.unpack() == b"one"
    with pytest.raises(ArchiveError, match="damaged inside"):
        second.unpack()


def test_a_name_that_is_no_text_inside_is_damage() -> None:
    data = zipped({"Zo\u00eb/1.jpg": b"x"})
    (entry,) = read(data.replace("Zo\u00eb".encode(), b"Zo\xff\xff", 1))  # in the file's own header alone
    with pytest.raises(ArchiveError, match="damaged inside"):
        entry.unpack()


def test_names_in_utf8_that_do_not_say_so_are_read_all_the_same() -> None:
    # As the archiver of macOS writes them.
    data = zipped({"Jose\u0301/1.jpg": b"x"})
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data = patched(data, mark, offset, b"\x00\x00")
    assert [one.path for one in read(data)] == ["Jose\u0301/1.jpg"]


def test_what_follows_a_zero_byte_counts() -> None:
    data = zipped({"Ada/1.jpgX../x": b"x"}).replace(b"Ada/1.jpgX", b"Ada/1.jpg\0")
    assert [one.path for one in read(data)] == ["Ada/1.jpg\0../x"]
