#!/bin/sh
# Finds or fetches Chromium, in which pages are tested, and prints its path. What
# PATH has is taken; else Debian's package and what it wants that this machine has
# not are unpacked into a cache once, and nothing is installed. The first time that
# is a download of some 100 MB.
#
#   AEGIS_CHROMIUM=$(scripts/chromium.sh) go test ./internal/explorer
set -eu
for name in chromium chromium-browser google-chrome; do
	if command -v "$name"; then
		exit 0
	fi
done
for tool in apt-get dpkg-deb; do
	if ! command -v "$tool" >/dev/null; then
		echo "$0: neither chromium nor $tool found: install chromium, or run this on Debian" >&2
		exit 1
	fi
done
cache=${XDG_CACHE_HOME:-$HOME/.cache}/aegis
whole=$cache/chromium
if [ ! -x "$whole/chromium" ]; then
	mkdir -p "$cache"
	new=$(mktemp -d "$cache/chromium.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	mkdir "$new/debs"
	# A line of it is: 'address' file_version_architecture.deb size hash.
	packages=$(apt-get -qq -o Debug::NoLocking=1 --print-uris --no-install-recommends install chromium | sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p")
	# No package's name holds a space.
	# shellcheck disable=SC2086
	(cd "$new/debs" && apt-get -q -o APT::Sandbox::User=root download $packages >&2)
	for deb in "$new"/debs/*.deb; do
		dpkg-deb -x "$deb" "$new"
		rm "$deb"
	done
	cat >"$new/fonts.conf" <<EOF
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>$whole/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>$whole/fontcache</cachedir></fontconfig>
EOF
	cat >"$new/chromium" <<EOF
#!/bin/sh
export LD_LIBRARY_PATH="\$(echo '$whole'/usr/lib/*-linux-gnu):\$(echo '$whole'/lib/*-linux-gnu)"
export FONTCONFIG_FILE='$whole/fonts.conf'
exec '$whole/usr/lib/chromium/chromium' "\$@"
EOF
	chmod 755 "$new/chromium" "$new"
	rm -rf "$whole"
	mv "$new" "$whole"
fi
echo "$whole/chromium"
