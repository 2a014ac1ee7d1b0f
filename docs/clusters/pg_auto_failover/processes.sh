# shellcheck shell=bash
# How a node of cluster.sh is broken and mended: by its processes. Sourced by the
# file `nodes`; on a cluster of machines that file does the same by ssh, as the
# page beside this one shows.
: "${folder:?set by the file nodes}"

# of_node NODE: the processes of pg_autoctl and PostgreSQL there. PostgreSQL's have
# sessions of their own, so that no process group has them all; and pg_autoctl may
# be gone already.
of_node() {
    local postmaster=0 file=$folder/$1/postmaster.pid
    [ ! -s "$file" ] || postmaster=$(head -n 1 "$file")
    # After a crash another process may have got that number.
    [ "$(readlink "/proc/$postmaster/cwd")" = "$folder/$1" ] || postmaster=0
    ps -e -o pid=,ppid=,args= | awk -v run="pg_autoctl run --pgdata $folder/$1" -v postmaster="$postmaster" '
        { pid = $1; parent[pid] = $2; $1 = $2 = ""; sub(/^ +/, ""); root[pid] = $0 == run || pid == postmaster }
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

stop_node() { pg_autoctl stop --pgdata "$folder/$1"; }

start_node() {
    signal_node CONT "$1"
    pgrep -f -x "pg_autoctl run --pgdata $folder/$1" >/dev/null && return 0
    setsid nohup pg_autoctl run --pgdata "$folder/$1" >>"$folder/$1.log" 2>&1 </dev/null &
}

pause_node() { signal_node STOP "$1"; }
resume_node() { signal_node CONT "$1"; }

# No replica gets anything any more, and writes go on.
pause_walsenders() {
    local pids
    mapfile -t pids < <(pgrep -P "$(head -n 1 "$folder/$1/postmaster.pid")" -f 'postgres: (.*: )?walsender')
    [ "${#pids[@]}" -gt 0 ] || { echo "$1 sends to no replica" >&2; return 1; }
    kill -s STOP "${pids[@]}"
}
