#!/usr/bin/env bash
# Measures a real guest: what its clients wait and get without Holdfast, with QEMU's own filter-buffer and behind the wall,
# what a checkpoint takes, and how long a failover is. A part of bench.sh, which says what its figures are for.
#
#   bench-guest.sh [--quick] [--rounds N] --figures FILE       as root, on Debian 12 with a JDK 25
#
#   --quick            shorter measurements: one round, one size of memory, five failovers
#   --rounds N         times that requests and bulk are measured, in turns (default: 3)
#   --figures FILE     gets a line of JSON for each figure
#
# Everything runs in network namespaces of its own and is removed at the end, whatever happens.

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
# shellcheck source=lib/lab.sh
source "$REPOSITORY/deploy/lib/lab.sh"
# shellcheck source=lib/hosts.sh
source "$REPOSITORY/deploy/lib/hosts.sh"
# shellcheck source=lib/workload.sh
source "$REPOSITORY/deploy/lib/workload.sh"

readonly WAYS=(guest-plain guest-filter-10ms guest-filter-25ms guest-wall-10ms guest-wall-25ms guest-wall-demand)
readonly VALUE_BYTES=524288

rounds=3 seconds=5 figures='' failovers=20 killed_micros=0
memory_sizes=(96 128 256 512)

main() {
    parse_options "$@"
    require_root
    install_missing_packages "${LAB_PACKAGES[@]}"
    prepare_build_tools
    build_if_needed
    build_guest_image

    BENCH_DIR=$(mktemp -d /tmp/holdfast-bench.XXXXXX)
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 141' PIPE
    trap 'exit 143' TERM

    measure_ways
    measure_failovers
    measure_pauses
}

parse_options() {
    while (($# > 0)); do
        case $1 in
            --help | -h) print_help && exit 0 ;;
            --quick) seconds=2 rounds=1 failovers=5 memory_sizes=(128) && shift && continue ;;
            --rounds | --figures) ;;
            *) die_of_usage "unknown option $1" ;;
        esac
        (($# > 1)) || die_of_usage "$1 needs a value"
        case $1 in
            --rounds) rounds=$2 ;;
            --figures) figures=$2 ;;
        esac
        shift 2
    done
    [[ $rounds =~ ^[1-9][0-9]?$ ]] || die_of_usage "--rounds is a number from 1 to 99, not $rounds"
    [[ -n $figures ]] || die_of_usage "--figures is missing"
}

# record WAY METRIC VALUE
record() {
    printf '{"way":"%s","metric":"%s","value":%s}\n' "$1" "$2" "$3" >> "$figures"
    detail "$2: $3"
}

# ---- a guest and its two hosts ----------------------------------------------------------------------------------------

# A guest that answers through the kernel's bridge, and nothing of Holdfast: start_lab NAME MEMORY_MIB
start_lab() {
    HOSTS_DIR=$BENCH_DIR/$1
    WORKLOAD_DIR=$HOSTS_DIR
    GUEST_MEMORY_MIB=$2
    make_host a
    make_host b
    create_lab
    start_guest a
    open_bridge
    wait_for $GUEST_BOOT_SECONDS guest_pings || die "the guest does not answer after $GUEST_BOOT_SECONDS s"
}

stop_lab() {
    destroy_lab
    remove_guest_memory
}

guest_pings() { [[ $(in_lab client timeout 2 redis-cli -h "$GUEST_ADDRESS" ping 2> /dev/null) == PONG ]]; }

open_bridge() {
    in_lab a sysctl -qw net.ipv6.conf.default.disable_ipv6=1
    ip -n "$(namespace_of a)" link add bridge0 type bridge forward_delay 0 stp_state 0
    ip -n "$(namespace_of a)" link set up0 master bridge0
    ip -n "$(namespace_of a)" link set tap0 master bridge0
    ip -n "$(namespace_of a)" link set bridge0 up
}

close_bridge() {
    ip -n "$(namespace_of a)" link delete bridge0
    leave_to_the_proxy a up0
    leave_to_the_proxy a tap0
}

# Tells QEMU something over its second monitor: monitor COMMAND ARGUMENTS_JSON
monitor() {
    printf '%s\n' '{"execute":"qmp_capabilities"}' "{\"execute\":\"$1\",\"arguments\":$2}" \
        | timeout 2 socat -t 1 - "UNIX-CONNECT:$HOSTS_DIR/a/run/monitor.sock" > "$HOSTS_DIR/monitor.log"
    ! grep -q '"error"' "$HOSTS_DIR/monitor.log" || die "QEMU refuses $1: $(cat "$HOSTS_DIR/monitor.log")"
}

# Puts the wall of host a and the backup on host b around the guest that runs: protect INTERVAL LATENCY_TARGET BUDGET DIRTY_PAGES
protect() {
    close_bridge
    write_config a primary wall "$1"
    write_config b backup wall "$1"
    local host
    for host in a b; do
        sed -i "s/^agent:/&\n  latency-target: $2\n  pause-budget: $3/; s/^  qemu:/&\n    dirty-pages: $4/" "$(config_of $host)"
    done
    start_holdfast a proxy
    start_holdfast a agent
    start_backup b
    wait_for_protection a
}

# Takes them away again. The guest's QEMU stays.
expose() {
    local program
    for program in a-agent a-proxy b-agent b-proxy; do
        kill -TERM "${HOLDFAST_PIDS[$program]}"
        wait_for 10 is_gone "${HOLDFAST_PIDS[$program]}" || die "$program does not end"
    done
    kill_everything_in b
    rm -rf "$HOSTS_DIR"/{a,b}/state "$HOSTS_DIR"/a/run/{proxy,agent}.sock
    make_host a
    make_host b
    # The proxy leaves its drop rules behind, so that a host whose proxy has ended leaks nothing.
    in_lab a nft flush ruleset
    open_bridge
    wait_for 10 guest_pings || die "the guest does not answer any more"
}

# ---- requests and bulk ------------------------------------------------------------------------------------------------

measure_ways() {
    local round way
    say "a guest of 128 MiB, and its clients"
    start_lab ways 128
    for ((round = 1; round <= rounds; round++)); do
        for way in "${WAYS[@]}"; do
            say "round $round of $rounds: $way"
            open_way "$way"
            record_way "$way"
            close_way "$way"
        done
    done
    stop_lab
}

open_way() {
    case $1 in
        guest-plain) ;;
        guest-filter-*)
            monitor object-add "{\"qom-type\":\"filter-buffer\",\"id\":\"f0\",\"netdev\":\"n0\",\"interval\":$(millis_of "$1")000}"
            ;;
        # No other cadence than the interval.
        guest-wall-*ms) protect "$(millis_of "$1")ms" 10s 90 auto ;;
        guest-wall-demand) protect 200ms 0ms 30 auto ;;
    esac
    in_lab client redis-benchmark -h "$GUEST_ADDRESS" -c 1 -n 20 -t ping_mbulk --csv > /dev/null
}

close_way() {
    case $1 in
        guest-filter-*) monitor object-del '{"id":"f0"}' ;;
        guest-wall-*) expose ;;
    esac
}

millis_of() {
    local name=${1##*-}
    printf '%s' "${name%ms}"
}

record_way() {
    local way=$1 requests=$((seconds * 30)) csv transfers
    csv=$(in_lab client redis-benchmark -h "$GUEST_ADDRESS" -c 1 -n $requests -t ping_mbulk --csv | tail -n 1 | tr -d '"')
    record "$way" request_p50_ms "$(cut -d, -f5 <<< "$csv")"
    record "$way" request_p99_ms "$(cut -d, -f7 <<< "$csv")"
    head -c $VALUE_BYTES /dev/zero | in_lab client redis-cli -h "$GUEST_ADDRESS" -x set bulk > /dev/null
    csv=$(in_lab client redis-benchmark -h "$GUEST_ADDRESS" -c 4 -n $((seconds * 60)) --csv get bulk | tail -n 1 | tr -d '"')
    transfers=$(rev <<< "$csv" | cut -d, -f7 | rev)
    record "$way" bulk_down_gbit "$(jq -n "$transfers * $VALUE_BYTES * 8 / 1e9 * 1000 | round / 1000")"
    [[ $way != guest-wall-* ]] || record "$way" pause_p50_ms "$(ask_holdfast a agent | jq .pause_p50_ms)"
}

# ---- checkpoints ------------------------------------------------------------------------------------------------------

# The pause and the bytes of a checkpoint by size of memory, way of finding changes and load.
measure_pauses() {
    local memory method load before
    for memory in "${memory_sizes[@]}"; do
        say "checkpoints of a guest of $memory MiB"
        start_lab "pauses-$memory" "$memory"
        for method in comparison auto; do
            for load in idle writer; do
                protect 50ms 10s 90 $method
                before=$(ask_holdfast a agent)
                put_load_on $load
                record_checkpoints "checkpoint-${memory}mib-$method-$load" "$before"
                expose
            done
        done
        stop_lab
    done
}

put_load_on() {
    if [[ $1 == idle ]]; then
        sleep "$seconds"
    else
        in_lab client timeout "$seconds" redis-benchmark -h "$GUEST_ADDRESS" -c 4 -n 1000000 -r 20000 -d 400 -t set \
            > /dev/null 2>&1 || true
    fi
}

# record_checkpoints WAY STATUS_BEFORE; the first checkpoint, which has all memory, is in neither.
record_checkpoints() {
    local status
    status=$(ask_holdfast a agent)
    record "$1" pause_p50_ms "$(jq .pause_p50_ms <<< "$status")"
    record "$1" pause_p99_ms "$(jq .pause_p99_ms <<< "$status")"
    record "$1" kibibytes_per_checkpoint "$(jq --argjson before "$2" \
        '(.shipped_bytes - $before.shipped_bytes) / (.checkpoints - $before.checkpoints) / 1024 | round' <<< "$status")"
}

# ---- failovers --------------------------------------------------------------------------------------------------------

# One guest and its clients live through all of them.
measure_failovers() {
    local primary=a failover report
    say "$failovers failovers of a guest of 128 MiB"
    start_lab failovers 128
    protect 200ms 0ms 30 auto
    start_workload 8 bench:
    for ((failover = 1; failover <= failovers; failover++)); do
        let_clients_run $((500 + RANDOM % 500))
        fail_over "$primary"
        primary=$(peer_of "$primary")
        record_promotion "$primary"
        ((failover == failovers)) || restore_redundancy "$primary"
    done
    let_clients_run 3000
    stop_workload
    report=$(workload_report)
    jq --exit-status '.survived == .clients and .violations == 0' <<< "$report" > /dev/null || die "clients were lost: $report"
    for failover in $(jq '.failover_ms[]' <<< "$report"); do
        record failover first_reply_ms "$failover"
    done
    stop_lab
}

# Kills a host; killed_micros is when.
fail_over() {
    killed_micros=$(now_micros)
    kill_everything_in "$1"
    tell_workload_of_failover "$killed_micros" "$(now_micros)"
    let_clients_run 1000
}

# The steps of the last promotion on a host, since the kill, by its agent's log.
record_promotion() {
    record failover decided_ms "$(millis_since_kill "$1" 'promoting at')"
    record failover restored_ms "$(millis_since_kill "$1" 'runs the guest')"
    record failover announced_ms "$(millis_since_kill "$1" 'AUDIT promoted')"
}

# millis_since_kill HOST WORDS
millis_since_kill() {
    local time
    time=$(grep "$2" "$(log_of "$1" agent)" | tail -n 1 | cut -d' ' -f1)
    printf '%s' $(($(date -d "$time" +%s%3N) - killed_micros / 1000))
}

restore_redundancy() {
    local dead
    dead=$(peer_of "$1")
    sed -i 's/^  role: primary/  role: backup/' "$(config_of "$dead")"
    start_backup "$dead"
    wait_for_protection "$1"
}

clean_up() {
    local exit_code=$?
    trap '' HUP INT PIPE TERM
    trap - EXIT
    set +e
    end_progress
    ((exit_code == 0)) || tail -n 20 "$BENCH_DIR"/*/*/*.log >&2
    destroy_lab
    remove_guest_memory
    rm -rf "$BENCH_DIR"
    exit "$exit_code"
}

main "$@"
