#!/bin/sh
# build-images.sh PREFIX VERSION [OPTION...]: builds PREFIX/facesite-web:VERSION and the three others. Options go to
# `docker build`, for instance --push; with a builder that can, --sbom=true --provenance=true.
set -eu
cd "$(dirname "$0")/.."

prefix=$1
version=$2
shift 2
for target in web worker edge pack-builder; do
  docker build --target "$target" --tag "$prefix/facesite-$target:$version" \
    --label "org.opencontainers.image.version=$version" \
    --label "org.opencontainers.image.revision=$(git rev-parse HEAD)" "$@" .
done
