#!/usr/bin/env bash
# A repmgr cluster of plain processes on this machine, to be broken: a primary and
# two standbys, each with its repmgrd, which replicate asynchronously unless told
# otherwise.
#
#   cluster.sh up FOLDER PORT [--sync]   the nodes get PORT and the next two
#   cluster.sh dsn FOLDER                prints the connection string for pgchaos
#   cluster.sh down FOLDER               ends the processes and removes the folder
#
# It runs as any user but root, and needs repmgr and a PostgreSQL with its
# extension: on Debian 12 repmgr and postgresql-15-repmgr. Everything listens on
# 127.0.0.1 and trusts it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() { printf 'cluster.sh: %s\n' "$*" >&2; exit 1; }
say() { printf 'cluster.sh: %s\n' "$*" >&2; }

up() {
    local folder=$1 port=$2 standbys='' bin number
    [ "${3:-}" != --sync ] || standbys='ANY 1 (*)'
    [ "$(id -u)" != 0 ] || die "PostgreSQL does not run as root: run me as another user"
    [ ! -e "$folder/nodes" ] || die "there is a cluster in $folder already: cluster.sh down $folder"
    bin=$(find /usr/lib/postgresql -path '*/bin/repmgrd' 2>/dev/null | sort -V | tail -n 1)
    [ -n "$bin" ] || die "no PostgreSQL here has repmgr: on Debian 12 install repmgr and postgresql-15-repmgr"
    bin=${bin%/repmgrd}
    mkdir -p "$folder"/{run,shims}
    folder=$(cd "$folder" && pwd)
    shim >"$folder/shims/ssh"
    chmod +x "$folder/shims/ssh"
    write_nodes >"$folder/nodes"
    # shellcheck source=/dev/null
    . "$folder/nodes"
    for number in 1 2 3; do configuration >"$folder/node$number.conf"; done

    say "node1 on port $port"
    quietly initdb -D "$folder/node1" -U postgres -A trust --no-sync -E UTF8 --locale C.UTF-8
    settings >>"$folder/node1/postgresql.conf"
    printf 'local replication all trust\nhost replication all 127.0.0.1/32 trust\n' >>"$folder/node1/pg_hba.conf"
    start_postgres node1
    psql -XAtq -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U postgres -d postgres \
        -c 'create role repmgr superuser login' -c 'create database repmgr owner repmgr' \
        -c 'create role app login' -c 'create database app owner app'
    quietly repmgr -f "$folder/node1.conf" primary register
    for number in 2 3; do
        say "node$number on port $((port + number - 1))"
        quietly repmgr -f "$folder/node$number.conf" -h 127.0.0.1 -p "$port" -U repmgr -d repmgr \
            standby clone --fast-checkpoint
        start_postgres "node$number"
        quietly repmgr -f "$folder/node$number.conf" standby register --wait-start=30 --wait-sync=30
    done
    # Only now: with no standby that streams, the registration would wait for one. At
    # every node, as each may become the primary.
    for number in 1 2 3; do
        printf "synchronous_standby_names = '%s'\n" "$standbys" >>"$folder/node$number/postgresql.conf"
        quietly pg_ctl -D "$folder/node$number" reload
    done
    for number in 1 2 3; do start_repmgrd "node$number"; done
    CLUSTER=$folder "$here/hooks.sh" wait-healthy 60
}

# What hooks.sh must know of this cluster, and how its nodes are broken and mended.
write_nodes() {
    cat <<END
folder=$(printf %q "$folder")
node1=127.0.0.1:$port
node2=127.0.0.1:$((port + 1))
node3=127.0.0.1:$((port + 2))
nodes='node1 node2 node3'
archive=\$folder/run
dsn=postgresql://app@\$node1,\$node2,\$node3/app?target_session_attrs=read-write
export PATH=\$folder/shims:$(printf %q "$bin"):\$PATH
. $(printf %q "$here/processes.sh")
END
}

configuration() {
    cat <<END
node_id = $number
node_name = 'node$number'
conninfo = 'host=127.0.0.1 port=$((port + number - 1)) user=repmgr dbname=repmgr connect_timeout=2'
data_directory = '$folder/node$number'
pg_bindir = '$bin'
log_file = '$folder/repmgrd$number.log'
failover = automatic
promote_command = 'repmgr -f $folder/node$number.conf standby promote --log-to-file'
follow_command = 'repmgr -f $folder/node$number.conf standby follow --log-to-file --upstream-node-id=%n'
use_replication_slots = yes
# A failover after seconds: the defaults are 6 attempts, 10 s apart.
monitor_interval_secs = 1
reconnect_attempts = 3
reconnect_interval = 1
repmgrd_service_start_command = 'true'
service_start_command = 'pg_ctl -D $folder/node$number -o "-p $((port + number - 1))" -l $folder/node$number.log -w start'
service_stop_command = 'pg_ctl -D $folder/node$number -m fast -w stop'
service_restart_command = 'pg_ctl -D $folder/node$number -o "-p $((port + number - 1))" -l $folder/node$number.log -m fast -w restart'
service_reload_command = 'pg_ctl -D $folder/node$number reload'
service_promote_command = 'pg_ctl -D $folder/node$number -w promote'
END
}

settings() {
    cat <<END
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder/run'
shared_preload_libraries = 'repmgr'
wal_level = replica
hot_standby = on
wal_log_hints = on
wal_keep_size = 256MB
max_wal_senders = 10
max_replication_slots = 10
wal_receiver_status_interval = 1s
END
}

# `repmgr standby switchover` reaches the other nodes by ssh, and these are here.
shim() {
    cat <<'END'
#!/bin/sh
while case ${1:-} in -*) true ;; *) false ;; esac; do
    case $1 in -o | -p | -i | -l) shift ;; esac
    shift
done
shift
exec sh -c "$*"
END
}

# Says what a command said only when it fails.
quietly() {
    "$@" >"$folder/create.log" 2>&1 || { tail -n 20 "$folder/create.log" >&2; die "failed: $*"; }
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
    # First what would promote one when others go.
    for node in ${nodes:?}; do stop_repmgrd "$node"; done
    for node in $nodes; do kill_node "$node"; done
    rm -rf "$folder"
}

case $# in 0 | 1) die "cluster.sh up FOLDER PORT [--sync] | dsn FOLDER | down FOLDER" ;; esac
case $1 in
    up) up "${@:2}" ;;
    dsn) dsn "$2" ;;
    down) down "$2" ;;
    *) die "no such command: $1" ;;
esac
