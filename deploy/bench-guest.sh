#!/usr/bin/env bash
# Measures a real guest: what its clients wait and get without Holdfast, with QEMU's own filter-buffer and behind the wall,
# or in reverse mode, what a checkpoint takes, how long a failover is and how long a restored guest needs to catch up. A part
# of bench.sh, which says what its figures are for.
#
#   bench-guest.sh [--quick | --smoke] [--rounds N] [--seconds N] [--ways A,B] [--limit SECONDS] --figures FILE
#                                                                as root, on Debian 12 with a JDK 25
#
#   --quick            shorter measurements: one size of memory, ten failovers of each kind, one with a catch-up
#   --smoke            the shortest: one failover of each kind
#   --rounds N         times that requests and bulk are measured, in turns (default: 3)
#   --seconds N        how long each thing is measured (default: 5)
#   --ways A,B         only these of the ways below, and of checkpoints, failovers and catchups
#   --limit SECONDS    fewer rounds and failovers if they would take longer (default: no limit)
#   --figures FILE     gets a line of JSON for each figure
#
# The guest is Redis under TCG and nothing else, so its clients measure with what Redis does: bulk down is GET of large
# values, bulk up is SET of such, and small replies are those to PING of many clients at once, each in a frame of its own.
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

readonly WAYS=(
    guest-plain guest-filter-10ms guest-filter-25ms guest-synthetic-10ms guest-wall-10ms guest-wall-25ms guest-wall-demand
    guest-reverse-free guest-reverse-serial guest-reverse-batch
)
readonly VALUE_BYTES=524288
readonly DEFAULT_HEARTBEATS_MISSED=$HEARTBEATS_MISSED DEFAULT_GRACE=$GRACE

rounds=3 seconds=5 figures='' wanted='' failovers=20 catch_ups=5 killed_micros=0 limit_seconds=1000000
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

    # Before the failovers, which take the time that there is.
    ! is_wanted catchups || measure_catch_ups
    local memory
    for memory in "${memory_sizes[@]}"; do
        measure_guest "$memory"
    done
}

parse_options() {
    while (($# > 0)); do
        case $1 in
            --help | -h) print_help && exit 0 ;;
            --quick) seconds=1 failovers=10 catch_ups=1 memory_sizes=(128) && shift && continue ;;
            --smoke) seconds=1 failovers=1 catch_ups=1 memory_sizes=(128) && shift && continue ;;
            --rounds | --seconds | --ways | --limit | --figures) ;;
            *) die_of_usage "unknown option $1" ;;
        esac
        (($# > 1)) || die_of_usage "$1 needs a value"
        case $1 in
            --rounds) rounds=$2 ;;
            --seconds) seconds=$2 ;;
            --ways) wanted=$2 ;;
            --limit) limit_seconds=$2 ;;
            --figures) figures=$2 ;;
        esac
        shift 2
    done
    [[ $rounds =~ ^[1-9][0-9]?$ ]] || die_of_usage "--rounds is a number from 1 to 99, not $rounds"
    [[ $seconds =~ ^[1-9][0-9]?$ ]] || die_of_usage "--seconds is a number from 1 to 99, not $seconds"
    [[ $limit_seconds =~ ^[1-9][0-9]*$ ]] || die_of_usage "--limit is a number of seconds, not $limit_seconds"
    [[ -n $figures ]] || die_of_usage "--figures is missing"
}

is_wanted() { [[ -z $wanted || ,$wanted, == *",$1,"* ]]; }

# One guest for all that is measured with its size of memory, because it takes seconds to boot: measure_guest MEMORY_MIB
measure_guest() {
    local way ways=()
    if (($1 == 128)); then
        for way in "${WAYS[@]}"; do
            ! is_wanted "$way" || ways+=("$way")
        done
    fi
    if ((${#ways[@]} == 0)) && ! is_wanted checkpoints && ! { (($1 == 128)) && is_wanted failovers; }; then
        return 0
    fi
    say "a guest of $1 MiB boots"
    start_lab "guest-$1" "$1"
    # What is measured here is not how soon a silence is noticed; a busy machine shall not bring about failovers.
    HEARTBEATS_MISSED=100 GRACE=10s
    measure_ways "${ways[@]}"
    ! is_wanted checkpoints || measure_checkpoints "$1"
    HEARTBEATS_MISSED=$DEFAULT_HEARTBEATS_MISSED GRACE=$DEFAULT_GRACE
    if (($1 == 128)) && is_wanted failovers; then measure_failovers; fi
    stop_lab
}

# record WHAT METRIC VALUE, where what is as in bench-report.sh; what is no number is not measured.
record() {
    local value=$3
    [[ $value =~ ^-?[0-9.]+(e[-+]?[0-9]+)?$ ]] || value=null
    printf '{%s,"metric":"%s","value":%s}\n' "$1" "$2" "$value" >> "$figures"
    detail "$2: $value"
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

# Puts the wall of host a and the backup on host b around the guest that runs:
# protect INTERVAL LATENCY_TARGET BUDGET DIRTY_PAGES
protect() {
    close_bridge
    write_config a primary wall "$1"
    write_config b backup wall "$1"
    local host
    for host in a b; do
        sed -i -e "s/^agent:/&\n  latency-target: $2\n  pause-budget: $3/" -e "s/^  qemu:/&\n    dirty-pages: $4/" \
            "$(config_of $host)"
    done
    start_holdfast a proxy
    start_holdfast a agent
    start_backup b
    wait_for_protection a
}

# Puts one proxy on host b in front of the guest that runs, in reverse mode: protect_inline ADMISSION INTERVAL
protect_inline() {
    PLACEMENT=inline ADMISSION=$1
    close_bridge
    wire_hosts_inline
    write_config a primary reverse "$2"
    write_config b backup reverse "$2"
    # Room for what two epochs of bulk bring.
    sed -i 's/^  reverse:/&\n    log-limit: 1GiB/' "$(config_of b)"
    start_holdfast a agent
    start_backup b
    wait_for_protection a
}

# Puts the wall around it with commits, but without checkpoints, so that the guest is never paused: wall_off INTERVAL_MILLIS
wall_off() {
    close_bridge
    write_config a primary wall "$1ms"
    start_holdfast a proxy
    wait_for 60 test -S "$HOSTS_DIR/a/run/proxy.sock" || die "the proxy does not start: $(cat "$(log_of a proxy)")"
    start_in_lab a "$(log_of a engine)" "$JDK_25/bin/java" -XX:+UseSerialGC -cp "$HOLDFAST_LIB/*:$DEMO_LIB/*" \
        io.holdfast.demo.bench.SyntheticEngine --socket "$HOSTS_DIR/a/run/proxy.sock" --interval-millis "$1"
    HOLDFAST_PIDS[a-engine]=$STARTED_PID
    wait_for 60 grep -qs driving "$(log_of a engine)" || die "no engine: $(cat "$(log_of a engine)")"
}

# Takes away what protect, protect_inline or wall_off has started. The guest's QEMU stays.
expose() {
    local program pid host
    for program in a-agent a-engine a-proxy b-agent b-proxy; do
        pid=${HOLDFAST_PIDS[$program]:-}
        [[ -n $pid ]] || continue
        kill -TERM "$pid" 2> /dev/null || true
        wait_for 10 is_gone "$pid" || die "$program does not end"
    done
    HOLDFAST_PIDS=()
    kill_everything_in b
    rm -rf "$HOSTS_DIR"/{a,b}/state "$HOSTS_DIR"/a/run/{proxy,agent}.sock
    make_host a
    make_host b
    # The proxy leaves its drop rules behind, so that a host whose proxy has ended leaks nothing.
    for host in a b; do
        in_lab "$host" nft flush ruleset
    done
    [[ $PLACEMENT == beside ]] || unwire_hosts
    open_bridge
    wait_for 10 guest_pings || die "the guest does not answer any more"
}

# What wire_hosts_inline has made.
unwire_hosts() {
    ip -n "$(namespace_of a)" link delete wire0
    ip -n "$(namespace_of a)" link delete cable0
    # It would send to host b what is for the guest, until the guest says something.
    ip -n "$(namespace_of switch)" link set port-b type bridge_slave fdb_flush
    PLACEMENT=beside ADMISSION=free
}

# ---- requests and bulk ------------------------------------------------------------------------------------------------

measure_ways() {
    local round way round_began_seconds
    (($# > 0)) || return 0
    for ((round = 1; round <= rounds; round++)); do
        round_began_seconds=$SECONDS
        for way in "$@"; do
            say "round $round of $rounds: $way"
            open_way "$way"
            record_way "$way"
            close_way "$way"
        done
        # Two thirds, because checkpoints and failovers follow.
        if ((2 * SECONDS - round_began_seconds > limit_seconds * 2 / 3)); then
            ((round == rounds)) || warn "no time for more than $round rounds"
            break
        fi
    done
}

open_way() {
    case $1 in
        guest-plain) ;;
        guest-filter-*)
            monitor object-add \
                "{\"qom-type\":\"filter-buffer\",\"id\":\"f0\",\"netdev\":\"n0\",\"interval\":$(millis_of "$1")000}"
            ;;
        guest-synthetic-*) wall_off "$(millis_of "$1")" ;;
        # No other cadence than the interval, if the guest gets half of its time.
        guest-wall-*ms) protect "$(millis_of "$1")ms" 10s 50 auto ;;
        guest-wall-demand) protect 200ms 0ms 30 auto ;;
        guest-reverse-*) protect_inline "${1##*-}" 500ms ;;
    esac
}

close_way() {
    case $1 in
        guest-filter-*) monitor object-del '{"id":"f0"}' ;;
        guest-synthetic-* | guest-wall-* | guest-reverse-*) expose ;;
    esac
}

millis_of() {
    local name=${1##*-}
    printf '%s' "${name%ms}"
}

record_way() {
    local way=$1 what="\"way\":\"$1\"" csv
    csv=$(redis_benchmark 10 -c 1 -t ping_mbulk)
    record "$what" request_p50_ms "$(column_of "$csv" 5)"
    record "$what" request_p99_ms "$(column_of "$csv" 7)"
    csv=$(redis_benchmark 400 -c 200 -t ping_mbulk)
    record "$what" small_replies_per_second "$(column_of "$csv" 2)"
    csv=$(redis_benchmark 8 -c 4 -d $VALUE_BYTES -t set)
    record "$what" bulk_up_gbit "$(gbit_of "$(column_of "$csv" 2)")"
    # That left a large value under the name that redis-benchmark uses.
    csv=$(redis_benchmark 8 -c 4 -t get)
    record "$what" bulk_down_gbit "$(gbit_of "$(column_of "$csv" 2)")"
    [[ $way != guest-wall-* && $way != guest-reverse-* ]] \
        || record "$what" pause_p50_ms "$(ask_holdfast a agent | jq '.pause_p50_ms // empty')"
}

# About as many requests as fit into the seconds that there are, by how long the first few take. Those include the opening
# of connections and TCP's slow start, which behind a wall take many epochs; so twice as many, and three times the first
# at least. Its line of figures: redis_benchmark FIRST_REQUESTS OPTION...
redis_benchmark() {
    local first=$1 rate requests
    shift
    rate=$(column_of "$(run_redis_benchmark -n "$first" "$@")" 2)
    requests=$(awk -v rate="$rate" -v seconds="$seconds" -v least="$first" \
        'BEGIN { requests = int(2 * rate * seconds); print (requests > 3 * least ? requests : 3 * least) }')
    run_redis_benchmark -n "$requests" "$@"
}

# A reply that does not come would be waited for without end.
run_redis_benchmark() {
    in_lab client timeout $((seconds * 10 + 60)) redis-benchmark -h "$GUEST_ADDRESS" --csv "$@" 2> /dev/null \
        | tail -n 1 || true
}

# column_of CSV NUMBER
column_of() { tr -d '"' <<< "$1" | rev | cut -d, -f$((9 - $2)) | rev; }

# gbit_of VALUES_PER_SECOND
gbit_of() { awk -v rate="$1" -v bytes=$VALUE_BYTES 'BEGIN { if (rate != "") printf "%.3f", rate * bytes * 8 / 1e9 }'; }

# ---- checkpoints ------------------------------------------------------------------------------------------------------

# The pause and the bytes of a checkpoint by way of finding changes and load: measure_checkpoints MEMORY_MIB
measure_checkpoints() {
    local wanted_method method load before
    say "checkpoints of a guest of $1 MiB"
    for wanted_method in comparison auto; do
        for load in idle writer; do
            protect 50ms 10s 90 $wanted_method
            before=$(ask_holdfast a agent)
            # What runs, not what was wished for.
            method=$(jq --raw-output .dirty_pages_by <<< "$before")
            if [[ $wanted_method == auto && $method == comparison ]]; then
                warn "nothing faster than comparison works here: $(grep -h comparison "$(log_of a agent)" | tail -n 1)"
                expose
                return 0
            fi
            say "$load, changed pages by $method"
            put_load_on $load
            record_checkpoints "\"checkpoint\":{\"memory_mib\":$1,\"method\":\"$method\",\"load\":\"$load\"}" "$before"
            expose
        done
    done
}

# A writer changes many small values at random; requests in a row, because every answer waits for a checkpoint.
put_load_on() {
    if [[ $1 == idle ]]; then
        sleep $((seconds + 1))
    else
        in_lab client timeout $((seconds + 1)) redis-benchmark -h "$GUEST_ADDRESS" -c 8 -P 64 -n 100000000 -r 20000 -d 400 \
            -t set > /dev/null 2>&1 || true
    fi
}

# record_checkpoints WHAT STATUS_BEFORE; the first checkpoint, which has all memory, does not count among the bytes.
record_checkpoints() {
    local status
    status=$(ask_holdfast a agent)
    record "$1" pause_p50_ms "$(jq '.pause_p50_ms // empty' <<< "$status")"
    record "$1" pause_p99_ms "$(jq '.pause_p99_ms // empty' <<< "$status")"
    record "$1" checkpoints "$(jq --argjson before "$2" '.checkpoints - $before.checkpoints' <<< "$status")"
    record "$1" kibibytes_per_checkpoint "$(jq --argjson before "$2" '(.checkpoints - $before.checkpoints) as $checkpoints
        | if $checkpoints > 0 then (.shipped_bytes - $before.shipped_bytes) / $checkpoints / 1024 | round else empty end' \
        <<< "$status")"
}

# ---- failovers --------------------------------------------------------------------------------------------------------

# One guest and its clients live through all of them. A host dies as a whole, so that nobody reports it; or QEMU alone, and
# the agent beside it does.
measure_failovers() {
    local primary=a failover kind kinds=() first_replies report began_seconds longest_seconds=0
    say "$failovers times a host is killed, and as often QEMU alone"
    protect 200ms 0ms 30 auto
    start_workload 8 bench:
    for ((failover = 1; failover <= 2 * failovers; failover++)); do
        if ((failover % 2 == 1)); then kind=host_killed; else kind=qemu_killed; fi
        kinds+=("$kind")
        began_seconds=$SECONDS
        sleep 0.$((400 + RANDOM % 400))
        say "failover $failover of $((2 * failovers)): $kind"
        fail_over "$kind" "$primary"
        primary=$(peer_of "$primary")
        record_promotion "$kind" "$primary"
        ((failover < 2 * failovers)) || break
        restore_redundancy "$kind" "$primary"
        ((longest_seconds >= SECONDS - began_seconds)) || longest_seconds=$((SECONDS - began_seconds))
        if ((SECONDS + longest_seconds > limit_seconds - 10)); then
            warn "no time for more than $failover failovers"
            break
        fi
    done
    sleep 1
    stop_workload
    report=$(workload_report)
    jq --exit-status '.survived == .clients and .violations == 0' <<< "$report" > /dev/null \
        || die "clients were lost: $report"
    mapfile -t first_replies < <(jq '.failover_ms[]' <<< "$report")
    for failover in "${!kinds[@]}"; do
        record "\"failover\":\"${kinds[failover]}\"" first_reply_ms "${first_replies[failover]:-}"
    done
}

# ---- catching up ------------------------------------------------------------------------------------------------------

# Each with a guest of its own, because after one the proxy and its guest are on the same host.
measure_catch_ups() {
    local admission number
    for admission in free serial batch; do
        for ((number = 1; number <= catch_ups; number++)); do
            say "catch-up $number of $catch_ups, admission $admission"
            start_lab "catch-up-$admission-$number" 128
            protect_inline "$admission" 1s
            measure_catch_up "$admission"
            stop_lab
            HOLDFAST_PIDS=() PLACEMENT=beside ADMISSION=free
        done
    done
}

# Eight clients ask as fast as they can: of their own keys, or all for the next number of one counter. The host is killed when
# they have done so for a part of an epoch: measure_catch_up ADMISSION
measure_catch_up() {
    local what="\"catch_up\":\"$1\"" request=(-t incr) recording_millis catch_up_millis
    [[ $1 != free ]] || request=(-t set -r 100000)
    start_in_lab client "$HOSTS_DIR/clients.log" redis-benchmark -h "$GUEST_ADDRESS" -c 8 -n 100000000 "${request[@]}"
    sleep 3
    recording_millis=$(record_part_of_an_epoch)
    killed_micros=$(now_micros)
    kill_everything_in a
    # Who looks often takes the processors from what is measured.
    sleep 2
    wait_for 20 has_promoted b || die "host b does not take over"
    # From the restored guest's first instruction to the open wall.
    catch_up_millis=$(($(millis_since_kill b 'AUDIT promoted') - $(millis_since_kill b 'runs the guest')))
    record "$what" recording_ms "$recording_millis"
    record "$what" replayed_kibibytes "$(ask_holdfast b proxy | jq '.reverse.replayed_bytes // empty | . / 1024 | round')"
    record "$what" catch_up_ms "$catch_up_millis"
    record "$what" catch_up_vs_recording \
        "$(awk -v one="$catch_up_millis" -v other="$recording_millis" 'BEGIN { printf "%.3f", one / other }')"
    record "$what" connections_reset "$(ask_holdfast b proxy | jq '.reverse.diverged_flows // empty')"
}

# Returns some time after a checkpoint was confirmed, and before the next one, and says how many milliseconds it was. What was
# recorded between that checkpoint's barrier and its confirmation comes on top.
record_part_of_an_epoch() {
    local frontier began_micros
    while true; do
        frontier=$(frontier_of b)
        wait_for 10 has_moved_on "$frontier" || die "there are no checkpoints"
        began_micros=$(now_micros)
        frontier=$(frontier_of b)
        sleep 0.3
        # Not if a checkpoint came before its time, because output was waiting for it.
        if ! has_moved_on "$frontier"; then
            printf '%s' $((($(now_micros) - began_micros) / 1000))
            return
        fi
    done
}

frontier_of() { ask_holdfast "$1" proxy | jq '.frontier // empty'; }

# has_moved_on FRONTIER
has_moved_on() { [[ $(frontier_of b) != "$1" ]]; }

# fail_over host_killed|qemu_killed HOST; killed_micros is when.
fail_over() {
    local pid
    pid=$(qemu_of "$2")
    killed_micros=$(now_micros)
    if [[ $1 == host_killed ]]; then
        kill_everything_in "$2"
    else
        kill -KILL "$pid"
        wait_for 10 is_gone "$pid" || die "QEMU does not die"
    fi
    tell_workload_of_failover "$killed_micros" "$(now_micros)"
    # Who looks often takes the processors from what is measured.
    sleep 0.7
    wait_for 20 has_promoted "$(peer_of "$2")" || die "host $(peer_of "$2") does not take over"
}

# The QEMU that runs on a host.
qemu_of() {
    local pid
    for pid in $(processes_in "$1"); do
        if [[ $(cat "/proc/$pid/comm" 2> /dev/null) == qemu-system-* ]]; then
            printf '%s' "$pid"
            return
        fi
    done
    die "no QEMU runs on host $1"
}

# has_promoted HOST, since the last kill
has_promoted() { (($(millis_since_kill "$1" 'AUDIT promoted') >= 0)); }

# How long the steps of the last promotion on a host took, by its agent's log: record_promotion KIND HOST
record_promotion() {
    local what="\"failover\":\"$1\"" decided restored announced
    decided=$(millis_since_kill "$2" 'promoting at')
    restored=$(millis_since_kill "$2" 'runs the guest')
    announced=$(millis_since_kill "$2" 'AUDIT promoted')
    record "$what" detect_ms "$decided"
    record "$what" restore_ms $((restored - decided))
    record "$what" announce_ms $((announced - restored))
}

# When a host's agent last said something, before (negative) or since the kill: millis_since_kill HOST WORDS
millis_since_kill() {
    local time
    time=$(grep "$2" "$(log_of "$1" agent)" | tail -n 1 | cut -d' ' -f1)
    if [[ -z $time ]]; then printf -- -1 && return; fi
    printf '%s' $(($(date -d "$time" +%s%3N) - killed_micros / 1000))
}

# A host that died returns; one that lost its QEMU has an agent that sees to it: restore_redundancy KIND PRIMARY
restore_redundancy() {
    local other
    other=$(peer_of "$2")
    if [[ $1 == host_killed ]]; then
        sed -i 's/^  role: primary/  role: backup/' "$(config_of "$other")"
        start_backup "$other"
    fi
    wait_for_protection "$2"
}

clean_up() {
    local exit_code=$?
    trap '' HUP INT PIPE TERM
    trap - EXIT
    set +e
    end_progress
    ((exit_code == 0 || exit_code >= 128)) || tail -n 20 "$BENCH_DIR"/*/*/*.log >&2
    destroy_lab
    remove_guest_memory
    rm -rf "$BENCH_DIR"
    exit "$exit_code"
}

main "$@"
