#!/usr/bin/env bash
# Every drill that is built in, once, on one quick lab; about five minutes.
#
#   tests/drills-on-lab.sh                 builds pgchaos first
#   tests/drills-on-lab.sh --repeat 3      arguments go to `pgchaos drill run`
#   tests/drills-on-lab.sh --tls           on a lab with TLS
#   PGCHAOS=path tests/drills-on-lab.sh    takes this one
#
# It needs what `pgchaos lab install-deps` installs. The lab has a name and ports
# of its own, and is taken down with its data at the end, whatever happens. Log
# and reports stay in target/drills.
set -euo pipefail
cd "$(dirname "$0")/.."

lab='drills-ci'
base=${BASE_PORT:-16500}
logs=target/drills

if [ -z "${PGCHAOS:-}" ]; then
    PGCHAOS=target/release/pgchaos
    cargo build --release --locked
fi
rm -rf "$logs"
mkdir -p "$logs"

# Nothing of the caller's surroundings.
for variable in $(compgen -e); do
    case $variable in PG | PGCHAOS) ;; PG*) unset "$variable" ;; esac
done

# shellcheck disable=SC2317 # the traps call it
finish() {
    trap - EXIT INT TERM
    # In the common case there is no lab any more.
    "$PGCHAOS" lab down --wipe --name "$lab" >/dev/null 2>&1 || true
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mapfile -t drills < <("$PGCHAOS" drill list | sed -n 's/^\([a-z][a-z-]*\) .*/\1/p')
files=(src/drill/builtin/*.toml)
if [ "${#drills[@]}" -ne "${#files[@]}" ]; then
    echo "drill list names ${#drills[@]} drills, and there are ${#files[@]}" >&2
    exit 1
fi
code=0
"$PGCHAOS" drill run "${drills[@]}" --on lab --name "$lab" --base-port "$base" --no-record \
    --report "$logs/drills.xml,$logs/drills.json,$logs/drills.md,$logs/drills.html" "$@" \
    >"$logs/results.txt" 2>"$logs/log.txt" || code=$?
# The table of all is what stands after the last empty line.
awk -v RS= 'END { print }' "$logs/results.txt"
if [ "$code" -ne 0 ]; then
    printf '\n# exit code %d; what was expected and not seen:\n' "$code"
    grep -nE 'FAIL|INCONCLUSIVE|COULD NOT RUN|STILL BROKEN' "$logs/results.txt" || true
    printf '\n# the last lines of %s:\n' "$logs/log.txt"
    tail -n 40 "$logs/log.txt"
fi
exit "$code"
