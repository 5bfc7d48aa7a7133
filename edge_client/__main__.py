"""Command line of the edge node: `python -m edge_client --help`."""

import argparse
import logging
import sys
from typing import Protocol

import edge_client
from edge_client.options import EXIT_CODES
from edge_client.programs import doctor, enroll_camera, enroll_folder, extract, recognize, run, send_folder
from edge_client.server import RefusedError, UnavailableError
from edge_client.settings import ConfigError
from edge_client.source import SourceError

log = logging.getLogger("edge_client")


class Program(Protocol):
    """A module of edge_client.programs. Its docstring's first line is its help."""

    def add_options(self, parser: argparse.ArgumentParser, /) -> None: ...

    def run(self, options: argparse.Namespace, /) -> int:
        """Returns the exit code."""


PROGRAMS: dict[str, Program] = {
    "run": run,
    "doctor": doctor,
    "recognize": recognize,
    "enroll-folder": enroll_folder,
    "enroll-camera": enroll_camera,
    "extract": extract,
    "send-folder": send_folder,
}
FAILURES: dict[type[Exception], int] = {UnavailableError: 1, ConfigError: 2, SourceError: 3, RefusedError: 4}


def main(arguments: list[str] | None = None) -> int:
    """Run one program; returns the exit code."""
    options = parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("urllib3").setLevel(logging.INFO)
    try:
        return PROGRAMS[options.program].run(options)
    except tuple(FAILURES) as error:
        log.critical("%s", error)
        return FAILURES[type(error)]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m edge_client", description=edge_client.__doc__)
    commands = top.add_subparsers(dest="program", metavar="program", required=True)
    for name, program in PROGRAMS.items():
        summary, _, description = (program.__doc__ or "").partition("\n")
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary}\n{description}",
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        program.add_options(command)
        command.add_argument("--verbose", action="store_true", help="log every crop")
    return top


if __name__ == "__main__":
    sys.exit(main())
