"""A bad link into a network namespace: every packet is throttled, delayed and perhaps lost on its way.

As the kernel's netem would, which not every kernel has: here the packets pass this program, from one TUN device to
another. Both ends keep their own TCP, with all that it does about loss. Linux, as root, with iproute2.
"""

import fcntl
import os
import random
import select
import shutil
import struct
import subprocess
import threading
import time
from collections import deque
from pathlib import Path
from typing import Self

_DEVICE = Path("/dev/net/tun")
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
_LARGEST_PACKET = 1500
_LONGEST_QUEUE = 2.0  # seconds of traffic that wait before packets are dropped, as in a cheap modem


class ThinLink:
    """`prefix` runs a command at the far end, where `near` is this end's address. The figures hold each way."""

    def __init__(self, *, loss: float, delay: float, bits_per_second: float) -> None:
        self._loss, self._delay, self._seconds_per_byte = loss, delay, 8 / bits_per_second
        self._namespace = f"thin-{os.getpid()}"
        network = f"10.213.{os.getpid() % 256}"
        self.near, self._far = f"{network}.1", f"{network}.2"
        self.prefix = ("ip", "netns", "exec", self._namespace)
        self.lost = 0

    @staticmethod
    def hindrance() -> str:
        """Why there can be none here; empty if there can."""
        if not hasattr(os, "geteuid") or os.geteuid():
            return "network namespaces are root's"
        if not shutil.which("ip"):
            return "there is no `ip`: install iproute2"
        return "" if _DEVICE.exists() else f"there is no {_DEVICE}"

    def __enter__(self) -> Self:
        _ip("netns", "add", self._namespace)
        self._stopped, self._stop = os.pipe()
        self._ends = [_tun() for _ in range(2)]
        (near, name), (far, far_name) = self._ends
        _ip("link", "set", far_name, "netns", self._namespace)
        _ip("addr", "add", self.near, "peer", self._far, "dev", name)
        _ip("link", "set", name, "up")
        _ip("-n", self._namespace, "addr", "add", self._far, "peer", self.near, "dev", far_name)
        _ip("-n", self._namespace, "link", "set", far_name, "up")
        self._threads = [
            threading.Thread(target=self._carry, args=way, daemon=True) for way in ((near, far), (far, near))
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._stop)
        for thread in self._threads:
            thread.join()
        for device, _ in self._ends:
            os.close(device)
        os.close(self._stopped)
        _ip("netns", "del", self._namespace)

    def _carry(self, source: int, target: int) -> None:
        under_way: deque[tuple[float, bytes]] = deque()  # by arrival
        free_at = 0.0
        while True:
            wait = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
            ready, _, _ = select.select([source, self._stopped], [], [], wait)
            if self._stopped in ready:
                return
            now = time.monotonic()
            if source in ready:
                packet = os.read(source, _LARGEST_PACKET)
                if random.random() < self._loss or free_at - now > _LONGEST_QUEUE:
                    self.lost += 1
                else:
                    free_at = max(free_at, now) + len(packet) * self._seconds_per_byte
                    under_way.append((free_at + self._delay, packet))
            while under_way and under_way[0][0] <= now:
                os.write(target, under_way.popleft()[1])


def _tun() -> tuple[int, str]:
    """A new TUN device: its descriptor and its name."""
    device = os.open(_DEVICE, os.O_RDWR)
    request = fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"", _IFF_TUN | _IFF_NO_PI))
    return device, request[:16].rstrip(b"\0").decode()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
