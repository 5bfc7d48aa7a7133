#!/bin/sh
# build-packs.sh FOLDER: the packs that images carry, added to those that lie in the folder already. Building one keeps
# what it replaces under another name, for models that were trained with it.
set -eu

# Building needs no installation: these are only what the settings ask for.
export PACKS_DIR="$1" SECRET_KEY=unused MODEL_SIGNING_KEY=unused DATABASE_URL=sqlite:// STORAGE_URL=file:///nowhere

for pack in dlib-resnet dlib-resnet-int8; do
  python manage.py packs build "$pack"
  python manage.py packs verify "$pack"
done
