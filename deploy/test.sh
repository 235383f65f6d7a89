#!/usr/bin/env bash
# Tests everything, in less than half an hour on two processors: the scripts, the alerts, the build with all its tests (none may be
# skipped), failovers of a real guest at random moments and what the dashboard shows of them, failovers at steps of the protocol,
# the pair under other faults and cut apart from its arbiter, the death of an inline proxy's host, the agents for Pacemaker, the
# package in a clean Debian and on a pair of hosts, the commands of the runbook, and that the same guest loses data without Holdfast.
#
#   test.sh            as root, on Debian 12 with a JDK 25
#
# Installs missing Debian packages. Logs are in deploy/target/test-logs. The last line is "N passed, N failed": the
# build's tests, the checks of the scripts called, and the steps of this one; a skipped test counts as failed. Exit code
# 0 if none failed.

# shellcheck source-path=SCRIPTDIR
set -euo pipefail

REPOSITORY=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
readonly REPOSITORY
# shellcheck source=lib/messages.sh
source "$REPOSITORY/deploy/lib/messages.sh"
# shellcheck source=lib/packages.sh
source "$REPOSITORY/deploy/lib/packages.sh"
# shellcheck source=lib/build.sh
source "$REPOSITORY/deploy/lib/build.sh"

# Something hangs if it takes longer.
readonly LIMIT_SECONDS=2400
# What a step needs to clean up when its time is over.
readonly GRACE_SECONDS=20
readonly DEMO=$REPOSITORY/deploy/demo.sh
readonly LOGS=$TARGET/test-logs

passed=0 failed=0
failed_steps=()
# Steps that were begun and not ended yet, with their processes.
declare -A beside=()

main() {
    [[ ${1:-} != --help && ${1:-} != -h ]] || { print_help && exit 0; }
    (($# == 0)) || die_of_usage "unknown argument $1"
    require_root
    install_missing_packages "${LAB_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
    prepare_build_tools
    # Tests that cannot run here shall fail, not be left out.
    export CI=true
    cd "$REPOSITORY"
    mkdir -p "$LOGS"
    trap end_what_was_begun EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    LEFT_BEFORE=$(what_is_left)

    begin scripts check_scripts
    begin alerts "$REPOSITORY/deploy/alerts.sh"
    begin debian limited "$REPOSITORY/deploy/package-test.sh" --debian
    step build build_and_run_tests
    count_tests_of_build
    end scripts
    end alerts
    count_checks_of alerts
    end debian
    step warm-up warm_up
    rm -rf "$LOGS"/prometheus-* "$TARGET/commands"
    begin pacemaker limited "$REPOSITORY/deploy/pacemaker.sh"
    step packages limited "$REPOSITORY/deploy/package-test.sh"
    count_checks_of packages
    end pacemaker
    count_checks_of pacemaker
    step installation limited "$REPOSITORY/deploy/installation.sh"
    count_checks_of installation
    # Here it matters that a failover is right, not that it is fast, and a busy machine must not be taken for a dead one.
    step failover limited "$DEMO" --port pcap --chain 2 --fault cut-replication,freeze --cut-seconds 8 --heartbeat 250ms \
        --json "$LOGS/failover.json" --prometheus "$LOGS/prometheus-wall"
    step reverse limited "$DEMO" --mode reverse --service random --seed 1 --heartbeat 250ms --json "$LOGS/reverse.json" \
        --prometheus "$LOGS/prometheus-reverse"
    step dashboard limited "$REPOSITORY/deploy/dashboard.sh" \
        --wall "$LOGS/prometheus-wall" --reverse "$LOGS/prometheus-reverse"
    count_checks_of dashboard
    step steps limited "$REPOSITORY/deploy/steps.sh" --steps 4
    count_checks_of steps
    step faults limited "$REPOSITORY/deploy/faults.sh"
    count_checks_of faults
    step partitions limited "$REPOSITORY/deploy/partitions.sh" --cases 1
    count_checks_of partitions
    step uplink limited "$REPOSITORY/deploy/uplink.sh"
    count_checks_of uplink
    step runbook "$REPOSITORY/deploy/runbook.sh"
    count_checks_of runbook
    step negative-control see_violations_without_holdfast
    step nothing-left-behind nothing_was_left

    say_again_what_failed
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0))
}

# Runs a command or function, keeps what it says in a log, and counts whether it succeeded: step NAME COMMAND...
step() {
    local name=$1 exit_code
    say "$name"
    # Not as a condition, where `set -e` would not hold inside a function.
    set +e
    (logged "$@")
    exit_code=$?
    set -e
    count "$name" "$exit_code"
}

# Begins a step that goes on beside the next ones: begin NAME COMMAND...
# Never beside a guest, which needs the processors for itself.
begin() {
    (logged "$@") &
    beside[$1]=$!
}

# Waits for a step that was begun: end NAME
end() {
    local exit_code=0
    say "$1, begun before"
    wait "${beside[$1]}" || exit_code=$?
    unset "beside[$1]"
    count "$1" "$exit_code"
}

end_what_was_begun() {
    local pid
    for pid in "${beside[@]}"; do
        pkill -TERM --parent "$pid" || true
        kill -TERM "$pid" 2> /dev/null || true
    done
}

# For a shell of its own: logged NAME COMMAND...
logged() {
    local name=$1 began=$SECONDS exit_code
    shift
    set +e
    (set -e && "$@") > "$LOGS/$name.log" 2>&1 < /dev/null
    exit_code=$?
    printf '%d' $((SECONDS - began)) > "$LOGS/$name.seconds"
    exit "$exit_code"
}

# count NAME EXIT_CODE
count() {
    local took
    took=$(cat "$LOGS/$1.seconds")
    if (($2 == 0)); then
        passed=$((passed + 1))
        detail "passed in $took s"
    else
        failed=$((failed + 1))
        failed_steps+=("$1")
        detail "FAILED after $took s; the end of $LOGS/$1.log:"
        tail -n 60 "$LOGS/$1.log" | sed 's/^/        | /' >&2
    fi
}

# At the end, where whoever reads a log looks first, and which is kept where a long one is cut.
say_again_what_failed() {
    local step
    for step in "${failed_steps[@]}"; do
        say "FAILED: $step"
        if [[ $step == build && -n $(failed_tests) ]]; then
            failed_tests
        elif grep -q '^ *FAILED  ' "$LOGS/$step.log"; then
            failed_checks_of "$step"
        else
            tail -n 5 "$LOGS/$step.log"
        fi | cut -c 1-400 | sed -n '1,40 s/^ */        /p' >&2
    done
}

# Every check of a step that failed, with what it said.
failed_checks_of() { awk '/^ *FAILED  / { print; why = 1; next } /^                / && why { print; next } { why = 0 }' "$LOGS/$1.log"; }

# Runs a command for no longer than the time that all steps have together.
limited() {
    local rest=$((LIMIT_SECONDS - GRACE_SECONDS - SECONDS))
    ((rest > 0)) || die "no time is left of $LIMIT_SECONDS s"
    timeout --foreground --kill-after=$GRACE_SECONDS "$rest" "$@"
}

check_scripts() {
    shellcheck -x .ci/run deploy/*.sh deploy/examples/*.sh deploy/guest/*.sh deploy/src/main/dist/bin/* \
        deploy/src/main/dist/pacemaker/ocf/* deploy/src/main/deb/{postinst,prerm,postrm}
    shellcheck deploy/lib/*.sh
    pyflakes3 deploy/examples/*.py deploy/src/main/dist/pacemaker/fence_holdfast
}

build_and_run_tests() {
    rm -rf ./*/target/surefire-reports
    # Three test classes at a time, because most of them wait for something now and then. In this order those that take longest are
    # not the last ones, beside which the other two would have nothing to do.
    JAVA_HOME=$JDK_25 limited mvn -B verify -DforkCount=3 -Dsurefire.runOrder=reversealphabetical
    mark_build_as_fresh
}

# What is kept must be of use: the Java runtime is told to refuse a cache that does not fit.
warm_up() {
    build_if_needed
    HOLDFAST_JAVA_OPTS=-XX:AOTMode=on "$HOLDFAST" --version
}

# Takes over the figures of the build's tests, out of the reports that they left.
count_tests_of_build() {
    local tests=0 errors=0 suite_tests suite_errors
    while read -r suite_tests suite_errors; do
        tests=$((tests + suite_tests))
        errors=$((errors + suite_errors))
    done < <(figures_of_suites)
    detail "the build's tests: $tests, of which failed or skipped: $errors"
    failed_tests | sed 's/^/        FAILED /' >&2
    passed=$((passed + tests - errors))
    failed=$((failed + errors))
}

# Takes over the figures of a step that ends with "N passed, N failed" itself: count_checks_of NAME
count_checks_of() {
    local figures
    figures=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$LOGS/$1.log")
    [[ -n $figures ]] || return 0 # It broke off, and counts as one that failed.
    detail "its checks: ${figures% *} passed, ${figures#* } failed"
    passed=$((passed + ${figures% *}))
    failed=$((failed + ${figures#* }))
}

# "TESTS FAILURES" of every test class.
figures_of_suites() {
    find . -path '*/target/surefire-reports/TEST-*.xml' -exec sed -n '/<testsuite /{
        s/.* tests="\([0-9]*\)" errors="\([0-9]*\)" skipped="\([0-9]*\)" failures="\([0-9]*\)".*/\1 \2 \3 \4/p; q }' {} \; \
        | awk '{ print $1, $2 + $3 + $4 }'
}

# "CLASS.TEST: MESSAGE" of every test that failed or was skipped, a line each. Maven's own list is far from the end of its log.
failed_tests() {
    find . -path '*/target/surefire-reports/TEST-*.xml' -exec awk '
        function attribute(name) {
            if (!match($0, " " name "=\"[^\"]*\"")) return ""
            return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
        }
        /<testcase / { test = attribute("classname") "." attribute("name") }
        /<(failure|error|skipped)[ >\/]/ { print test ": " substr(attribute("message"), 1, 300) }
        ' {} +
}

# One run in three must show what Holdfast is for; else the checks, or the witness at the switch, may be blind. Rare checkpoints
# leave much behind, so that it is the first one as a rule.
see_violations_without_holdfast() {
    local run result=$LOGS/negative-control.json
    for run in 1 2 3; do
        limited "$DEMO" --mode off --interval 450ms --heartbeat 250ms --json "$result" || continue
        if jq --exit-status '.violations > 0 and .old_owner_uncommitted_frames > 0' "$result"; then
            return
        fi
        echo "run $run showed no violation"
    done
    return 1
}

# What a demonstration could have forgotten, by the names that all of them use.
what_is_left() {
    {
        ip netns list | awk '/^(hf[0-9]+|holdfast)-/ { print "namespace " $1 }'
        find /dev/shm -maxdepth 1 -name 'hf[0-9]*-*'
        find /tmp -maxdepth 1 \( -name 'holdfast-demo.*' -o -name 'holdfast-warm.*' -o -name 'holdfast-machine.*' \)
    } | sort
}

# Only what is new counts: another run beside this one may have ended meanwhile.
nothing_was_left() {
    local left
    left=$(comm -13 <(printf '%s\n' "$LEFT_BEFORE") <(what_is_left))
    printf '%s\n' "$left"
    [[ -z $left ]]
}

main "$@"
