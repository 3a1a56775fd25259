# Helper for the scripts beside it: a private apt that knows Debian 12's
# component non-free. It leaves the machine's own sources and lists alone.
#
#   . scripts/debian-nonfree.sh
#   nonfree_fetch <dir> <package>...   downloads the packages' .deb files to dir

nonfree_fetch() (
	dir=$1
	shift
	for tool in apt-get dpkg-deb tar; do
		if ! command -v "$tool" >/dev/null; then
			echo "$0: $tool not found: this script needs Debian 12" >&2
			return 1
		fi
	done
	state=$(mktemp -d)
	trap 'rm -rf "$state"' EXIT
	mkdir -p "$dir" "$state/parts" "$state/lists/partial" "$state/cache/archives/partial"
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Release: bookworm' 'Component: main' | head -n 1)
	if [ -z "$mirror" ]; then
		echo "$0: apt knows no source for bookworm main: this script needs Debian 12" >&2
		return 1
	fi
	cat >"$state/parts/nonfree.sources" <<-EOF
		Types: deb
		URIs: $mirror
		Suites: bookworm
		Components: main non-free
		Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
	EOF
	set -- -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$state/parts" \
		-o Dir::State::Lists="$state/lists" -o Dir::Cache="$state/cache" \
		-o APT::Sandbox::User=root -o Acquire::Languages=none -- "$@"
	options=
	while [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	shift
	# No option holds a space: mktemp makes none.
	# shellcheck disable=SC2086
	apt-get $options update >&2 && cd "$dir" && apt-get $options download "$@" >&2
)
