#!/usr/bin/env bash
# The homework's story on the Compose cluster: break one part after another while
# `pgchaos gen` writes, and check what it says of each.
#
#   tests/compose-homework.sh                 builds pgchaos when it is not there
#   PGCHAOS=path tests/compose-homework.sh    takes this one
#   tests/compose-homework.sh --tls           on the cluster with TLS, docker-compose.tls.yml
#
# It needs Docker with Compose 2 (.ci/compose-up), python3, and the ports of
# docker-compose.yml free. Its cluster has a project of its own and is removed
# with its data at the end, whatever happens. Logs stay in target/compose-homework.
set -euo pipefail
cd "$(dirname "$0")/.."

# As a user has it: which files, and what clients of the cluster need.
export COMPOSE_FILE=docker-compose.yml TLS_FILES=''
target=(--port 5500)
case ${1:-} in
    '') ;;
    --tls)
        COMPOSE_FILE+=:docker-compose.tls.yml TLS_FILES=cluster/tls
        target=("postgresql://postgres:postgres@localhost:5500/postgres?sslmode=verify-full&sslrootcert=$TLS_FILES/ca.crt")
        ;;
    *) echo "no such option: $1; there is --tls" >&2; exit 2 ;;
esac

project=pgchaos-test
logs=target/compose-homework
log=$logs/gen.log           # what pgchaos says while it runs
summary=$logs/summary.json  # and at the end
steps=$logs/steps           # name, start and end of each step, for the summary's outages
members="patroni1 patroni2 patroni3"
rate=4                      # slow enough that the log has a line for each write

# As quick as Patroni allows, with some margin for a slow machine.
export PATRONI_TTL=20 PATRONI_LOOP_WAIT=5 PATRONI_RETRY_TIMEOUT=5
export HAPROXY_CHECK='inter 1s fall 2 rise 1'

passed=0 failed=0 gen='' step=''

compose() { docker compose --ansi never -p "$project" "$@"; }
say() { printf '# %3d s  %s\n' "$SECONDS" "$*"; }
ok() { passed=$((passed + 1)); printf 'ok      %s\n' "$*"; }
not_ok() { failed=$((failed + 1)); printf 'not ok  %s\n' "$*"; }
# check WHAT COMMAND…: one check, and the story goes on.
check() { local what=$1; shift; if "$@"; then ok "$what"; else not_ok "$what"; fi; }

# wait_for SECONDS WHAT COMMAND…: a check that the command comes true in time.
# The story makes no sense without, so it ends here if not.
wait_for() {
    local limit=$1 what=$2 start=$SECONDS
    shift 2
    until "$@"; do
        if [ -n "$gen" ] && ! kill -0 "$gen" 2>/dev/null; then
            not_ok "$what: pgchaos ended by itself"
            exit 1
        elif [ $((SECONDS - start)) -ge "$limit" ]; then
            not_ok "$what: not within $limit s"
            exit 1
        fi
        sleep 0.2
    done
    ok "$what ($((SECONDS - start)) s)"
}

finish() {
    local code=$?
    trap - EXIT INT TERM
    if [ -n "$gen" ]; then
        kill -INT "$gen" 2>/dev/null || true
        for _ in $(seq 50); do kill -0 "$gen" 2>/dev/null || break; sleep 0.1; done
        kill -KILL "$gen" 2>/dev/null || true
    fi
    compose logs --no-color --timestamps 2>&1 | tr -d "\033" | sed "s/^\[2K//" >"$logs/cluster.log" || true
    if [ "$failed" -gt 0 ] || [ "$code" -ne 0 ]; then
        printf '\n# the last lines of %s:\n' "$log"
        tail -n 60 "$log" 2>/dev/null || true
        printf '\n# %s:\n' "$summary"
        head -c 8000 "$summary" 2>/dev/null || true
        printf '\n# the last lines of %s/cluster.log, but for those of etcd:\n' "$logs"
        grep -v '^etcd' "$logs/cluster.log" | sort -t '|' -k 2 | tail -n 60 || true
        [ "$failed" -gt 0 ] || not_ok "ended in the middle${step:+ of: $step} (exit code $code)"
    fi
    say "removing the cluster"
    compose down -v --timeout 5 >>"$logs/compose.log" 2>&1 || not_ok "docker compose down -v"
    check "no container is left" [ -z "$(docker ps -aq --filter "label=com.docker.compose.project=$project")" ]
    check "no volume is left" [ -z "$(docker volume ls -q --filter "label=com.docker.compose.project=$project")" ]
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ] || exit 1
    exit 0
}

# --- the cluster --------------------------------------------------------------

# Containers are stopped and started by docker itself: `docker compose start`
# may also start, and so repair, other services.
stop() { local s; for s; do docker stop "$project-$s-1" >>"$logs/compose.log"; done; }
start() { local s; for s; do docker start "$project-$s-1" >>"$logs/compose.log"; done; }

# cluster WHAT: asks Patroni's API of each member.
#   leader      the name of the member that holds the leader's key
#   converged   true when one leads, all three run or stream, and on one timeline
cluster() {
    python3 - "$1" <<'PY'
import json, os, ssl, sys, urllib.request

files, scheme, context = os.environ["TLS_FILES"], "http", None
if files:
    scheme, context = "https", ssl.create_default_context(cafile=f"{files}/ca.crt")
    context.load_cert_chain(f"{files}/client.crt", f"{files}/client.key")

def get(port, path):
    try:
        url = f"{scheme}://127.0.0.1:{port}/{path}"
        with urllib.request.urlopen(url, timeout=3, context=context) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None

# Only /primary is true: /cluster still names a leader when etcd has no quorum.
leaders = [p for p in map(lambda port: get(port, "primary"), (8001, 8002, 8003)) if p]
if len(leaders) != 1:
    sys.exit(1)
if sys.argv[1] == "leader":
    print(leaders[0]["patroni"]["name"])
else:
    members = (get(8001, "cluster") or {}).get("members", [])
    sys.exit(not (
        len(members) == 3
        and all(m["state"] == ("running" if m["role"] == "leader" else "streaming") for m in members)
        and {m.get("timeline") for m in members} == {leaders[0]["timeline"]}
    ))
PY
}
# another LEADER: somebody else leads now.
another() { local now; now=$(cluster leader) && [ "$now" != "$1" ]; }
sql() { docker exec "$project-haproxy-1" psql -p 5500 -Atc "$1"; }
reads() { [ "$(docker exec "$project-haproxy-1" psql -p 5501 -Atc 'select 1' 2>&1)" = 1 ]; }

# --- the log ------------------------------------------------------------------

begin() {
    [ -z "$step" ] || end
    step=$1 step_began=$(date +%s.%N) step_line=$(($(wc -l <"$log") + 1))
    say "$step"
}
end() { printf '%s\t%s\t%s\n' "$step" "$step_began" "$(date +%s.%N)" >>"$steps"; step=''; }
here() { tail -n "+$step_line" "$log"; }   # the log of this step
count() { here | grep -cE -e "$1" || true; }
says() { [ "$(count "$1")" -gt 0 ]; }
silent_about() { [ "$(count "$1")" -eq 0 ]; }
mark() { step_line=$(($(wc -l <"$log") + 1)); }
wrote() { [ "$(count 'INSERT: ')" -ge "$1" ]; }
trouble='CONNECTION LOST|REFUSED|NO BACKEND|READ ONLY|NOT READY|NO ANSWER|TIMEOUT|UNREACHABLE|RECOVERED|CONNECTED'

# goes_on SECONDS: writes for so long, and nothing that looks like trouble in the
# whole step.
goes_on() {
    wait_for $(($1 * 3)) "$step: $(($1 * rate)) writes more" wrote $(($(count 'INSERT: ') + $1 * rate))
    check "$step: no interruption in the log" silent_about "$trouble"
}
# no_write_for SECONDS: true once the log has had no line of a write for so long.
quiet_lines=-1
no_write_for() {
    local lines
    lines=$(count 'INSERT: ')
    [ "$lines" = "$quiet_lines" ] || { quiet_lines=$lines quiet_since=$SECONDS; }
    [ $((SECONDS - quiet_since)) -ge "$1" ]
}

# --- the summary --------------------------------------------------------------

# summary_says WHAT CONDITION: a Python condition over the summary `j`, with
# during(STEP…): the outages that began between the start of the first of these
# steps and the end of the last.
summary_says() {
    if python3 - "$summary" "$steps" "$2" <<'PY'
import json, re, sys
from datetime import datetime

j = json.load(open(sys.argv[1]))
steps = {name: (float(began), float(ended)) for name, began, ended in
         (line.rstrip("\n").split("\t") for line in open(sys.argv[2]))}

def seconds(stamp):
    # Python before 3.11 reads neither "Z" nor nanoseconds.
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", stamp).replace("Z", "+00:00")).timestamp()

def during(*names):
    began, ended = steps[names[0]][0], steps[names[-1]][1]
    return [o for o in j["outages"] if began <= seconds(o["began_at"]) <= ended]

if not eval(f"({sys.argv[3]})"):
    print(f"#       not so: {sys.argv[3]}")
    for name in steps:
        for o in during(name):
            print(f"#       {name}: {json.dumps(o, ensure_ascii=False)}")
    sys.exit(1)
PY
    then ok "$1"; else not_ok "$1"; fi
}

# --- the story ----------------------------------------------------------------

rm -rf "$logs"
mkdir -p "$logs"
: >"$log"
: >"$steps"

if ! command -v python3 >/dev/null; then
    { apt-get -qq update && apt-get -qq -y install --no-install-recommends python3; } >"$logs/apt.log" 2>&1 ||
        { echo "python3 is missing, and could not be installed" >&2; exit 1; }
fi
case $(docker compose version --short 2>/dev/null) in
    [2-9].* | v[2-9].* | [1-9][0-9].*) ;;
    *) echo "no Compose 2 here: see .ci/compose-up" >&2; exit 1 ;;
esac
if [ -z "${PGCHAOS:-}" ]; then
    PGCHAOS=target/release/pgchaos
    cargo build --release
fi

trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "bringing the cluster up"
compose down -v --timeout 5 >>"$logs/compose.log" 2>&1
if ! compose up -d --build --wait >>"$logs/compose.log" 2>&1; then
    tail -n 30 "$logs/compose.log"
    not_ok "docker compose up -d --build --wait"
    exit 1
fi
ok "docker compose up -d --build --wait"
wait_for 30 "the cluster has converged" cluster converged
check "no port is open to other machines" [ -z "$(docker ps --filter "label=com.docker.compose.project=$project" --format '{{.Ports}}' | grep -E '(0\.0\.0\.0|\[?::\]?):[0-9]+->')" ]
first=$(cluster leader)
if [ -n "$TLS_FILES" ]; then
    plain() { docker exec -e PGSSLMODE=disable "$project-haproxy-1" psql -p 5500 -Atc 'select 1' 2>&1; }
    check "a session without TLS is refused" [ "$(plain | grep -c 'no encryption')" = 1 ]
    check "replication has TLS" \
        [ "$(sql 'select count(*) from pg_stat_replication join pg_stat_ssl using (pid) where ssl')" = 2 ]
fi

begin "writing"
set -m # its own process group, in which SIGINT is not ignored
"$PGCHAOS" gen "${target[@]}" --rate "$rate" --record "$logs/run.jsonl" --summary json \
    >"$summary" 2>"$log" &
gen=$!
set +m
wait_for 20 "writing: connected to $first" says "CONNECTED to $first "
wait_for 10 "writing: $((rate * 2)) writes" wrote $((rate * 2))
wait_for 5 "writing: a read check" says 'READ check'

begin "leader stopped"
stop "$first"
wait_for 60 "leader stopped: writes recovered" says RECOVERED
wait_for 10 "leader stopped: another member leads" another "$first"
second=$(cluster leader)
check "leader stopped: the log tells of the lost connection" says "CONNECTION LOST"
check "leader stopped: the log tells of the failover" says "RECOVERED · failover $first → $second "
mark; wait_for 10 "leader stopped: writes go on" wrote "$rate"

begin "second leader stopped"
stop "$second"
wait_for 60 "second leader stopped: writes recovered" says RECOVERED
wait_for 10 "second leader stopped: the last member leads" another "$second"
third=$(cluster leader)
check "second leader stopped: it is the one that was left" \
    [ "$(printf '%s\n' "$first" "$second" "$third" | sort | tr '\n' ' ')" = "$members " ]
check "second leader stopped: the log tells of the failover" says "RECOVERED · failover $second → $third "
mark; wait_for 10 "second leader stopped: writes go on with one node" wrote $((rate * 2))

begin "nodes back"
start "$first" "$second"
wait_for 90 "nodes back: all three on one timeline" cluster converged
check "nodes back: $third still leads" [ "$(cluster leader)" = "$third" ]
goes_on 2

begin "replica stopped"
stop "$first"
goes_on 5

begin "replica back"
start "$first"
wait_for 60 "replica back: all three on one timeline" cluster converged
goes_on 1

begin "one etcd stopped"
stop etcd1
# Longer than ttl, loop_wait and retry_timeout together would take to show.
goes_on 12

begin "two etcd stopped"
stop etcd2
wait_for 60 "two etcd stopped: writes stop" no_write_for 3
check "two etcd stopped: the log tells why" says 'CONNECTION LOST|READ ONLY|NO BACKEND'
check "two etcd stopped: nobody leads" [ -z "$(cluster leader || true)" ]
wait_for 10 "two etcd stopped: reads go on" reads

begin "three etcd stopped"
stop etcd3
mark; quiet_lines=-1
wait_for 20 "three etcd stopped: no writes" no_write_for 3
check "three etcd stopped: not one write" silent_about 'INSERT: |RECOVERED'

begin "etcd back"
# In another order, so that they also come back under each other's addresses.
start etcd3 etcd2 etcd1
wait_for 60 "etcd back: writes recovered" says RECOVERED
wait_for 90 "etcd back: all three on one timeline" cluster converged
mark; wait_for 10 "etcd back: writes go on" wrote "$rate"

begin "haproxy stopped"
stop haproxy
down_from=$(date +%s.%N)
wait_for 20 "haproxy stopped: refused" says REFUSED
check "haproxy stopped: the cluster itself is well" cluster converged
mark; quiet_lines=-1
wait_for 10 "haproxy stopped: no writes" no_write_for 2

begin "haproxy back"
down_to=$(date +%s.%N)
start haproxy
wait_for 20 "haproxy back: writes recovered" says RECOVERED
check "haproxy back: it was the connection" says 'RECOVERED · connection'
mark; wait_for 10 "haproxy back: writes go on" wrote "$rate"

begin "Ctrl-C"
kill -INT "$gen"
gone() { ! kill -0 "$gen" 2>/dev/null; }
for _ in $(seq 300); do gone && break; sleep 0.1; done
check "Ctrl-C: pgchaos ends within 30 s" gone
code=none
if gone; then
    code=0
    wait "$gen" || code=$?
    gen=''
fi
end
check "Ctrl-C: exit code 0 (it is $code)" [ "$code" = 0 ]

say "what the summary says"
if ! python3 -m json.tool "$summary" >/dev/null 2>&1; then
    not_ok "the summary is JSON"
    exit 1
fi
ok "the summary is JSON"
summary_says "it is of format 1, and of this target" \
    'j["format"] == 1 and j["target"]["port"] == 5500 and j["target"]["dbname"] == "postgres"'
summary_says "verdict: pass" 'j["verdict"] == "pass"'
summary_says "no acknowledged write was lost, none duplicated or unexpected" \
    'j["verification"]["state"] == "complete" and j["verification"]["lost"] == 0
     and j["verification"]["duplicated"] == 0 and j["verification"]["unexpected"] == 0'
summary_says "every attempted write has an outcome" \
    'j["writes"]["attempted"] == sum(j["writes"][k] for k in ("acknowledged", "rejected", "in_doubt"))
     and j["writes"]["unaccounted"] == 0'
summary_says "every write in doubt was cleared up" \
    'j["writes"]["in_doubt"] == j["verification"]["recovered"] + j["verification"]["absent"]'
run_id=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["run_id"])' "$summary")
rows=$(sql "select count(*) from pgchaos.user_events where run_id = '$run_id'" || echo -1)
summary_says "the database has as many rows as the summary says ($rows)" \
    "$rows == j['verification']['present'] == j['writes']['acknowledged'] + j['verification']['recovered']"

failover() { printf '[(o["kind"], o["from"]["member"], o["to"]["member"]) for o in during("%s")] == [("failover", "%s", "%s")]' "$@"; }
summary_says "leader stopped: one outage, a failover $first → $second" "$(failover 'leader stopped' "$first" "$second")"
summary_says "leader stopped: on a higher timeline" \
    'all(o["to"]["timeline"] > o["from"]["timeline"] for o in during("leader stopped"))'
summary_says "leader stopped: by a lost connection" \
    'sum(o["errors"].get("connection_lost", 0) for o in during("leader stopped")) >= 1'
summary_says "second leader stopped: one outage, a failover $second → $third" \
    "$(failover 'second leader stopped' "$second" "$third")"
for quiet in "nodes back" "replica stopped" "replica back" "one etcd stopped"; do
    summary_says "$quiet: no outage" "during('$quiet') == []"
done
summary_says "two etcd stopped: an outage, a demotion or a failover" \
    'len(during("two etcd stopped", "etcd back")) >= 1
     and all(o["kind"] in ("demotion", "failover") for o in during("two etcd stopped", "etcd back"))'
summary_says "two etcd stopped: by connections lost, read-only or without a server" \
    'any({"connection_lost", "read_only", "no_backend"} & set(c for c, n in o["errors"].items() if n)
         for o in during("two etcd stopped"))'
summary_says "haproxy stopped: one outage of the connection, refused, with the same member" \
    '[(o["kind"], o["errors"].get("refused", 0) > 0, o["from"]["member"] == o["to"]["member"])
      for o in during("haproxy stopped", "haproxy back")] == [("connection", True, True)]'
summary_says "haproxy stopped: the outage lasted as long as that" \
    "$down_to - $down_from <= during('haproxy stopped')[0]['duration_s'] <= $down_to - $down_from + 10"
check "the record was written" [ -s "$logs/run.jsonl" ]
