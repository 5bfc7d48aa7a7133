"""Stands in for `az` and `kubectl`: notes each call in the folder STAND_IN, and what was made is there from then on.

A call that has the words of STAND_IN_FAILS in it fails without effect.
"""

import json
import os
import sys
from itertools import takewhile
from pathlib import Path

FOLDER = Path(os.environ["STAND_IN"])
MADE = FOLDER / "made"
ANSWERS = {
    "id": "/subscriptions/1/some/id",
    "clientId": "11111111-2222-3333-4444-555555555555",
    "principalId": "principal",
    "oidcIssuerProfile.issuerUrl": "https://issuer.example/",
}
MAKES = {"create": "", "add": "", "set": "", "build": "repository", "recover": ""}


def note(file: str, text: str) -> None:
    with (FOLDER / file).open("a") as lines:
        lines.write(f"{text}\n")


def made() -> set[str]:
    return set(MADE.read_text().splitlines()) if MADE.exists() else set()


def option(arguments: list[str], *names: str) -> str:
    return next((arguments[arguments.index(name) + 1] for name in names if name in arguments), "")


def az(arguments: list[str]) -> int:
    words = arguments[: next((i for i, one in enumerate(arguments) if one.startswith("--")), len(arguments))]
    *noun, verb = words
    name = option(arguments, "--image", "--name") or option(arguments, "--role") + option(arguments, "--scope")
    thing = " ".join([*noun, *filter(None, [MAKES.get(verb)]), option(arguments, "--vnet-name"), name])
    if verb in MAKES:
        note("made", thing)
        if noun[-1] == "secret":
            (FOLDER / f"vault-{name}").write_bytes(Path(option(arguments, "--file")).read_bytes())
        return 0
    if verb == "list":
        is_there = thing in made() if name else any(one.startswith(f"{' '.join(noun)} ") for one in made())
        sys.stdout.write("one\n" if is_there else "")
        return 0
    query = option(arguments, "--query")
    if verb == "show" and noun[-1] in {"account", "signed-in-user"} and "--name" not in arguments:
        sys.stdout.write("subscription-or-user\n")
        return 0
    if verb == "show" and thing in made():
        vault = FOLDER / f"vault-{name}"
        sys.stdout.write(vault.read_text() if query == "value" else f"{ANSWERS.get(query, query)}\n")
        return 0
    return 3 if verb.startswith("show") else 0


def kubectl(arguments: list[str]) -> int:
    if "--namespace" in arguments:
        place = arguments.index("--namespace")
        arguments = arguments[:place] + arguments[place + 2 :]
    joined = " ".join(arguments)
    if arguments[:2] == ["get", "secret"]:
        names = list(takewhile(lambda one: not one.startswith("--"), arguments[2:]))
        there = [name for name in names if (FOLDER / f"secret-{name}.json").exists()]
        sys.stdout.write("".join(f"secret/{name}\n" for name in there))
        return 0 if there == names or "--ignore-not-found" in arguments else 1
    if arguments[:2] == ["get", "deployment"]:
        if "cert-manager" not in made():
            return 1
        sys.stdout.write("--enable-gateway-api" if "patched" in made() else "--v=2")
    elif arguments[:2] == ["get", "gateway"]:
        sys.stdout.write("192.0.2.1")
    elif "cert-manager.yaml" in joined:
        note("made", "cert-manager")
    elif " patch " in f" {joined} ":
        note("made", "patched")
    elif arguments[:3] == ["create", "secret", "generic"]:
        (FOLDER / f"secret-{arguments[3]}.json").write_text(json.dumps(secret(arguments)))
    return 0


def secret(arguments: list[str]) -> dict[str, str]:
    found = {}
    for option, _, value in (one.partition("=") for one in arguments):
        if option == "--from-file":
            key, _, path = value.partition("=")
            found[key] = Path(path).read_text()
        elif option == "--from-env-file":
            found |= dict(line.split("=", 1) for line in Path(value).read_text().splitlines())
    return found


if __name__ == "__main__":
    program, *rest = sys.argv[1:]
    note("calls", " ".join([program, *rest]))
    failing = os.environ.get("STAND_IN_FAILS")
    if failing and failing in " ".join(rest):
        sys.exit("the stand-in was told to fail")
    sys.exit({"az": az, "kubectl": kubectl}[program](rest))
