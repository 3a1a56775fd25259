#!/usr/bin/env bash
# Everything that only a GPU can show, in parts, each as one JSON file.
#
#   scripts/gpu-check.sh build            where Go is: makes build/gpu/check.tar.xz
#   scripts/gpu-check.sh run PART OUT     on the host with the GPU: writes OUT/PART.json
#
# PART is
#   first     does it run, and right: doctor, a short training, every kernel's test,
#             goldens, training of each preset beside the CPU's, PTX load times; 100 s
#   kernels   the time of each kernel on each preset's shapes, of an empty node and of
#             a grid-wide barrier, beside floors from bytes and FLOPs; 80 s
#   race      seconds an epoch beside PyTorch eager, with graphs, compiled; 170 s
# and OUT a folder, which gets PART.json, PART.log and little else. The JSON is
# written after each item, so that a run that is cut off leaves what it had.
# Exit status: 0 nothing failed, 1 something did (the JSON says what) or there is
# no GPU, 2 usage.
#
# The host needs bash, python3 with lzma, and the NVIDIA driver; PyTorch, for the
# speeds to compare with, is used where python3 has it (PYTHON names another
# one). build/gpu/check.tar.xz is all that travels, and git ignores it: where a
# copy of the working tree goes to the host, carry that one file along with it,
# and run there
#   bash scripts/gpu-check.sh run first "$OUT"
#   bash scripts/gpu-check.sh run kernels "$OUT"
#   bash scripts/gpu-check.sh run race "$OUT"
# Where only the archive goes: python3 -m tarfile -e check.tar.xz DIR, and then
#   bash DIR/gpu-check.sh run first OUT
# For a host with another processor: GOARCH=arm64 scripts/gpu-check.sh build.
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
	go test -c -trimpath -ldflags "-s -w" -o "$out/gorgoniavm.test" ./cuda/gorgoniavm
	go test -c -trimpath -ldflags "-s -w" -o "$out/kernels.test" ./cuda/kernels
	cp cuda/gorgoniavm/zz_*.ptx cuda/kernels/zz_*.ptx "$out/ptx"
	cp data/mnist/*.gz "$out/mnist"
	cp scripts/gpu-check.sh scripts/gpu_*.py scripts/torch_ae.py scripts/torch_family.py scripts/presets.py "$out"
	local commit dirty=false
	commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
	[ -z "$(git status --porcelain 2>/dev/null)" ] || dirty=true
	printf '{"commit": "%s", "dirty": %s, "go": "%s %s"}\n' "$commit" "$dirty" "$(go env GOVERSION)" "$(go env GOARCH)" >"$out/build.json"
	"$python" scripts/gpu_check.py pack "$out" build/gpu/check.tar.xz
}

run() {
	local part=$1 out=$2
	case $part in
	first | kernels | race) ;;
	*) usage ;;
	esac
	[[ $out == /* ]] || out=$PWD/$out
	if [ -e "$here/build.json" ]; then
		exec "$python" "$here/gpu_check.py" run "$part" "$out"
	fi
	local archive=$here/../build/gpu/check.tar.xz
	[ -e "$archive" ] || {
		echo "gpu-check: no build/gpu/check.tar.xz: run scripts/gpu-check.sh build first" >&2
		exit 1
	}
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	"$python" -m tarfile -e "$archive" "$work" >/dev/null 2>&1 || tar -xJf "$archive" -C "$work" # a Python without lzma
	exec "$python" "$work/gpu_check.py" run --remove "$part" "$out"
}

case ${1-}:$# in
build:1) build ;;
run:3) run "$2" "$3" ;;
*) usage ;;
esac
