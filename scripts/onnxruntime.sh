#!/bin/sh
# Installs ONNX Runtime for Node.js into a cache, once (some 290 MB), and prints the
# folder. Nothing runs while it is installed, and no libraries of GPUs are fetched:
# the one for the CPU lies in the package. Needs npm.
#
#   AEGIS_ONNXRUNTIME=$(scripts/onnxruntime.sh) go test -run '^TestONNX' .
set -eu
version=1.30.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/aegis/onnxruntime-node-$version
if [ ! -e "$cache/node_modules/onnxruntime-node/package.json" ]; then
	mkdir -p "$(dirname "$cache")"
	work=$(mktemp -d "$cache.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	ONNXRUNTIME_NODE_INSTALL=skip npm install --prefix "$work" --ignore-scripts --no-audit --no-fund --no-save \
		"onnxruntime-node@$version" >&2
	rm -rf "$cache"
	mv "$work" "$cache"
fi
echo "$cache"
