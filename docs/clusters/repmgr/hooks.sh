#!/usr/bin/env bash
# What a drill of pgchaos does to a repmgr cluster: hooks.sh ACTION, for the node
# in PGCHAOS_MEMBER. $CLUSTER/nodes says where the nodes are, and how one is
# killed, started and so on: cluster.sh writes one for its own cluster, the page
# beside this file shows one for a cluster of machines.
set -euo pipefail
# shellcheck source=/dev/null
. "${CLUSTER:?the folder with the file nodes}/nodes"

# They say where the load goes to. A server that is started here would take its
# port from PGPORT.
unset PGHOST PGHOSTADDR PGPORT PGUSER PGPASSWORD PGDATABASE PGTARGETSESSIONATTRS

# ask NODE SQL: each server about itself. What repmgr has written down of the
# cluster is what the last primary that it wrote to believes.
ask() {
    local at=${!1}
    PGCONNECT_TIMEOUT=2 psql -XAtq -v ON_ERROR_STOP=1 -h "${at%:*}" -p "${at##*:}" -U repmgr -d repmgr -c "$2" 2>/dev/null
}

# in_recovery t|f: the nodes that answer so.
in_recovery() {
    local node
    for node in ${nodes:?}; do
        [ "$(ask "$node" 'select pg_is_in_recovery()')" != "$1" ] || printf '%s\n' "$node"
    done
}

leader() {
    local found
    mapfile -t found < <(in_recovery f)
    [ "${#found[@]}" = 1 ] || { echo "${#found[@]} primaries: ${found[*]}" >&2; return 1; }
    printf '%s\n' "${found[0]}"
}

replica() {
    local found
    mapfile -t found < <(in_recovery t)
    printf '%s\n' "${found[0]:-}"
}

# A repmgrd at each node, without which nothing fails over; one primary; each of the
# others streams from it, on its timeline; repmgr knows them so.
healthy() {
    local primary node timeline
    primary=$(leader)
    timeline=$(ask "$primary" 'select timeline_id from pg_control_checkpoint()')
    for node in $nodes; do
        [ "$(ask "$node" 'select repmgr.repmgrd_is_running()')" = t ] || { echo "no repmgrd at $node" >&2; return 1; }
        [ "$node" != "$primary" ] || continue
        [ "$(ask "$node" "select status from pg_stat_wal_receiver where received_tli = $timeline")" = streaming ] ||
            { echo "$node does not stream from $primary on timeline $timeline" >&2; return 1; }
        [ "$(ask "$primary" "select active and type = 'standby' from repmgr.nodes where node_name = '$node'")" = t ] ||
            { echo "to repmgr $node is no active standby" >&2; return 1; }
    done
    [ "$(ask "$primary" "select active and type = 'primary' from repmgr.nodes where node_name = '$primary'")" = t ] ||
        { echo "to repmgr $primary is not the primary" >&2; return 1; }
    printf '%s\n' "$primary"
}

wait_healthy() {
    local end=$((SECONDS + $1)) said
    until said=$(healthy 2>&1); do
        [ "$SECONDS" -lt "$end" ] || { echo "not healthy within $1 s: $said" >&2; return 1; }
        sleep 0.5
    done
}

# repmgr fences nothing: an old primary that is simply started is a second one. So
# it is rejoined to the primary that there is, and started as it was if there is
# none. pg_rewind and repmgr need it shut down in good order, and a checkpoint of the
# new primary: until then its control file has the old timeline, so that they see no
# difference, and the old primary waits for ever for what is not there.
start() {
    local node=$1 primary at
    resume_node "$node"
    if [ "$(ask "$node" 'select 1')" = 1 ]; then
        start_repmgrd "$node"
        return
    fi
    if primary=$(leader 2>/dev/null); then
        at=${!primary}
        stop_postgres "$node"
        recover "$node"
        ask "$primary" checkpoint
        on "$node" repmgr node rejoin --force-rewind --config-archive-dir="${archive:-/tmp}" --log-level=WARNING \
            -d "host=${at%:*} port=${at##*:} user=repmgr dbname=repmgr connect_timeout=2"
    else
        start_postgres "$node"
    fi
    start_repmgrd "$node"
}

heal() {
    local node
    for node in $nodes; do start "$node"; done
}

switchover() {
    local to=${PGCHAOS_TO:-}
    [ -n "$to" ] || to=$(replica)
    on "$to" repmgr standby switchover --siblings-follow --log-level=WARNING
}

member=${PGCHAOS_MEMBER:-}
case ${1:-} in
    leader) leader ;;
    replica) replica ;;
    synchronous) ask "$(leader)" "select current_setting('synchronous_standby_names') <> ''" ;;
    healthy) healthy ;;
    wait-healthy) wait_healthy "$2" ;;
    heal) heal ;;
    switchover) switchover ;;
    kill) kill_node "$member" ;;
    stop) stop_repmgrd "$member" && stop_postgres "$member" ;;
    start) start "$member" ;;
    pause) pause_node "$member" ;;
    resume) resume_node "$member" ;;
    pause-walsenders) pause_walsenders "$member" ;;
    *) echo "hooks.sh: no such action: ${1:-}" >&2; exit 2 ;;
esac
