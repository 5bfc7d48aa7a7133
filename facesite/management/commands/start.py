"""Starts web, workers and scheduler, with --demo also a demo edge node, under one process manager. Ctrl-C stops all."""

import os
import signal
import socket
import sys
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from honcho import manager
from honcho.environ import parse_procfile

DEMO_PROCESS = "edge"
# A worker finishes what it has begun; Honcho's own five seconds are hardly enough for Celery to stop when idle.
manager.KILL_WAIT = 25


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="also start the demo edge node")

    def handle(self, *args: object, **options: object) -> None:
        host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")
        self._check_port(host, port)
        environment = os.environ | {
            "BIND": f"{host}:{port}",
            "LOCAL_PORT": port,
            "DATA_DIR": str(settings.DATA_DIR),
            "PACK_DIR": str(settings.PACKS_DIR / settings.PACK),
            # The folder of this very Python first: gunicorn and celery are there.
            "PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"],
        }
        processes = manager.Manager()
        for name, command in parse_procfile((settings.BASE_DIR / "Procfile").read_text()).processes.items():
            if options["demo"] or name != DEMO_PROCESS:
                processes.add_process(name, command, env=environment, cwd=str(settings.BASE_DIR))
        shown = host if host != "0.0.0.0" else "localhost"  # noqa: S104 - compared, not bound
        self.stdout.write(f"\nOpen http://{shown}:{port}/ in a browser. Ctrl-C stops everything.\n")
        self.stdout.flush()
        processes.loop()
        stopped_by_hand = processes.returncode in {128 + signal.SIGINT, 128 + signal.SIGTERM}
        sys.exit(0 if stopped_by_hand else processes.returncode)

    def _check_port(self, host: str, port: str) -> None:
        try:
            with socket.create_server((host, int(port))):
                pass
        except (OSError, ValueError, OverflowError) as error:
            raise CommandError(
                f"Cannot listen on {host}:{port} ({error}). Is facesite running already? "
                "Otherwise choose another port: PORT=8001 make run"
            ) from error
