"""`python -m recognition.packbuild ID FOLDER [--weights PATH]`: builds the pack FOLDER/ID, replacing what is there."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from recognition.engine.errors import PackError
from recognition.engine.packs import MANIFEST, DetectorSpec, Manifest, PackFile, open_pack
from recognition.packbuild import dlib_resnet, facenet_vggface2, mtcnn
from recognition.packbuild.catalogue import RECIPES, Recipe

_EMBEDDERS = {"dlib-resnet": dlib_resnet.build, "facenet-vggface2": facenet_vggface2.build}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m recognition.packbuild", description="Builds a pack.")
    parser.add_argument("id", choices=sorted(RECIPES))
    parser.add_argument("folder", type=Path, help="the folder that holds the packs")
    parser.add_argument("--weights", type=Path, help="weights file, instead of the installed or downloaded one")
    options = parser.parse_args(arguments)
    recipe = RECIPES[options.id]
    try:
        _build(recipe, options.folder / recipe.id, options.weights)
    except (ValueError, OSError, PackError) as error:
        print(f"Pack {recipe.id} was not built: {error}", file=sys.stderr)
        return 1
    print(f"Pack {recipe.id} is built and verified: {options.folder / recipe.id}")
    return 0


def _build(recipe: Recipe, target: Path, weights: Path | None) -> None:
    """Builds beside the target and renames, so that a half-built pack is never seen."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{recipe.id}-") as workshop:
        folder = Path(workshop, recipe.id)
        folder.mkdir()
        print(f"Pack {recipe.id} [1/3]: embedder", flush=True)
        _EMBEDDERS[recipe.id](folder, weights)
        print(f"Pack {recipe.id} [2/3]: detector", flush=True)
        mtcnn.build(folder)
        print(f"Pack {recipe.id} [3/3]: checksums", flush=True)
        manifest = Manifest(
            id=recipe.id,
            version=recipe.version,
            licence=recipe.licence,
            origin=recipe.origin,
            detector=DetectorSpec("mtcnn", mtcnn.FILES),
            embedder=recipe.embedder,
            impostors=recipe.impostors,
            files={path.name: PackFile.of(path) for path in sorted(folder.iterdir())},
        )
        (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        open_pack(folder)
        if target.exists():
            shutil.move(target, Path(workshop, "replaced"))
        folder.rename(target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
