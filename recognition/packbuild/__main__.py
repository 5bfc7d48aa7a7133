"""`python -m recognition.packbuild ID FOLDER`: builds the pack FOLDER/ID, replacing what is there."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from recognition.engine.errors import PackError
from recognition.engine.packs import MANIFEST, DetectorSpec, Manifest, Pack, PackFile, open_pack
from recognition.packbuild import arcface, cohorts, dlib_resnet, facenet_vggface2, mtcnn
from recognition.packbuild.catalogue import ARCFACE, RECIPES, Recipe
from recognition.packbuild.spec import Spec, read_spec
from recognition.packbuild.trial import try_out

_EMBEDDERS = {
    "dlib-resnet": dlib_resnet.build,
    "dlib-resnet-int8": dlib_resnet.build_int8,
    "facenet-vggface2": facenet_vggface2.build,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m recognition.packbuild", description="Builds a pack.")
    parser.add_argument("id", choices=[*sorted(RECIPES), ARCFACE])
    parser.add_argument("folder", type=Path, help="the folder that holds the packs")
    parser.add_argument("--weights", type=Path, help="weights file, instead of the installed or downloaded one")
    parser.add_argument("--spec", type=Path, help=f"the TOML file that describes an {ARCFACE} pack")
    parser.add_argument("--accept-licence", action="store_true", help=f"of an {ARCFACE} pack, without being asked")
    parser.add_argument("--cohort", type=Path, help="folder of strangers to calibrate with: a photo or subfolder each")
    options = parser.parse_args(arguments)
    if (options.id == ARCFACE) != bool(options.spec):
        parser.error(f"--spec FILE belongs to {ARCFACE}, which cannot be built without")
    try:
        if options.spec:
            spec = read_spec(options.spec)
            _accept_licence(spec, accepted=options.accept_licence)
            built = _build(options.folder / spec.id, lambda folder: _from_spec(spec, folder), options.cohort)
        else:
            recipe = RECIPES[options.id]
            target = options.folder / recipe.id
            built = _build(target, lambda folder: _from_recipe(recipe, options.weights, folder), options.cohort)
    except (ValueError, OSError, PackError) as error:
        print(f"Pack {options.id} was not built: {error}.", file=sys.stderr)
        return 1
    print(f"Pack {built.id} is built and verified: {built.folder}")
    return 0


def _accept_licence(spec: Spec, *, accepted: bool) -> None:
    print(f"Licence of {spec.id}: {spec.licence}\nOrigin: {spec.origin}", flush=True)
    if accepted:
        return
    if not sys.stdin.isatty():
        raise ValueError("its licence was not accepted. Add --accept-licence if you accept it")
    if input("Do you accept this licence? Type yes: ").strip() != "yes":
        raise ValueError("its licence was not accepted")


def _from_recipe(recipe: Recipe, weights: Path | None, folder: Path) -> Manifest:
    _show(recipe.id, "embedder")
    _EMBEDDERS[recipe.id](folder, weights)
    _show(recipe.id, "detector")
    mtcnn.build(folder)
    detector = DetectorSpec("mtcnn", mtcnn.FILES)
    return Manifest(
        recipe.id, recipe.version, recipe.licence, recipe.origin, detector, recipe.embedder, recipe.impostors, {}
    )


def _from_spec(spec: Spec, folder: Path) -> Manifest:
    _show(spec.id, "embedder")
    embedder = arcface.build_embedder(spec, folder)
    _show(spec.id, "detector")
    detector = arcface.build_detector(spec, folder)
    return Manifest(spec.id, "1", spec.licence, spec.origin, detector, embedder, arcface.IMPOSTORS, {})


def _build(target: Path, make: Callable[[Path], Manifest], cohort: Path | None) -> Pack:
    """Builds beside the target and renames, so that a half-built pack is never seen."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as workshop:
        folder = Path(workshop, target.name)
        folder.mkdir()
        pack = _sealed(folder, make(folder))
        _show(target.name, "trial")
        try_out(pack)
        if cohort:
            _show(target.name, "cohort")
            np.save(folder / cohorts.FILE, cohorts.embed(pack, cohort))
            pack = _sealed(folder, replace(pack.manifest, cohort=cohorts.FILE))
        _set_aside(target, pack, Path(workshop))
        folder.rename(target)
    return replace(pack, folder=target)


def _sealed(folder: Path, manifest: Manifest) -> Pack:
    """The pack in `folder`, with a manifest that lists what is there."""
    files = {path.name: PackFile.of(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    (folder / MANIFEST).write_text(replace(manifest, files=files).to_json(), encoding="utf-8")
    return open_pack(folder)


def _set_aside(target: Path, pack: Pack, workshop: Path) -> None:
    """Makes room for `pack`. One that makes other vectors is kept under its full id: models may need it."""
    if not target.exists():
        return
    try:
        replaced = open_pack(target).id
    except PackError:
        replaced = pack.id
    kept = target.with_name(replaced)
    shutil.move(target, workshop / "replaced" if replaced == pack.id or kept.exists() else kept)


def _show(pack: str, step: str) -> None:
    print(f"Pack {pack}: {step}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
