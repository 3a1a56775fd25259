#!/bin/sh
# Fetches cuda.h of CUDA 11.8, which gorgonia.org/cu needs to build with
# -tags cu, and prints the folder that holds it. Nothing is installed: the
# headers are taken out of Debian's nvidia-cuda-dev (a download of 774 MB, the
# only package that has them) into a cache once. Needs Debian 12 on amd64.
#
#   CGO_CFLAGS=-I$(scripts/cuda-headers.sh) go vet -tags cu ./cuda/driver
set -eu
cache=${XDG_CACHE_HOME:-$HOME/.cache}/aegis/cuda-11.8
if [ ! -e "$cache/include/cuda.h" ]; then
	. "$(dirname "$0")/debian-nonfree.sh"
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	nonfree_fetch "$work" nvidia-cuda-dev
	dpkg-deb --fsys-tarfile "$work"/nvidia-cuda-dev_*.deb | tar -x -C "$work" ./usr/include
	mv "$work/usr/include" "$cache/include"
fi
echo "$cache/include"
