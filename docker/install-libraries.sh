#!/bin/sh
# install-libraries.sh FOLDER FILE...: a virtual environment with the libraries of these requirement files, for a
# container. Without pip, which nothing needs at run time, and with the OpenCV that opens no windows: the other one wants
# libraries of X11 and OpenGL.
set -eu

folder=$1
shift
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

cat "$@" | sed 's/^opencv-python==/opencv-python-headless==/' >"$build/requirements.txt"
# Once the environment is there, the first Python of the path may be its own, which has no pip.
python=$(python3 -c 'import sys; print(sys._base_executable)')
[ -x "$folder/bin/python" ] || "$python" -m venv --without-pip "$folder"
"$python" -m pip --python "$folder/bin/python" install --quiet --no-cache-dir --only-binary :all: --no-binary face_recognition_models \
  --constraint "$(dirname "$0")/constraints.txt" --requirement "$build/requirements.txt"

# What nobody calls: the tests of numpy, OpenCV's former detectors, descriptions of all of Amazon's services but storage.
site=$(echo "$folder"/lib/python3*/site-packages)
find "$site/numpy" -type d -name tests -prune -exec rm -r {} +
rm -f "$site"/cv2/data/*.xml
if [ -d "$site/botocore" ]; then
  find "$site/botocore/data" -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts -exec rm -r {} +
fi
