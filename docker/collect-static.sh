#!/bin/sh
# collect-static.sh FOLDER: style sheets, scripts and pictures of the pages, below FOLDER, with names that caches may keep.
set -eu

# As if on one machine, but for what that would keep: nothing of it may stay in the image.
export DATA_DIR="$1" SECRET_KEY=unused MODEL_SIGNING_KEY=unused DATABASE_URL=sqlite:// STORAGE_URL=file:///nowhere
export BROKER_URL=redis://unused

python manage.py collectstatic --no-input --verbosity 0
