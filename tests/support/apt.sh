# shellcheck shell=bash
# Installs Debian's packages that tests need. tests/run and tests/versions.sh source it, after tests/support/side-by-side.sh.

apt_install() {
    as_root apt-get update -qq >&2 || fail "apt-get update failed: its reason is above; is there a network?"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 ||
        fail "apt could not install $*: its reason is above"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
