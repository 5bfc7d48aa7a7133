"""Builds packs. Some modules here import PyTorch, so building runs as a process of its own:
`python -m recognition.packbuild`, which `manage.py packs build` starts.
"""

import os

# As in `detectors`, for what loads ONNX Runtime before those.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
