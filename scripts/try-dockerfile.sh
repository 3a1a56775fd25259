#!/usr/bin/env bash
# Tries Dockerfile.cuda where there is no container engine: it reads the file
# and does what it says, the build stage with this machine's Go, the runtime
# stage in a bare root file system that holds glibc and what COPY puts there.
# Then it trains there, as the file's user. Once with no tags, once with cpu.
#
#   scripts/try-dockerfile.sh
#
# Needs Linux, root, Go, and leave to chroot; where one lacks it says so and
# exits 0.
set -euo pipefail
cd "$(dirname "$0")/.."
file=Dockerfile.cuda

say() { echo "try-dockerfile: $*"; }
die() {
	say "$*" >&2
	exit 1
}
skip() {
	say "skipped: $*"
	exit 0
}

[ "$(uname -s)" = Linux ] || skip "this is no Linux"
[ "$(id -u)" = 0 ] || skip "not root"
for tool in go ldd tar unshare; do
	command -v "$tool" >/dev/null || skip "$tool not found"
done
unshare --root=/ --wd=/ --setgid 10001 --setuid 10001 true 2>/dev/null || skip "chroot is not allowed here"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

# context copies what docker build would send.
context() {
	local pattern excludes=()
	while read -r pattern; do
		case $pattern in
		'' | '#'*) ;;
		'!'*) die ".dockerignore: $pattern: not understood here" ;;
		'**/'*) excludes+=(--no-anchored "--exclude=${pattern#\*\*/}") ;;
		*) excludes+=(--anchored "--exclude=./$pattern") ;;
		esac
	done <.dockerignore
	mkdir "$work/context"
	tar -c "${excludes[@]}" . | tar -x -C "$work/context"
	# In a worktree or under another owner Go could not ask git for the commit.
	git -C "$work/context" status >/dev/null 2>&1 || export GOFLAGS="${GOFLAGS:-} -buildvcs=false"
}

# The stage that is being built: its root, and what its instructions set.
declare -A roots=() global=()
stages=0

from() { # FROM image [AS name]
	image=$1 name=${3:-$stages} root=$work/$tags.stage$stages workdir=/ user=0:0 volume='' env=() args=() entry=()
	stages=$((stages + 1))
	roots[$name]=$root
	mkdir -p "$root"
	[ "${image%%:*}" != golang ] || check_go "${image#*:}"
}

check_go() { # tag of the golang image
	local want
	want=$(awk '$1 == "go" { split($2, v, "."); print v[1] "." v[2] }' go.mod)
	[ "${1%%-*}" = "$want" ] || die "$file: golang:$1, but go.mod says $want"
}

arg() { # ARG NAME[=value]: a stage takes the value of the ARG before all stages
	local key=${1%%=*} value=
	[[ $1 != *=* ]] || value=$(unquote "${1#*=}")
	if [ "$stages" = 0 ]; then
		global[$key]=$value
		[ "$key" != TAGS ] || global[$key]=$tags
	else
		args+=("$key=${global[$key]-$value}")
	fi
}

unquote() {
	local text=${1#\"}
	echo "${text%\"}"
}

run() { # RUN command
	[ "${image%%:*}" = golang ] || die "$file: RUN in a stage from $image cannot be tried: only files are there"
	say "  $1"
	(cd "$root$workdir" && env "${env[@]}" "${args[@]}" sh -c "$1")
}

copy() { # COPY [--from=stage] [--chown=user:group] source... destination
	local source=$work/context owner=0:0 at from
	while [[ $1 == --* ]]; do
		case $1 in
		--from=*) source=${roots[${1#*=}]} ;;
		--chown=*) owner=${1#*=} ;;
		*) die "$file: COPY $1: not understood here" ;;
		esac
		shift
	done
	at=${!#}
	[[ $at == /* ]] && at=$root$at || at=$root$workdir/$at
	for from in "${@:1:$#-1}"; do
		from=$source/${from#/}
		if [ -d "$from" ]; then
			mkdir -p "$at"
			chown "$owner" "$at"
			cp -R --preserve=mode,timestamps,links "$from/." "$at"
			chown -R "$owner" "$at"
		else
			[[ $at == */ || $at == */. ]] && mkdir -p "$at" || mkdir -p "$(dirname "$at")"
			cp "$from" "$at"
			[ -d "$at" ] && chown "$owner" "$at/$(basename "$from")" || chown "$owner" "$at"
		fi
	done
}

# build does what the Dockerfile says, from its first line to its last.
build() {
	local keyword rest
	stages=0
	while read -r keyword rest; do
		case $keyword in
		'') ;;
		# shellcheck disable=SC2086
		FROM) from $rest ;;
		ARG) arg "$rest" ;;
		ENV) env+=("${rest%%=*}=$(unquote "${rest#*=}")") ;;
		WORKDIR) workdir=$rest && mkdir -p "$root$workdir" ;;
		RUN) run "$rest" ;;
		# shellcheck disable=SC2086
		COPY) copy $rest ;;
		VOLUME) volume=$rest ;;
		USER) user=$rest ;;
		ENTRYPOINT) IFS=', ' read -ra entry <<<"$(tr -d '[]"' <<<"$rest")" ;;
		*) die "$file: $keyword: not understood here" ;;
		esac
	done < <(sed -e '/^[[:space:]]*#/d' -e ':a' -e '/\\$/{N;s/\\\n//;ba}' "$file")
	[ "$user" != 0:0 ] || die "$file: the image would run as root"
	[ -n "$volume" ] || die "$file: no volume"
}

# base adds the libraries that the binary names, glibc's and no other.
base() { # binary
	local lib
	if ! ldd "$1" >/dev/null 2>&1; then
		say "  static"
		return
	fi
	[ "$tags" != cpu ] || die "with TAGS=cpu the binary is not static"
	while read -r lib; do
		case ${lib##*/} in
		ld-linux* | libc.so.6 | libdl.so.2 | libm.so.6 | libpthread.so.0 | librt.so.1) ;;
		*) die "the binary wants $lib, which the base image lacks" ;;
		esac
		install -D "$lib" "$root$lib"
	done < <(ldd "$1" | grep -o '/[^ ]*')
}

# enter runs the entrypoint as the container would.
enter() {
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${env[@]}" \
		unshare --root="$root" --wd="$workdir" --setgid "${user#*:}" --setuid "${user%:*}" "${entry[@]}" "$@"
}

# trained checks what a run left in the volume.
trained() { # folder
	[ -s "$1/model.safetensors" ] && [ -s "$1/summary.json" ] || die "no whole run in $1"
	[ "$(stat -c %u:%g "$1/model.safetensors")" = "$user" ] || die "$1: not written by $user"
}

try() {
	local cache line status=0
	line=$(enter --version)
	say "  $line"
	[[ $line == aegis\ * ]] || die "--version: got \"$line\""

	enter --epochs 1 --limit 640 --quiet --out "$volume/x"
	trained "$root$volume/x"
	enter --epochs 1 --limit 640 --quiet
	trained "$(find "$root$volume" -mindepth 1 -maxdepth 1 -name 'fc12-*')"
	! enter --epochs 1 --limit 640 --quiet --out /x 2>/dev/null || die "a run outside the volume succeeded"

	line=$(enter --device cuda --epochs 1 --limit 640 --out "$volume/y" 2>&1) || status=$?
	say "  $line"
	[ "$status" = 1 ] && [ "$(wc -l <<<"$line")" = 1 ] && [[ $line == "train: cuda: "* ]] ||
		die "--device cuda: want one line and status 1, got status $status"

	cache=$(printf '%s\n' "${env[@]}" | sed -n 's/^CUDA_CACHE_PATH=//p')
	[ "$(stat -c %u:%g "$root$(dirname "$cache")")" = "$user" ] || die "CUDA_CACHE_PATH=$cache: $user cannot write there"
}

context
for tags in '' cpu; do
	say "TAGS=\"$tags\""
	build
	base "$root/usr/local/bin/${entry[0]}"
	try
done
say "passed"
