#!/usr/bin/env bash
# Runs the tests that have a PostgreSQL server of their own with those versions that this machine has not: 15 and 17, of
# Debian 12 and 13, and the newest that Debian has in testing.
#
#   tests/versions.sh           each of them but the one that tests/run has
#   tests/versions.sh trixie    the one of this suite
#
# A version comes from the package archive that apt has here, with all that it depends on down to the C library, is unpacked
# into a folder, and set to use what lies beside it there. So nothing is installed but patchelf, by which that is set, and
# HAProxy and PgBouncer, which are put before it. What was fetched is kept in target/postgresql.
#
# At its end stands one line: how many passed and failed, and how many were skipped. Under it stand those that failed.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=tests/support/side-by-side.sh
. tests/support/side-by-side.sh
# shellcheck source=tests/support/apt.sh
. tests/support/apt.sh

suites='bookworm trixie testing'
# Test crates, the longest first: what pgchaos asks a server, what it understands of the answers, how a server ends,
# and what stands in front of it.
crates='refusals accounting error_classes in_front settings_in_use record'
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

main() {
    command -v cargo >/dev/null || fail "cargo is not on the PATH: install Rust from https://rustup.rs"
    command -v apt-get >/dev/null || fail "no apt-get here: the versions come from Debian's archive"
    command -v patchelf >/dev/null || apt_install patchelf
    has_proxies || install_proxies
    make_place
    local cache archive suite version had=() picked=() crate programs jobs=()
    cache=$(cache_folder)
    archive=$(archive_of_apt)
    had=("$(version_here)")
    for suite in "${@:-$suites}"; do picked+=("$suite"); done
    # shellcheck disable=SC2048 # the words of $suites
    for suite in ${picked[*]}; do
        describe_suite "$cache/$suite" "$archive" "$suite"
        version=$(newest_version)
        [ -n "$version" ] || fail "$suite has no PostgreSQL: apt found no package postgresql-NUMBER"
        if [ $# -eq 0 ] && [[ " ${had[*]} " = *" $version "* ]]; then
            say "PostgreSQL $version of $suite is not tried again"
            continue
        fi
        had+=("$version")
        fetch "$version"
        unpack "$cache/$suite" "$results/$suite"
        check "$results/$suite/usr/lib/postgresql/$version/bin" "$version"
        jobs+=("$version $results/$suite/usr/lib/postgresql/$version/bin")
    done
    [ "${#jobs[@]}" -gt 0 ] || fail "nothing to run: this machine's PostgreSQL ${had[*]} is every version there is"
    picked=()
    for crate in $crates; do picked+=(--test "$crate"); done
    programs=$(build "${picked[@]}")
    run_each "$programs" "${jobs[@]}"
}

has_proxies() { [ -x /usr/sbin/haproxy ] && [ -x /usr/sbin/pgbouncer ]; }

# By the script that installs the lab's programs: it lets no package start a service, now or with the machine.
install_proxies() {
    as_root sh src/lab/install-deps.sh haproxy pgbouncer ||
        fail "apt could not install haproxy and pgbouncer: its reason is above"
}

# run_each PROGRAMS "VERSION FOLDER"…: all crates with each version.
run_each() {
    local programs=$1 crate version folder path all=()
    shift
    for crate in $crates; do
        path=$(awk -v crate="$crate" '$1 == crate { print $2 }' <<<"$programs")
        while read -r version folder; do
            all+=("$crate-$version env POSTGRES_BIN=$folder $path")
        done < <(printf '%s\n' "$@")
    done
    play "${all[@]}"
}

# With its whole path, and without blanks, which apt's lists cannot have.
cache_folder() {
    local target=${CARGO_TARGET_DIR:-target} folder
    mkdir -p "$target/postgresql"
    folder=$(cd "$target/postgresql" && pwd)
    case $folder in *[[:space:]]*) fail "apt takes no folder with blanks in its name: $folder" ;; esac
    printf '%s\n' "$folder"
}

# The main version that the tests have when they are not told: see tests/support/postgres/binaries.rs.
version_here() {
    local folder
    for folder in /usr/lib/postgresql/*/bin/postgres; do
        [ ! -x "$folder" ] || printf '%s\n' "$folder"
    done | sed 's|/usr/lib/postgresql/\([0-9]*\)/.*|\1|' | sort -n | tail -n 1
}

# Where this machine has Debian's packages from.
archive_of_apt() {
    local found
    found=$(debian_archive)
    if [ -z "$found" ]; then
        as_root apt-get update -qq >&2 || fail "apt-get update failed: its reason is above; is there a network?"
        found=$(debian_archive)
    fi
    [ -n "$found" ] || fail "apt has no archive of Debian here: the versions come from there"
    [ -e "$keyring" ] || fail "$keyring is missing, which proves what comes from Debian: install debian-archive-keyring"
    printf '%s\n' "$found"
}

debian_archive() {
    # shellcheck disable=SC2016 # names that apt fills in
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' |
        awk '$1 == "Debian" && !found { print $2; found = 1 }'
}

# describe_suite FOLDER ARCHIVE SUITE: from here on apt knows this suite alone, and a machine with nothing installed.
describe_suite() {
    local folder=$1
    mkdir -p "$folder/lists/partial" "$folder/archives/partial" "$folder/empty"
    : >"$folder/status"
    printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$2" "$3" >"$folder/sources.list"
    cat >"$folder/apt.conf" <<END
Dir::Etc::SourceList "$folder/sources.list";
Dir::Etc::SourceParts "$folder/empty";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "$folder/empty";
Dir::State::Lists "$folder/lists";
Dir::State::Status "$folder/status";
Dir::State::Extended_States "$folder/extended_states";
Dir::Cache::Archives "$folder/archives";
Dir::Cache::PkgCache "";
Dir::Cache::SrcPkgCache "";
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
Acquire::Languages "none";
END
    export APT_CONFIG="$folder/apt.conf"
    apt-get -qq update >&2 || fail "apt could not read Debian's $3: its reason is above"
}

newest_version() {
    apt-cache search --names-only '^postgresql-[0-9]+$' | sed 's/^postgresql-\([0-9]*\) .*/\1/' | sort -n | tail -n 1
}

fetch() {
    apt-get -qq autoclean >/dev/null
    apt-get -qq -y --download-only install "postgresql-$1" >/dev/null ||
        fail "apt could not fetch PostgreSQL $1: its reason is above"
}

# unpack FROM TO: every package into one folder. PostgreSQL's programs then have the loader and the libraries that are
# there: the C library that they were built with may be newer than this machine's, and is found by no other way.
unpack() {
    local from=$1/archives to=$2 program loader libraries=''
    mkdir "$to"
    printf '%s\0' "$from"/*.deb | xargs -0 -P "$(getconf _NPROCESSORS_ONLN)" -I '{}' dpkg-deb -x '{}' "$to"
    # Either is a folder of its own in a Debian that has programs also beside /usr.
    libraries=$(printf '%s\n' "$to"/usr/lib/*-linux-gnu* "$to"/lib/*-linux-gnu* | paste -sd :)
    for program in "$to"/usr/lib/postgresql/*/bin/*; do
        loader=$(patchelf --print-interpreter "$program" 2>/dev/null) || continue
        [ -e "$to/usr$loader" ] && loader=$to/usr$loader || loader=$to$loader
        patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$program"
    done
}

# check FOLDER VERSION: it starts, and is the version that it is to be.
check() {
    local word
    word=$("$1/postgres" --version) || fail "PostgreSQL $2 does not start as it was unpacked"
    case $word in
        "postgres (PostgreSQL) $2"*) say "$word" ;;
        *) fail "PostgreSQL $2 says that it is $word" ;;
    esac
}

main "$@"
