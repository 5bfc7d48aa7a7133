"""An RTSP camera, by GStreamer: `rtsp_server.py PORT FILE` streams an MP4 file with MPEG-4 video, and ends with it.

Runs with the Python of Debian's packages, which knows nothing of this project. They are gir1.2-gst-rtsp-server-1.0,
python3-gi and gstreamer1.0-plugins-good.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

port, video = sys.argv[1:]
Gst.init(None)
server = GstRtspServer.RTSPServer(service=port, address="127.0.0.1")
factory = GstRtspServer.RTSPMediaFactory(launch=f'filesrc location="{video}" ! qtdemux ! rtpmp4vpay name=pay0')
factory.set_shared(True)
server.get_mount_points().add_factory("/stream", factory)
server.attach(None)
GLib.MainLoop().run()
