#!/bin/sh
# Prints a Python that has Debian's package onnx: the system's, or one that finds
# the packages unpacked in a cache (a download of 11 MB, once). Nothing is installed. Needs Debian
# 12 on amd64 where the system's has none.
#
#   AEGIS_ONNX_PYTHON=$(scripts/onnx-python.sh) go test -run '^TestChecker$' ./internal/onnx
set -eu
if /usr/bin/python3 -c 'import onnx' 2>/dev/null; then
	echo /usr/bin/python3
	exit
fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/aegis/python3-onnx-1.12
if [ ! -x "$cache/python" ]; then
	. "$(dirname "$0")/debian-nonfree.sh"
	mkdir -p "$cache"
	debs=$(mktemp -d "$cache/debs.XXXXXX")
	trap 'rm -rf "$debs"' EXIT
	nonfree_fetch "$debs" python3-onnx libonnx1 python3-protobuf libprotobuf32 python3-numpy \
		python3-typing-extensions libblas3 liblapack3 libgfortran5 libquadmath0
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$cache"
	done
	lib=$cache/usr/lib/x86_64-linux-gnu
	cat >"$debs/python" <<-EOF
		#!/bin/sh
		export PYTHONPATH='$cache/usr/lib/python3/dist-packages' LD_LIBRARY_PATH='$lib:$lib/blas:$lib/lapack'
		exec /usr/bin/python3 "\$@"
	EOF
	chmod +x "$debs/python"
	"$debs/python" -c 'import onnx' >&2
	mv "$debs/python" "$cache/python"
fi
echo "$cache/python"
