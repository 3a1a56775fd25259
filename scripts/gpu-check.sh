#!/usr/bin/env bash
# Everything that only a GPU can show, as one JSON file.
#
#   scripts/gpu-check.sh build            where Go is: makes build/gpu/check.tar.xz
#   scripts/gpu-check.sh run OUT.json     on the host with the GPU, under eight minutes
#
# The archive is all that travels, with this script or without it: once
# unpacked (python3 -m tarfile -e check.tar.xz DIR), DIR/gpu-check.sh runs too.
# The host needs bash, python3 and the NVIDIA driver. PyTorch, for the speeds
# to compare with, and compute-sanitizer are used where they are installed. For
# a host with another processor: GOARCH=arm64 scripts/gpu-check.sh build.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}

usage() {
	sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
	exit 2
}

build() {
	cd "$here/.."
	local out
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	out=$work/check
	mkdir -p build/gpu "$out/ptx" "$out/mnist"
	export CGO_ENABLED=0 GOOS=linux
	go build -trimpath -ldflags "-s -w" -o "$out/train" ./cmd/train
	go test -c -trimpath -ldflags "-s -w" -o "$out/cuda.test" ./cuda
	go test -c -trimpath -ldflags "-s -w" -o "$out/kernels.test" ./cuda/kernels
	cp cuda/zz_*.ptx cuda/kernels/zz_*.ptx "$out/ptx"
	cp data/mnist/*.gz "$out/mnist"
	cp scripts/gpu-check.sh scripts/gpu_check.py scripts/torch_ae.py scripts/presets.py "$out"
	local commit dirty=false
	commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
	[ -z "$(git status --porcelain 2>/dev/null)" ] || dirty=true
	printf '{"commit": "%s", "dirty": %s, "go": "%s %s"}\n' "$commit" "$dirty" "$(go env GOVERSION)" "$(go env GOARCH)" >"$out/build.json"
	"$python" scripts/gpu_check.py pack "$out" build/gpu/check.tar.xz
}

run() {
	local out=$1
	[[ $out == /* ]] || out=$PWD/$out
	if [ -x "$here/train" ]; then
		"$python" "$here/gpu_check.py" run "$out"
		return
	fi
	local archive=$here/../build/gpu/check.tar.xz
	[ -e "$archive" ] || {
		echo "gpu-check: no build/gpu/check.tar.xz: run scripts/gpu-check.sh build first" >&2
		exit 1
	}
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	"$python" -m tarfile -e "$archive" "$work" >/dev/null
	"$python" "$work/gpu_check.py" run "$out"
}

case ${1-}:$# in
build:1) build ;;
run:2) run "$2" ;;
*) usage ;;
esac
