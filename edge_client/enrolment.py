"""What the programs that enrol people share: their options, making sure of the people, training at the end."""

import argparse
import threading
from collections.abc import Collection
from datetime import date
from functools import partial

from edge_client.cloud import Cloud, LegalBasis, patiently
from edge_client.settings import ConfigError

_LISTED = 5  # people in a message
_JOB_POLL = 1.0  # seconds
_FORBIDDEN = ("/", "\\")


def add_options(parser: argparse.ArgumentParser) -> None:
    """--create-id, --legal-basis, --legal-basis-date and --train."""
    group = parser.add_argument_group("enrolment")
    group.add_argument("--create-id", action="store_true", help="add people who are not there yet; needs a legal basis")
    group.add_argument(
        "--legal-basis", type=LegalBasis, choices=list(LegalBasis), help="why these faces may be held, with --create-id"
    )
    group.add_argument(
        "--legal-basis-date",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="the day of the consent, contract or decision, with --create-id",
    )
    group.add_argument("--train", action="store_true", help="at the end, have the server train and wait for it")


def check_options(options: argparse.Namespace) -> None:
    """Raises ConfigError where people should be added without a legal basis."""
    if options.create_id and not (options.legal_basis and options.legal_basis_date):
        raise ConfigError("--create-id: nobody is added without --legal-basis and --legal-basis-date")


def ensure_people(cloud: Cloud, people: Collection[str], options: argparse.Namespace, stop: threading.Event) -> None:
    """All of them are there, created if the options say so. Raises ConfigError naming those who are missing."""
    for person in people:
        # Names of folders may be no text at all: then Python has put surrogates in.
        is_text = person.encode("utf-8", "replace").decode() == person
        if person in {"", ".", ".."} or not is_text or any(letter in person for letter in _FORBIDDEN):
            raise ConfigError(f"{person!r} cannot be a person's id: write it in UTF-8, without / and \\")
    missing = []
    for person in people:
        if options.create_id:
            patiently(partial(cloud.create_person, person, options.legal_basis, options.legal_basis_date), stop)
        elif not patiently(partial(cloud.has_person, person), stop):
            missing.append(person)
    if missing:
        more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        raise ConfigError(f"the server does not know {', '.join(missing[:_LISTED])}{more}: add --create-id")


def train(cloud: Cloud, stop: threading.Event) -> bool:
    """Train and follow it to its end. False if it failed, or `stop` was set meanwhile."""
    job_id = patiently(cloud.train, stop)
    said = ""
    while True:
        job = patiently(partial(cloud.job, job_id), stop)
        if job.message != said:
            said = job.message
            print(f"training: {said}", flush=True)
        if job.has_ended:
            return job.state == "succeeded"
        if stop.wait(_JOB_POLL):
            print("training goes on at the server", flush=True)
            return False
