#!/usr/bin/env bash
# What a drill of pgchaos does to a pg_auto_failover cluster: hooks.sh ACTION, for
# the node in PGCHAOS_MEMBER. $CLUSTER/nodes says where the monitor is, and how a
# node is killed, started and so on: cluster.sh writes one for its own cluster,
# the page beside this file shows one for a cluster of machines.
set -euo pipefail
# shellcheck source=/dev/null
. "${CLUSTER:?the folder with the file nodes}/nodes"

# They say where the load goes to. A server that is started here would take its
# port from PGPORT.
unset PGHOST PGHOSTADDR PGPORT PGUSER PGPASSWORD PGDATABASE PGTARGETSESSIONATTRS

ask() { psql -XAtq -v ON_ERROR_STOP=1 "${monitor:?}" -c "$1"; }

# Of nodes that have done what they were told: one that is gone keeps the state that it had.
with_state() {
    ask "select nodename from pgautofailover.node
         where reportedstate = goalstate and reportedstate in ($1) and health = 1 order by nodename limit 1"
}
nodes() { ask "select nodename from pgautofailover.node order by nodename"; }

# One primary, all others its secondaries, all of them seen a moment ago and on one timeline.
healthy() {
    local missing
    missing=$(ask "select string_agg(format('%s is %s, to be %s', nodename, reportedstate, goalstate), '; '
                                     order by nodename)
                   from pgautofailover.node
                   where reportedstate <> goalstate or reportedstate not in ('primary', 'secondary') or health <> 1
                      or reporttime < now() - interval '5 s'")
    [ -z "$missing" ] || { echo "$missing" >&2; return 1; }
    [ "$(ask "select count(distinct reportedtli) from pgautofailover.node")" = 1 ] ||
        { echo "the nodes are on several timelines" >&2; return 1; }
    with_state "'primary'"
}

wait_healthy() {
    local end=$((SECONDS + $1)) said
    until said=$(healthy 2>&1); do
        [ "$SECONDS" -lt "$end" ] || { echo "not healthy within $1 s: $said" >&2; return 1; }
        sleep 0.5
    done
}

heal() {
    local node
    for node in $(nodes); do start_node "$node"; done
}

# The monitor takes it as done when another one is primary.
switchover() {
    if [ -n "${PGCHAOS_TO:-}" ]; then
        pg_autoctl perform promotion --monitor "$monitor" --name "$PGCHAOS_TO"
    else
        pg_autoctl perform switchover --monitor "$monitor"
    fi
}

member=${PGCHAOS_MEMBER:-}
case ${1:-} in
    leader) with_state "'primary', 'wait_primary', 'single'" ;;
    replica) with_state "'secondary'" ;;
    synchronous) ask "select number_sync_standbys > 0 or exists (select from pgautofailover.node where replicationquorum)
                      from pgautofailover.formation where formationid = 'default'" ;;
    healthy) healthy ;;
    wait-healthy) wait_healthy "$2" ;;
    heal) heal ;;
    switchover) switchover ;;
    kill) kill_node "$member" ;;
    stop) stop_node "$member" ;;
    start) start_node "$member" ;;
    pause) pause_node "$member" ;;
    resume) resume_node "$member" ;;
    pause-walsenders) pause_walsenders "$member" ;;
    *) echo "hooks.sh: no such action: ${1:-}" >&2; exit 2 ;;
esac
