#!/usr/bin/env bash
# Compares our CPU VM with PyTorch on this machine, by turns in one run.
#
#   scripts/compare-torch.sh [--rounds N] [PRESET ...]      (default: fc12 fc64 fc128 fc3 conv wide)
#
# Needs Go, and a python3 with PyTorch and NumPy (PYTHON names another one).
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
CGO_ENABLED=0 go build -o build/train ./cmd/train
exec "${PYTHON:-python3}" scripts/compare_torch.py "$@"
