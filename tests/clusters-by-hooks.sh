#!/usr/bin/env bash
# A failover and a loss on pg_auto_failover and on repmgr, through the hooks of
# docs/clusters/; some three minutes. As root, as what is missing is installed.
#
#   tests/clusters-by-hooks.sh                  builds pgchaos first
#   tests/clusters-by-hooks.sh repmgr           that one alone
#   PGCHAOS=path tests/clusters-by-hooks.sh     takes this one
#
# The clusters are processes of the account postgres in a folder of their own, on
# the ports from BASE_PORT (26500) on. Both are gone at the end, whatever happens;
# logs and results stay in target/clusters.
set -euo pipefail
cd "$(dirname "$0")/.."
base=${BASE_PORT:-26500}
logs=$PWD/target/clusters

if [ -z "${PGCHAOS:-}" ]; then
    PGCHAOS=target/release/pgchaos
    cargo build --release --locked
fi
PGCHAOS=$(realpath "$PGCHAOS")
[ "$(id -u)" = 0 ] || { echo "run me as root: the clusters run as postgres, and packages may have to be installed" >&2; exit 1; }

# Of the same version as the newest PostgreSQL that has them.
packages() {
    case $1 in
        pg_auto_failover) echo pg-auto-failover-cli postgresql-15-auto-failover ;;
        repmgr) echo repmgr repmgr-common postgresql-15-repmgr ;;
    esac
}
install() {
    local package missing=()
    for package in $(packages "$1"); do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ "${#missing[@]}" = 0 ] || sh src/lab/install-deps.sh "${missing[@]}"
}

# Nothing of the caller's surroundings.
as_postgres() {
    env -i PATH="$PATH" LANG=C.UTF-8 HOME="$folder" CLUSTER="${CLUSTER:-}" \
        setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
}

folder=$(mktemp -d /tmp/pgchaos-clusters.XXXXXX)
chown postgres: "$folder"
# shellcheck disable=SC2317 # the traps call it
finish() {
    trap '' EXIT INT TERM
    local nodes
    for nodes in "$folder"/*/nodes; do
        [ ! -e "$nodes" ] || as_postgres "docs/clusters/$(of_folder "$nodes")/cluster.sh" down "${nodes%/nodes}" || true
    done
    rm -rf "$folder"
}
# shellcheck disable=SC2317 # finish calls it
of_folder() { basename "$(dirname "$1")" | sed 's/-[a-z]*$//'; }
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# drill CLUSTER PORT DRILL OPTION: on a cluster of its own.
drill() {
    local cluster=$1 port=$2 name=$3 option=${4:-} code=0
    local here="$PWD/docs/clusters/$cluster" log="$logs/$cluster-$name"
    CLUSTER=$folder/$cluster-${name%%-*}
    # shellcheck disable=SC2086 # no option is none
    as_postgres "$here/cluster.sh" up "$CLUSTER" "$port" $option >"$log.up" 2>&1 || code=$?
    if [ "$code" = 0 ]; then
        cd "$here"
        as_postgres "$PGCHAOS" drill run "$name.toml" -d "$(as_postgres ./cluster.sh dsn "$CLUSTER")" --no-record \
            >"$log.txt" 2>"$log.log" || code=$?
        cd - >/dev/null
        awk -v RS= 'END { print }' "$log.txt"
        [ "$code" = 0 ] || tail -n 40 "$log.log"
    else
        tail -n 20 "$log.up"
    fi
    as_postgres "$here/cluster.sh" down "$CLUSTER"
    [ "$code" = 0 ] || printf '# %s on %s: exit code %d\n' "$name" "$cluster" "$code"
    return "$code"
}

both() {
    local code=0
    case $1 in
        pg_auto_failover)
            drill "$1" "$base" failover || code=1
            drill "$1" "$base" async-loss --async || code=1
            ;;
        repmgr)
            drill "$1" $((base + 10)) failover --sync || code=1
            drill "$1" $((base + 10)) async-loss || code=1
            ;;
        *) echo "no such cluster: $1" >&2; return 2 ;;
    esac
    return "$code"
}

[ $# -gt 0 ] || set -- pg_auto_failover repmgr
rm -rf "$logs"
mkdir -p "$logs"
for cluster; do install "$cluster"; done
code=0 jobs=()
for cluster; do
    both "$cluster" >"$logs/$cluster.out" 2>&1 &
    jobs+=("$!")
done
for job in "${jobs[@]}"; do wait "$job" || code=1; done
for cluster; do cat "$logs/$cluster.out"; done
exit "$code"
