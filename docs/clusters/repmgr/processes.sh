# shellcheck shell=bash
# How a node of cluster.sh is broken and mended: by its processes. Sourced by the
# file `nodes`; on a cluster of machines that file does the same by ssh, as the
# page beside this one shows.
: "${folder:?set by the file nodes}"

# of_node NODE: the processes of repmgrd and PostgreSQL there. PostgreSQL's have
# sessions of their own, so that no process group has them all.
of_node() {
    local postmaster=0 file=$folder/$1/postmaster.pid
    [ ! -s "$file" ] || postmaster=$(head -n 1 "$file")
    # After a crash another process may have got that number.
    [ "$(readlink "/proc/$postmaster/cwd")" = "$folder/$1" ] || postmaster=0
    ps -e -o pid=,ppid=,args= | awk -v run="repmgrd -f $folder/$1.conf " -v postmaster="$postmaster" '
        { pid = $1; parent[pid] = $2; $1 = $2 = ""; sub(/^ +/, ""); root[pid] = index($0 " ", run) == 1 || pid == postmaster }
        END {
            for (pid in parent)
                for (up = pid; up > 1 && up in parent; up = parent[up])
                    if (root[up]) { print pid; break }
        }'
}

signal_node() {
    local pids
    mapfile -t pids < <(of_node "$2")
    [ "${#pids[@]}" -eq 0 ] || kill -s "$1" "${pids[@]}" 2>/dev/null || true
}

# As if its machine were gone.
kill_node() {
    local end=$((SECONDS + 10))
    while [ -n "$(of_node "$1")" ]; do
        signal_node KILL "$1"
        [ "$SECONDS" -lt "$end" ] || { echo "$1 does not die" >&2; return 1; }
        sleep 0.1
    done
}

postgres_runs() { pg_ctl -D "$folder/$1" status >/dev/null 2>&1; }
start_postgres() { postgres_runs "$1" || service_start "$1"; }
# What differs from node to node is no setting in the data folder, which pg_rewind makes as the primary's.
service_start() {
    local at=${!1}
    pg_ctl -D "$folder/$1" -o "-p ${at##*:}" -l "$folder/$1.log" -w -s start >/dev/null </dev/null
}
stop_postgres() { ! postgres_runs "$1" || pg_ctl -D "$folder/$1" -m fast -w -s stop; }

# recover NODE: through crash recovery to a shutdown in good order. In single-user
# mode nothing connects to it meanwhile.
recover() { postgres --single -D "$folder/$1" -F template1 </dev/null >>"$folder/$1.log" 2>&1; }

start_repmgrd() {
    pgrep -f "^repmgrd -f $folder/$1.conf " >/dev/null ||
        setsid nohup repmgrd -f "$folder/$1.conf" --daemonize=false --no-pid-file >>"$folder/repmgrd-$1.out" 2>&1 </dev/null &
}
stop_repmgrd() { pkill -f "^repmgrd -f $folder/$1.conf " || true; }

# on NODE COMMAND…: repmgr's own commands run on the node that they are about.
on() { local node=$1; shift; "$1" -f "$folder/$node.conf" "${@:2}"; }

pause_node() { signal_node STOP "$1"; }
resume_node() { signal_node CONT "$1"; }

# No standby gets anything any more, and writes go on.
pause_walsenders() {
    local pids
    mapfile -t pids < <(pgrep -P "$(head -n 1 "$folder/$1/postmaster.pid")" -f 'postgres: (.*: )?walsender')
    [ "${#pids[@]}" -gt 0 ] || { echo "$1 sends to no standby" >&2; return 1; }
    kill -s STOP "${pids[@]}"
}
