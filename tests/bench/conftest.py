"""A corpus as benches read it, made of two portraits that installed packages carry."""

from pathlib import Path

import cv2
import matplotlib.cbook
import numpy as np
import pytest
import skimage.data


@pytest.fixture
def small_corpus(tmp_path: Path) -> Path:
    """Two people, five versions of one photo each, and a stranger without a face."""
    portraits = {
        "astronaut": cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR),
        "hopper": cv2.imread(str(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))),
    }
    pairs = []
    for name, photo in portraits.items():
        folder = tmp_path / "people" / name
        folder.mkdir(parents=True)
        for number in range(5):
            small = cv2.resize(photo, (200 + 10 * number, 200 + 10 * number), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(folder / f"{number}.jpg"), small)
            pairs += [(name, number, "astronaut", 0), (name, number, "hopper", 1)]
    stranger = tmp_path / "strangers" / "nobody"
    stranger.mkdir(parents=True)
    cv2.imwrite(str(stranger / "0.png"), np.zeros((100, 100, 3), np.uint8))
    rows = [f"people/{a}/{i}.jpg\tpeople/{b}/{j}.jpg\t{int(a == b)}" for a, i, b, j in pairs]
    (tmp_path / "pairs.tsv").write_text("\n".join(rows) + "\n")
    return tmp_path
