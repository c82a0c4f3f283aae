#!/bin/sh
# Pins the packages of each image, with their hashes: requirements/NAME.in becomes NAME.txt. What an image shares
# with train has the same version there, since a model is read by the packages that wrote it.
set -eu
cd "$(dirname "$0")"
lock() {
    name=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
        "$@" "$name.in" -o "$name.txt"
}
lock train
for name in train-gpu api page mlflow lab dev; do
    lock "$name" -c train.txt
done
