#!/bin/sh
# Type-checks the explorer's TypeScript. The compiler comes by npm into a cache,
# without its scripts; nothing of it is in the page.
set -eu
version=5.9.3
cache=${XDG_CACHE_HOME:-$HOME/.cache}/aegis/typescript-$version
compiler=$cache/node_modules/typescript/bin/tsc
[ -e "$compiler" ] || npm install --prefix "$cache" --ignore-scripts --no-audit --no-fund --loglevel error "typescript@$version"
node "$compiler" -p "$(dirname "$0")/../internal/explorer/web"
