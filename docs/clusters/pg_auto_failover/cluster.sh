#!/usr/bin/env bash
# A pg_auto_failover cluster of plain processes on this machine, to be broken: a
# monitor and three nodes, which replicate synchronously unless told otherwise.
#
#   cluster.sh up FOLDER PORT [--async]   the monitor gets PORT, the nodes the next three
#   cluster.sh dsn FOLDER                 prints the connection string for pgchaos
#   cluster.sh down FOLDER                ends the processes and removes the folder
#
# It runs as any user but root, and needs pg_autoctl and a PostgreSQL with its
# extension: on Debian 12 pg-auto-failover-cli and postgresql-15-auto-failover.
# Everything listens on 127.0.0.1 and trusts it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() { printf 'cluster.sh: %s\n' "$*" >&2; exit 1; }
say() { printf 'cluster.sh: %s\n' "$*" >&2; }

up() {
    local folder=$1 port=$2 quorum=true library number
    [ "${3:-}" != --async ] || quorum=false
    [ "$(id -u)" != 0 ] || die "PostgreSQL does not run as root: run me as another user"
    [ ! -e "$folder/nodes" ] || die "there is a cluster in $folder already: cluster.sh down $folder"
    command -v pg_autoctl >/dev/null || die "pg_autoctl is missing: on Debian 12 install pg-auto-failover-cli"
    library=$(find /usr/lib/postgresql -name pgautofailover.so 2>/dev/null | sort -V | tail -n 1)
    [ -n "$library" ] || die "no PostgreSQL here has the extension: on Debian 12 install postgresql-15-auto-failover"
    mkdir -p "$folder"/{config,share,run}
    folder=$(cd "$folder" && pwd)
    write_nodes >"$folder/nodes"
    # shellcheck source=/dev/null
    . "$folder/nodes"
    local node=(--pgctl "${library%/lib/*}/bin/pg_ctl" --hostname 127.0.0.1 --auth trust --no-ssl)

    say "a monitor on port $port"
    quietly pg_autoctl create monitor "${node[@]}" --pgdata "$folder/monitor" --pgport "$port"
    quick_monitor >>"$folder/monitor/postgresql.conf"
    start_node monitor
    for number in 1 2 3; do
        say "node$number on port $((port + number))"
        quietly pg_autoctl create postgres "${node[@]}" --name "node$number" --pgdata "$folder/node$number" \
            --pgport $((port + number)) --listen 127.0.0.1 --pghost "$folder/run" --monitor "${monitor:?}" \
            --username app --dbname app --replication-quorum "$quorum"
        # Below the time after which the monitor promotes another one.
        quietly pg_autoctl config set --pgdata "$folder/node$number" timeout.network_partition_timeout 4
        start_node "node$number"
    done
    CLUSTER=$folder "$here/hooks.sh" wait-healthy 60
}

# What hooks.sh must know of this cluster, and how its nodes are broken and mended.
write_nodes() {
    cat <<END
monitor=postgres://autoctl_node@127.0.0.1:$port/pg_auto_failover
folder=$(printf %q "$folder")
dsn=postgresql://app@127.0.0.1:$((port + 1)),127.0.0.1:$((port + 2)),127.0.0.1:$((port + 3))/app?target_session_attrs=read-write
# Where pg_autoctl keeps what it knows of a node, and the servers their sockets.
export HOME=\$folder XDG_CONFIG_HOME=\$folder/config XDG_DATA_HOME=\$folder/share
export XDG_RUNTIME_DIR=\$folder/run PG_REGRESS_SOCK_DIR=\$folder/run
. $(printf %q "$here/processes.sh")
END
}

# A failover after seconds, not after the half minute of a monitor's defaults.
quick_monitor() {
    cat <<'END'
listen_addresses = '127.0.0.1'
pgautofailover.health_check_period = 1000
pgautofailover.health_check_timeout = 1000
pgautofailover.health_check_max_retries = 1
pgautofailover.health_check_retry_delay = 500
pgautofailover.node_considered_unhealthy_timeout = 5000
pgautofailover.primary_demote_timeout = 6000
pgautofailover.startup_grace_period = 2000
END
}

# Says what a command said only when it fails.
quietly() {
    "$@" >"$folder/create.log" 2>&1 || { tail -n 20 "$folder/create.log" >&2; die "failed: $1 $2 $3"; }
}

dsn() {
    # shellcheck source=/dev/null
    . "$1/nodes"
    printf '%s\n' "${dsn:?}"
}

down() {
    [ -e "$1/nodes" ] || return 0
    # shellcheck source=/dev/null
    . "$1/nodes"
    local node
    # A node that sees others go would do something about it.
    for node in monitor node1 node2 node3; do kill_node "$node"; done
    rm -rf "$folder"
}

case $# in 0 | 1) die "cluster.sh up FOLDER PORT [--async] | dsn FOLDER | down FOLDER" ;; esac
case $1 in
    up) up "${@:2}" ;;
    dsn) dsn "$2" ;;
    down) down "$2" ;;
    *) die "no such command: $1" ;;
esac
