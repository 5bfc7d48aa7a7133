"""Builds packs. Some modules here import PyTorch, so building runs as a process of its own:
`python -m recognition.packbuild`, which `manage.py packs build` starts.
"""
