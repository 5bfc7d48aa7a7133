"""A node's file of settings is read whole or refused with the place and the reason; who states what, decides."""

from pathlib import Path

import pytest

from edge_client.config import KEY_VARIABLE, STATUS_PORT, load
from edge_client.roster import roster
from edge_client.server import NodeSettings, RefusedError, RemoteCamera
from edge_client.settings import CameraSettings, ConfigError

HEAD = 'server = "https://faces.example.org/"\nkey_file = "edge.key"\n'


@pytest.fixture
def written(tmp_path, key_file):
    def write(text: str, *, head: str = HEAD) -> Path:
        path = tmp_path / "edge.toml"
        path.write_text(head + text)
        return path

    return write


def remote(name: str, *, source: str = "rtsp://camera/1", active: bool = True, **settings: object) -> RemoteCamera:
    return RemoteCamera(id=name, name=name, is_active=active, video_source=source, settings=settings)


def told(*cameras: RemoteCamera) -> NodeSettings:
    return NodeSettings("node", "1", cameras)


def test_whole_file_is_read(written, video, tmp_path):
    config = load(
        written(f"""
            status_port = 0
            spool = "crops.sqlite3"
            spool_mb = 64
            [detectors.yunet]
            models = "https://models.example/yunet.onnx"
            sha256 = "{"ab" * 32}"
            [defaults]
            target_fps = 6
            [cameras.entrance]
            source = "rtsp://user:secret@10.0.0.7/1"
            min_size = 30
            detector = "yunet"
            [cameras.gate-2]
            source = "{video.name}"
            loop = true
            motion = false
            [cameras.desk]
            source = "0"
        """)
    )
    assert (config.server, config.key, config.status_port) == ("https://faces.example.org", "edge-test-key", None)
    assert (config.spool.path, config.spool.max_bytes) == (tmp_path / "crops.sqlite3", 64_000_000)
    entrance, gate, desk = roster(config, None)
    assert entrance.source == "rtsp://user:secret@10.0.0.7/1"
    assert entrance.settings == CameraSettings(target_fps=6.0, min_size=30.0, detector="yunet")
    assert (gate.source, gate.realtime, gate.loop, gate.settings.motion) == (video, True, True, False)
    assert (desk.source, desk.is_live) == (0, True)
    assert "edge-test-key" not in repr(config)


def test_short_file_is_enough(written):
    config = load(written(""))
    assert (config.cameras, config.status_port) == ({}, STATUS_PORT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("servr = 1", "there is no servr; there are cameras, defaults"),
        ("[cameras.a]\nmin_sise = 3", "cameras.a: there is no min_sise"),
        ("[cameras.a]\nmin_size = 3", "cameras.a: min_size must be a number of at least 12"),
        ("[cameras.a]\nmin_size = nan", "cameras.a: min_size must be a number"),
        ("[cameras.a]\nskip_frames = 1.5", "cameras.a: skip_frames must be a whole number"),
        ("[cameras.a]\nmotion = 1", "cameras.a: motion must be true or false"),
        ("[cameras.a]\ncodec = 'png'", "cameras.a: codec must be one of jpeg, webp, avif"),
        ("[cameras.a]\nsource = 'missing.mp4'", "there is no file"),
        ("[cameras.a]\nsource = 0", "cameras.a: source must be text"),
        ("[cameras.a]\nloop = 'yes'", "cameras.a: loop must be true or false"),
        ("[cameras]\na = 1", "cameras.a: this must be a table"),
        ("cameras = 1", "cameras must be a table"),
        ("[defaults]\nmin_confidence = 90", "defaults: min_confidence must be a number from 0 to 1"),
        ("[defaults]\nmin_size = true", "defaults: min_size must be a number"),
        ("[detectors.other]\nmodels = 'x'", "there is no detector other"),
        ("[detectors.yunet]", "detectors.yunet: models is missing"),
        ("spool_mb = -1", "spool_mb must be a whole number from 0"),
        ("status_port = true", "status_port must be a whole number"),
        ("status_port = 70000", "status_port must be a whole number from 0 to 65535"),
        ("a = = 1", "cannot read"),
    ],
)
def test_mistake_is_named_with_its_place(written, text, message):
    with pytest.raises(ConfigError) as caught:
        load(written(text))
    assert message in str(caught.value)


@pytest.mark.parametrize("head", ['server = "faces"\nkey_file = "edge.key"\n', 'key_file = "edge.key"\n', "\xff"])
def test_file_without_a_server_is_refused(written, head):
    with pytest.raises(ConfigError):
        load(written("", head=head))


def test_missing_file_and_missing_key_are_named(tmp_path, written, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match="cannot read"):
        load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="no API key"):
        load(written("", head='server = "https://faces.example.org"\n'))


def test_what_the_file_states_decides_then_its_defaults_then_the_server(written):
    config = load(written("[defaults]\nmin_size = 50\n[cameras.a]\ncodec = 'webp'\n"))
    (camera,) = roster(config, told(remote("a", codec="avif", min_size=70, target_fps=4, unknown=1, max_size=None)))
    assert camera.source == "rtsp://camera/1"
    assert camera.settings == CameraSettings(codec="webp", min_size=50.0, target_fps=4.0)


def test_further_cameras_come_from_the_server_and_idle_ones_stay_off(written, caplog):
    config = load(written('[cameras.a]\nsource = "0"\n[cameras.unknown]\nsource = "1"\n'))
    cameras = roster(config, told(remote("a"), remote("b"), remote("off", active=False), remote("blind", source="")))
    assert [(camera.id, camera.source) for camera in cameras] == [("a", 0), ("b", "rtsp://camera/1")]
    for line in (
        "no camera 'unknown' for this key; cameras: a, b",
        "off: the server has switched",
        "blind has no video",
    ):
        assert line in caplog.text


@pytest.mark.parametrize("source", ["/etc/passwd", "file:///etc/passwd", "concat:/etc/passwd|x://", "pipe://0"])
def test_server_cannot_make_the_node_read_its_files(written, source, caplog):
    assert roster(load(written("")), told(remote("a", source=source))) == ()
    assert "no stream and no webcam" in caplog.text


def test_wrong_setting_of_the_server_leaves_only_that_camera_out(written, caplog):
    cameras = roster(load(written("")), told(remote("a", min_size="big"), remote("b")))
    assert [camera.id for camera in cameras] == ["b"]
    assert "camera a: min_size must be a number" in caplog.text


def test_camera_goes_on_as_before_where_a_new_setting_does_not_fit(written, caplog):
    config = load(written("[defaults]\nmin_size = 50\n"))
    before = roster(config, told(remote("a"), remote("b"), remote("gone"), remote("off")))
    changed = remote("a", min_size=20, max_size=45), remote("b", min_confidence=0.8), remote("off", active=False)
    a, b = roster(config, told(*changed), before=before)
    assert a == before[0]
    assert b.settings.min_confidence == 0.8
    assert "camera a: max_size must be larger than min_size" in caplog.text


def test_camera_whose_source_was_taken_away_is_watched_no_more(written, caplog):
    config = load(written(""))
    before = roster(config, told(remote("a")))
    assert roster(config, told(remote("a", source="")), before=before) == ()
    assert "camera a has no video source" in caplog.text
    in_file = load(written("[cameras.a]\n"))
    assert roster(in_file, None, before=before) == before  # it may still be there: the server does not answer


def test_only_camera_must_be_one_of_the_nodes(written):
    config = load(written('[cameras.a]\nsource = "0"\n'))
    object.__setattr__(config, "only_stated", True)
    with pytest.raises(RefusedError, match="no camera 'a' for this key; cameras: b"):
        roster(config, told(remote("b")))
