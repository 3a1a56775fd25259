#!/bin/sh
# Finds or fetches what runs and checks programs for arm64 on another machine,
# and prints its path: QEMU's emulator of single programs, or binutils' assembler
# or disassembler. What PATH has is taken; else Debian's package is unpacked into a
# cache once, and nothing is installed.
#
#   GOARCH=arm64 CGO_ENABLED=0 go test -exec "$(scripts/arm64.sh qemu)" ./internal/vm/cpu/kernel
#   AEGIS_AARCH64_AS=$(scripts/arm64.sh as) go test ./internal/vm/cpu/kernel/gen/...
#   $(scripts/arm64.sh objdump) -d file
set -eu
case ${1:-} in
qemu) packages=qemu-user-static name=qemu-aarch64-static ;;
as | objdump) packages="binutils-aarch64-linux-gnu libbinutils" name=aarch64-linux-gnu-$1 ;;
*)
	echo "usage: $0 qemu|as|objdump" >&2
	exit 2
	;;
esac
if command -v "$name"; then
	exit 0
fi
for tool in apt-get dpkg-deb tar; do
	if ! command -v "$tool" >/dev/null; then
		echo "$0: neither $name nor $tool found: install $name, or run this on Debian" >&2
		exit 1
	fi
done
cache=${XDG_CACHE_HOME:-$HOME/.cache}/aegis/arm64
mkdir -p "$cache"
if [ ! -x "$cache/usr/bin/$name" ]; then
	debs=$(mktemp -d "$cache/debs.XXXXXX")
	trap 'rm -rf "$debs"' EXIT
	# No package's name holds a space.
	# shellcheck disable=SC2086
	(cd "$debs" && apt-get -q -o APT::Sandbox::User=root download $packages >&2)
	for deb in "$debs"/*.deb; do
		case $1 in
		qemu) dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$debs" "./usr/bin/$name" ;; # of 380 MB
		*) dpkg-deb -x "$deb" "$debs" ;;
		esac
	done
	# The tool comes last, and whole: it says that the rest is there.
	mkdir -p "$cache/usr/bin" "$cache/usr/lib"
	[ ! -d "$debs/usr/lib" ] || cp -R "$debs/usr/lib/." "$cache/usr/lib"
	mv "$debs"/usr/bin/* "$cache/usr/bin"
fi
if [ "$1" = qemu ]; then
	echo "$cache/usr/bin/$name"
	exit 0
fi
# The tools look for their libraries where a system has them.
wrapper=$cache/$name
new=$(mktemp "$wrapper.XXXXXX")
cat >"$new" <<EOF
#!/bin/sh
LD_LIBRARY_PATH="\$(echo '$cache'/usr/lib/*-linux-gnu)" exec '$cache/usr/bin/$name' "\$@"
EOF
chmod 755 "$new"
mv "$new" "$wrapper"
echo "$wrapper"
