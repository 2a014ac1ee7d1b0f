# shellcheck shell=bash
# Runs test programs side by side and sums up what they say. tests/run, tests/quick and tests/versions.sh source it, in the
# project's folder.
#
# Most of a test is waiting, for servers, deadlines and proxies: programs beside each other wait together. Each writes to a
# file of its own; that of one that fails is shown whole. It works with the bash of macOS, which is version 3.2.

me=tests/$(basename "$0")
# Jobs that run at a time: two a core.
at_once=$(($(getconf _NPROCESSORS_ONLN) * 2))
# Of the jobs with these names $heavy_at_once run at a time.
heavy='' heavy_at_once=1

results='' jobs=() running=()

say() { printf '%s: %s\n' "$me" "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# Prints the test programs that these arguments of cargo test pick, as "NAME PATH", building them first.
#
# The first call shows how the build goes on; the second has nothing to build, and names what is there.
build() {
    cargo test --no-run --quiet "$@" || fail "the tests could not be built"
    CARGO_TERM_COLOR=never cargo test --no-run "$@" 2>&1 | awk '
        $1 == "Executable" {
            path = $NF; gsub(/[()]/, "", path)
            name = $(NF - 1); sub(/^(src|tests)\//, "", name); sub(/\.rs$/, "", name)
            print name, path
        }'
}

# play JOB…: runs jobs, each "NAME COMMAND…", in this order, $at_once at a time; of those named in $heavy fewer.
# Says how each ended, and at the end the total, and which tests failed; 0 when all passed.
play() {
    local began=$SECONDS
    jobs=("$@")
    make_place
    : >"$results/counts"
    while [ "${#jobs[@]}" -gt 0 ] || [ "${#running[@]}" -gt 0 ]; do
        collect
        start_what_fits
        sleep 0.1
    done
    say "done in $((SECONDS - began)) s"
    local code=0
    total || code=$?
    failures
    return "$code"
}

# What the programs say, and on Linux all that the tests make: none of it stays when they are stopped, or killed. The
# servers' account gets through. Elsewhere the name would be too long for a server's socket. A second call changes nothing.
make_place() {
    [ -z "$results" ] || return 0
    results=$(mktemp -d)
    trap 'stop_all; rm -rf "$results"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    chmod 711 "$results"
    [ "$(uname)" = Linux ] || return 0
    mkdir -m 1777 "$results/tmp"
    export TMPDIR=$results/tmp
}

# Starts the first of the jobs that may run now.
start_what_fits() {
    local job rest=()
    for job in ${jobs[@]+"${jobs[@]}"}; do
        if [ "${#running[@]}" -lt "$at_once" ] && may_run "${job%% *}"; then
            start "$job"
        else
            rest+=("$job")
        fi
    done
    jobs=(${rest[@]+"${rest[@]}"})
}

may_run() {
    is_heavy "$1" || return 0
    local other beside=0
    for other in ${running[@]+"${running[@]}"}; do
        ! is_heavy "${other%% *}" || beside=$((beside + 1))
    done
    [ "$beside" -lt "$heavy_at_once" ]
}

is_heavy() { case " $heavy " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# A process group of its own, which ends as a whole, and does not inherit an ignored SIGINT.
start() {
    local name=${1%% *}
    set -m
    # shellcheck disable=SC2086 # the words of a command
    (
        began=$SECONDS code=0
        ${1#* } >"$results/$name.out" 2>&1 </dev/null || code=$?
        printf '%d %d\n' "$code" $((SECONDS - began)) >"$results/$name.tmp"
        mv "$results/$name.tmp" "$results/$name.end"
    ) &
    set +m
    running+=("$name $!")
}

collect() {
    local job rest=()
    for job in ${running[@]+"${running[@]}"}; do
        if [ -e "$results/${job% *}.end" ] || ! kill -0 "${job#* }" 2>/dev/null; then
            wait "${job#* }" 2>/dev/null || true
            tell "${job% *}"
        else
            rest+=("$job")
        fi
    done
    running=(${rest[@]+"${rest[@]}"})
}

# One line of a program that has ended; all that it said, when it failed.
tell() {
    local name=$1 code=1 took=0 passed failed skipped word=ok
    [ ! -e "$results/$name.end" ] || read -r code took <"$results/$name.end"
    read -r passed failed skipped <<<"$(counts "$results/$name.out")"
    # One that ends without a count has failed as a whole.
    [ "$code" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
    printf '%d %d %d\n' "$passed" "$failed" "$skipped" >>"$results/counts"
    [ "$failed" -eq 0 ] || word=FAIL
    printf '%-4s %4d s  %-16s %s\n' "$word" "$took" "$name" "$(in_words "$passed" "$failed" "$skipped")"
    if [ "$failed" -gt 0 ]; then
        printf -- '---- all that %s said:\n' "$name"
        cat "$results/$name.out"
        printf -- '---- end of %s, exit code %d\n' "$name" "$code"
        # For the end, where what stands here may be out of sight.
        { printf '\001 %s %d\n' "$name" "$code"; cat "$results/$name.out"; } >>"$results/failures"
    else
        grep -hE '^(SKIPPED|skip )' "$results/$name.out" | sed 's/^/       /' || true
    fi
}

# Passed, failed and skipped, by the lines of Rust's test harness. A test that this machine does not let happen says so,
# and has passed for the harness.
counts() {
    awk '
        /^test result: / {
            for (i = 1; i < NF; i++) {
                if ($(i + 1) ~ /^passed/) passed += $i
                if ($(i + 1) ~ /^failed/) failed += $i
                if ($(i + 1) ~ /^ignored/) skipped += $i
            }
        }
        /^SKIPPED, NOT PASSED: / { unsaid += 1 }
        END { printf "%d %d %d\n", passed - unsaid, failed, skipped + unsaid }' "$1"
}

in_words() {
    printf '%d passed, %d failed' "$1" "$2"
    [ "$3" -eq 0 ] || printf ', %d skipped' "$3"
    printf '\n'
}

# Of all that has ended, alone on its line.
total() {
    local passed failed skipped
    read -r passed failed skipped <<<"$(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$results/counts")"
    in_words "$passed" "$failed" "$skipped"
    [ "$failed" -eq 0 ]
}

# The tests that failed, each with the last that it said. A viewer of logs may have cut the programs' own words.
failures() { [ ! -e "$results/failures" ] || failed_tests "$results/failures"; }

# failed_tests FILE: what failed, by the output of tests, in 60 lines at most: "failed: PROGRAM: TEST: why".
#
# The output is that of Rust's harness, or that of the truth's, which has one line a case. A program's name is in a line
# of our own (\001 NAME EXIT-CODE), or in cargo's "Running". One that fails without naming a test has its last lines. Of
# the first of too many lines of a test one stays, and the last.
failed_tests() {
    awk -v lines_max=60 -v each_max=20 '
        function begin(test) { tests++; name[tests] = program ": " test; said[tests] = 0; inside = 1 }
        function add(text) {
            if (text !~ /[^ \t]/ || text ~ /^note: run with `RUST_BACKTRACE/) return
            said[tests]++
            words[tests, said[tests]] = text
        }
        function end_program(   i) {
            if (code > 0 && tests == before) {
                begin("exit code " code)
                for (i = (told > 10 ? told - 9 : 1); i <= told; i++) add(last[i % 10])
            }
            before = tests; told = 0; code = 0; inside = 0
        }
        # One line must do: what follows the place of a panic says more than the last.
        function best(test,   i) {
            for (i = said[test] - 1; i > 0; i--) if (words[test, i] ~ /panicked at .*:$/) return words[test, i + 1]
            return words[test, said[test]]
        }
        function show(test, room,   i, first) {
            if (room < 6 || said[test] < 2) { print "failed: " name[test] ": " best(test); return }
            print "failed: " name[test] ":"
            first = 1
            if (said[test] > room - 1) {
                print "    " words[test, 1]
                print "    …"
                first = said[test] - (room - 4)
            }
            for (i = first; i <= said[test]; i++) print "    " words[test, i]
        }
        { gsub(/\033\[[0-9;]*[A-Za-z]/, "") }
        /^\001 / { end_program(); program = $2; code = $3; next }
        $1 == "Running" && $NF ~ /^\(.*\)$/ {
            end_program(); program = $(NF - 1); sub(/^.*\//, "", program); sub(/\.rs$/, "", program); next
        }
        $1 == "Doc-tests" { end_program(); program = "doc"; next }
        { told++; last[told % 10] = $0 }
        /^---- .* stdout ----$/ { begin(substr($0, 6, length($0) - 17)); next }
        /^FAIL / { begin($2); sub(/^FAIL +[^ ]+ +[0-9.]+ s +/, ""); add($0); is_case = 1; next }
        is_case && !/^     / { is_case = 0; inside = 0 }
        /^failures:$/ || /^test result: / { inside = 0 }
        inside && /^stack backtrace:$/ { inside = 2 }
        inside == 2 && /^thread .* panicked at / { inside = 1 }
        inside == 1 { if (is_case) sub(/^     /, ""); add($0) }
        END {
            end_program()
            shown = tests > lines_max ? lines_max - 1 : tests
            room = shown ? int(lines_max / shown) : 0
            if (room > each_max) room = each_max
            for (i = 1; i <= shown; i++) show(i, room)
            if (shown < tests) print "failed: and " tests - shown " more"
        }' "$1"
}

# What runs still, when this ends before its time: told to stop, and two seconds later killed. Servers and clusters have
# guards outside of these groups, which take them down, and have half a minute for it.
stop_all() {
    trap '' INT TERM
    local job
    [ "${#running[@]}" -gt 0 ] || return 0
    for job in "${running[@]}"; do kill -TERM -- "-${job#* }" 2>/dev/null || true; done
    sleep 2
    for job in "${running[@]}"; do kill -KILL -- "-${job#* }" 2>/dev/null || true; done
    for _ in {1..60}; do
        find "$results" -name 'pgchaos-test-*' -o -name 'pgchaos-lab-*' 2>/dev/null | grep -q . || break
        sleep 0.5
    done
}
