#!/bin/sh
# Fetches NVRTC 11.8, which compiles cuda/kernels/*.cu to PTX, and prints the
# folder that holds libnvrtc.so.11.2. Nothing is installed: Debian's packages
# are unpacked into a cache once (17 MB). Needs Debian 12 on amd64.
#
#   NVRTC_DIR=$(scripts/nvrtc.sh) go generate ./cuda/...
set -eu
cache=${XDG_CACHE_HOME:-$HOME/.cache}/aegis/nvrtc-11.8
lib=$cache/usr/lib/x86_64-linux-gnu
if [ ! -e "$lib/libnvrtc.so.11.2" ]; then
	. "$(dirname "$0")/debian-nonfree.sh"
	mkdir -p "$cache"
	debs=$(mktemp -d "$cache/debs.XXXXXX")
	trap 'rm -rf "$debs"' EXIT
	nonfree_fetch "$debs" libnvrtc11.2 libnvrtc-builtins11.8
	for deb in "$debs"/libnvrtc-builtins*.deb "$debs"/libnvrtc11*.deb; do
		dpkg-deb -x "$deb" "$cache"
	done
fi
echo "$lib"
