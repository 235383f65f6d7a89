#!/usr/bin/env bash
# Runs the long versions of the tests: many seeds of the simulations, and many real failovers with settings that differ
# from one to the next; every few of them a death at each step of the protocol, the pair under other faults, and cut apart.
#
#   campaign.sh [--seed S] [--count N]     as root, on Debian 12 with a JDK 25
#
#   --seed S           the first seed (default: a random one, which is shown); the same seed gives the same settings
#   --count N          failover runs, thousands of simulated histories, and five thousands of simulated failovers in reverse
#                      mode (default: 20)
#
# Installs missing Debian packages. Goes on after a failure; every failed run is named with the command that repeats it.
# The last line is "N passed, N failed". Exit code 0 if none failed.

# shellcheck source-path=SCRIPTDIR
set -euo pipefail

REPOSITORY=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
readonly REPOSITORY
# shellcheck source=lib/messages.sh
source "$REPOSITORY/deploy/lib/messages.sh"
# shellcheck source=lib/packages.sh
source "$REPOSITORY/deploy/lib/packages.sh"

# What the simulations take to: the build itself looks less far, see the tests that read these.
readonly HISTORIES_PER_COUNT=1000
readonly REVERSE_FAILOVERS_PER_COUNT=5000
readonly INTERLEAVING_DEPTH=10
# Of so many failovers one is followed by the scripts that check each step and fault.
readonly STEPS_EVERY=5
readonly LOGS=$REPOSITORY/deploy/target/campaign-logs
readonly INTERVALS=(10ms 25ms 50ms 100ms)

seed=$RANDOM count=20 passed=0 failed=0

main() {
    parse_options "$@"
    require_root
    install_missing_packages "${LAB_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
    prepare_build_tools
    mkdir -p "$LOGS"
    say "seed $seed, $count runs; logs are in $LOGS"
    simulate
    local run
    for ((run = 0; run < count; run++)); do
        fail_over_with_seed $((seed + run))
        ((run % STEPS_EVERY != 0)) || die_at_steps_and_of_faults_with_seed $((seed + run))
    done
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0))
}

parse_options() {
    while (($# > 0)); do
        case $1 in
            --help | -h) print_help && exit 0 ;;
            --seed | --count) ;;
            *) die_of_usage "unknown option $1" ;;
        esac
        (($# > 1)) || die_of_usage "$1 needs a value"
        [[ $2 =~ ^[0-9]{1,9}$ ]] || die_of_usage "$1 is a number, not $2"
        case $1 in
            --seed) seed=$2 ;;
            --count) count=$2 ;;
        esac
        shift 2
    done
}

# The state machines alone, in more histories and further than a build has time for. Surefire hands the properties on.
simulate() {
    attempt simulation \
        mvn -B -f "$REPOSITORY/pom.xml" -pl checkpoint-agent -am test \
        -Dtest=FailoverSimulationTest,EveryInterleavingTest -Dsurefire.failIfNoSpecifiedTests=false \
        "-Dholdfast.simulation.seed=$seed" "-Dholdfast.simulation.runs=$((count * HISTORIES_PER_COUNT))" \
        "-Dholdfast.interleaving.depth=$INTERLEAVING_DEPTH"
    attempt reverse-simulation \
        mvn -B -f "$REPOSITORY/pom.xml" -pl proxy-core -am test \
        -Dtest=ReverseSimulationTest,ReverseCrossProductTest -Dsurefire.failIfNoSpecifiedTests=false \
        "-Dholdfast.simulation.seed=$seed" "-Dholdfast.simulation.runs=$((count * REVERSE_FAILOVERS_PER_COUNT))"
}

die_at_steps_and_of_faults_with_seed() {
    attempt "steps-$1" "$REPOSITORY/deploy/steps.sh" --seed "$1"
    attempt "faults-$1" "$REPOSITORY/deploy/faults.sh" --seed "$1"
    attempt "partitions-$1" "$REPOSITORY/deploy/partitions.sh" --seed "$1"
}

# Settings that only the seed decides: fail_over_with_seed SEED
fail_over_with_seed() {
    RANDOM=$1
    local interval=${INTERVALS[RANDOM % ${#INTERVALS[@]}]} clients=$((5 + RANDOM % 12)) chain=$((1 + RANDOM % 3))
    attempt "failover-$1" \
        "$REPOSITORY/deploy/demo.sh" --seed "$1" --interval "$interval" --clients "$clients" --chain "$chain"
}

# Runs a command and counts whether it succeeded: attempt NAME COMMAND...
attempt() {
    local log=$LOGS/$1.log
    say "$1"
    shift
    if CI=true "$@" > "$log" 2>&1 < /dev/null; then
        passed=$((passed + 1))
        detail "passed: $(tail -n 1 "$log")"
    else
        failed=$((failed + 1))
        detail "FAILED, see $log; again with: $*"
    fi
}

main "$@"
