#!/usr/bin/env bash
# Measures what Holdfast costs, against the kernel's own bridge and against QEMU without Holdfast.
#
#   bench.sh [--quick | --smoke] [--rounds N] [--seconds N] [--ways A,B] [--out DIR]   as root, on Debian 12 with a JDK 25
#
#   --quick            shorter measurements, and one size of guest; ends within 8 minutes
#   --smoke            the shortest: one round of some ways, in less than a minute; shows that all of this works
#   --rounds N         times that everything is measured, in turns (default: 3)
#   --seconds N        how long each thing is measured (default: 5)
#   --ways A,B         only these, of the ways and parts that are listed below
#   --out DIR          where bench.json, bench.txt and bench.svg go (default: deploy/target/bench)
#
# Bulk TCP both ways, 60-byte frames and one request after the other, for the ways kernel-bridge; pcap and packet-socket,
# with the wall open (ALONE); wall-10ms, wall-25ms and wall-50ms, on packet-socket with epochs of that length; reverse-pcap
# and reverse, in front of two hosts, recording with epochs of 100 ms; reverse-open, without a backup to record for. Then the
# part release: from a commit to the last held frame on the wire; and the part connections: requests, by how many connections
# are open, of the ways kernel-bridge and reverse. With a real guest (bench-guest.sh): the ways guest-plain;
# guest-filter-10ms and guest-filter-25ms, QEMU's filter-buffer; guest-synthetic-10ms, the wall with commits and without
# checkpoints, as filter-buffer does without; guest-wall-10ms, guest-wall-25ms and guest-wall-demand; guest-reverse-free,
# guest-reverse-serial and guest-reverse-batch, by admission; and the parts checkpoints, failovers and catchups (a kill in reverse mode).
#
# Everything runs in network namespaces of its own and is removed at the end, whatever happens. Trust the ratios: all of it
# shares this machine's processors. The last line of the output is the summary, as one JSON object.

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
# shellcheck source=lib/bench-report.sh
source "$REPOSITORY/deploy/lib/bench-report.sh"

readonly PARTS=(release connections checkpoints failovers catchups)
readonly CLIENT=10.8.0.1 GUEST=10.8.0.2
readonly PLACES=(client host guest)
readonly REVERSE_EPOCH_MILLIS=100
# A machine that is busy with other things too starts a Java program slowly.
readonly START_SECONDS=60

LAB=hf$$
readonly LAB

# A limit of 0 is none. The guest gets what the network leaves, and that is at least half.
rounds=3 seconds=5 limit_seconds=0 began_seconds=0 out='' wanted=''
release_frames=1,100,1000,10000 release_mebibytes=1,4,16,64,240 open_connections=1,1000,10000,100000
guest_options=() guest_failed=false
started_pid='' proxy_pid='' engine_pid='' guest_bench_pid='' cpu_seconds=0

main() {
    parse_options "$@"
    require_root
    install_missing_packages "${LAB_PACKAGES[@]}" iperf3 redis-server redis-tools
    prepare_build_tools
    build_if_needed

    BENCH_DIR=$(mktemp -d /tmp/holdfast-bench.XXXXXX)
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 141' PIPE
    trap 'exit 143' TERM
    : > "$BENCH_DIR/figures"
    settings=$(describe_machine)
    began_seconds=$SECONDS

    measure_network
    measure_guest
    report
    # Not before the rest is written down, which took minutes.
    ! $guest_failed || die "the measurements of a guest failed; see above"
}

parse_options() {
    while (($# > 0)); do
        case $1 in
            --help | -h) print_help && exit 0 ;;
            --quick) seconds=1 limit_seconds=470 && guest_options+=(--quick) && shift && continue ;;
            --smoke) be_short && shift && continue ;;
            --rounds | --seconds | --ways | --out) ;;
            *) die_of_usage "unknown option $1" ;;
        esac
        (($# > 1)) || die_of_usage "$1 needs a value"
        case $1 in
            --rounds) rounds=$2 ;;
            --seconds) seconds=$2 && guest_options+=(--seconds "$2") ;;
            --ways) wanted=$2 ;;
            --out) out=$2 ;;
        esac
        shift 2
    done
    [[ $rounds =~ ^[1-9][0-9]?$ ]] || die_of_usage "--rounds is a number from 1 to 99, not $rounds"
    [[ $seconds =~ ^[1-9][0-9]?$ ]] || die_of_usage "--seconds is a number from 1 to 99, not $seconds"
    guest_options+=(--rounds "$rounds")
    choose_ways
    out=${out:-$TARGET/bench}
    mkdir -p "$out"
}

be_short() {
    rounds=1 seconds=1 release_frames=1,1000 release_mebibytes=1
    wanted=kernel-bridge,packet-socket,release,guest-wall-demand,failovers
    guest_options+=(--smoke)
}

# Sets ways to those that are wanted, in the order in which they are listed.
choose_ways() {
    local known way asked=()
    known=" ${MEASURED_WAYS[*]} ${PARTS[*]} "
    IFS=, read -ra asked <<< "$wanted"
    for way in "${asked[@]}"; do
        [[ $known == *" $way "* ]] || die_of_usage "--ways knows no $way, but$known"
    done
    ways=()
    for way in "${MEASURED_WAYS[@]}" "${PARTS[@]}"; do
        [[ -n $wanted && ,$wanted, != *",$way,"* ]] || ways+=("$way")
    done
}

is_wanted() { [[ " ${ways[*]} " == *" $1 "* ]]; }

describe_machine() {
    jq --null-input --compact-output --arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
        --argjson cores "$(nproc)" --arg kernel "$(uname -r)" --arg load "$(cut -d' ' -f1-3 /proc/loadavg)" \
        --argjson rounds "$rounds" --argjson seconds "$seconds" \
        '{machine: {cpu: $cpu, cores: $cores, kernel: $kernel, load_before: $load}, rounds: $rounds, seconds: $seconds}'
}

# Ways in turns, so that what else happens on the machine hits all of them.
measure_network() {
    local round way round_began_seconds network_ways=()
    for way in "${ways[@]}"; do
        case $way in guest-* | checkpoints | failovers | catchups) ;; *) network_ways+=("$way") ;; esac
    done
    ((${#network_ways[@]} > 0)) || return 0
    create_lab
    for ((round = 1; round <= rounds; round++)); do
        round_began_seconds=$SECONDS
        for way in "${network_ways[@]}"; do
            say "round $round of $rounds: $way"
            case $way in
                release) measure_release ;;
                connections) measure_connections kernel-bridge && measure_connections reverse ;;
                *) measure "$way" ;;
            esac
        done
        if ((limit_seconds > 0 && 2 * SECONDS - round_began_seconds - began_seconds > limit_seconds / 2)); then
            ((round == rounds)) || warn "no time for more than $round rounds"
            break
        fi
    done
    destroy_lab
}

measure_guest() {
    local way guest_ways=()
    for way in "${ways[@]}"; do
        case $way in guest-* | checkpoints | failovers | catchups) guest_ways+=("$way") ;; esac
    done
    ((${#guest_ways[@]} > 0)) || return 0
    ((limit_seconds == 0)) || guest_options+=(--limit $((limit_seconds + began_seconds - SECONDS)))
    # Waited for in the background, so that a signal reaches this script at once; clean_up passes it on.
    "$REPOSITORY/deploy/bench-guest.sh" "${guest_options[@]}" --ways "$(IFS=, && printf '%s' "${guest_ways[*]}")" \
        --figures "$BENCH_DIR/figures" < /dev/null &
    guest_bench_pid=$!
    wait $guest_bench_pid || guest_failed=true
    guest_bench_pid=''
}

# ---- the lab: client -- host -- guest, one cable each ------------------------------------------------------------------

in_lab() {
    local place=$1
    shift
    ip netns exec "$LAB-$place" "$@"
}

# Starts a program in a place, in the background; its process id is in started_pid: start PLACE LOG COMMAND...
start() {
    local namespace=$LAB-$1 log=$2
    shift 2
    ip netns exec "$namespace" "$@" < /dev/null > "$log" 2>&1 &
    started_pid=$!
    disown $!
}

create_lab() {
    local place port
    for place in "${PLACES[@]}"; do
        ip netns add "$LAB-$place"
        ip -n "$LAB-$place" link set lo up
        in_lab "$place" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    done
    cable client eth0 up0 $CLIENT
    cable guest eth0 tap0 $GUEST
    # Where the other host would be, for a proxy in front of both.
    ip -n "$LAB-host" link add tap1 type veth peer name spare0
    for port in tap1 spare0; do
        ip -n "$LAB-host" link set "$port" addrgenmode none
        ip -n "$LAB-host" link set "$port" up
    done
    for place in client guest; do
        tune_tcp "$place"
    done
    start guest "$BENCH_DIR/redis.log" redis-server --bind $GUEST --protected-mode no --save '' --daemonize no
}

# What is measured is the way, not how TCP finds out about it. Half of a buffer is window, here 32 MiB: enough for 17 Gbit/s
# through a wall with epochs of 10 ms, where an answer takes one and a half of them, and for 3.5 Gbit/s with epochs of 50 ms.
# Reno, because it is up to speed at the end of the seconds that are left out: with epochs of 50 ms CUBIC was at 0.2 Gbit/s
# after 7 s and BBR needed 3 s, which is what a bulk transfer with one of these will see. Nothing is remembered from one way
# for the next.
tune_tcp() {
    in_lab "$1" sysctl -qw net.ipv4.tcp_rmem='4096 1048576 268435456' net.ipv4.tcp_wmem='4096 1048576 268435456' \
        net.ipv4.tcp_congestion_control=reno net.ipv4.tcp_no_metrics_save=1
}

# cable PLACE INTERFACE PORT ADDRESS
cable() {
    ip -n "$LAB-$1" link add "$2" type veth peer name "$3" netns "$LAB-host"
    ip -n "$LAB-$1" address add "$4/24" dev "$2"
    ip -n "$LAB-$1" link set "$2" up
    ip -n "$LAB-host" link set "$3" addrgenmode none
    ip -n "$LAB-host" link set "$3" up
}

# Merged frames and unfinished checksums on all ends: offloads on|off
offloads() {
    local end
    for end in client:eth0 guest:eth0 host:up0 host:tap0 host:tap1; do
        in_lab "${end%:*}" ethtool -K "${end#*:}" tx "$1" tso "$1" gso "$1" gro "$1" > /dev/null
    done
}

# ---- the ways that frames can go --------------------------------------------------------------------------------------

open_way() {
    case $1 in
        kernel-bridge)
            offloads on
            ip -n "$LAB-host" link add bridge0 type bridge forward_delay 0 stp_state 0
            ip -n "$LAB-host" link set up0 master bridge0
            ip -n "$LAB-host" link set tap0 master bridge0
            ip -n "$LAB-host" link set bridge0 up
            ;;
        pcap) offloads off && start_proxy pcap && start_engine 0 ;;
        packet-socket) offloads on && start_proxy packet-socket && start_engine 0 ;;
        wall-*ms) offloads on && start_proxy packet-socket && start_engine "$(interval_of "$1")" ;;
        reverse-pcap) offloads off && start_inline_proxy pcap && start_engine $REVERSE_EPOCH_MILLIS ;;
        reverse-open) offloads on && start_inline_proxy packet-socket && start_engine 0 ;;
        reverse) offloads on && start_inline_proxy packet-socket && start_engine $REVERSE_EPOCH_MILLIS ;;
    esac
    wait_for $START_SECONDS in_lab client timeout 1 redis-cli -h $GUEST ping > /dev/null || die "nothing gets through $1"
}

close_way() {
    [[ -z $engine_pid ]] || kill -KILL "$engine_pid" 2> /dev/null || true
    [[ -z $proxy_pid ]] || kill -KILL "$proxy_pid" 2> /dev/null || true
    [[ -z $proxy_pid ]] || wait_for 5 is_gone "$proxy_pid"
    engine_pid='' proxy_pid=''
    ip -n "$LAB-host" link delete bridge0 2> /dev/null || true
    in_lab host nft flush ruleset
}

is_gone() { ! kill -0 "$1" 2> /dev/null; }

# interval_of wall-NUMBERms
interval_of() {
    local millis=${1#wall-}
    printf '%s' "${millis%ms}"
}

# start_proxy PORT, beside the guest
start_proxy() { start_proxy_with "port: $1" 'nics: [{guest-port: tap0, uplink: up0}]'; }

# With room for what two epochs of bulk bring: start_inline_proxy PORT
start_inline_proxy() {
    start_proxy_with "port: $1" 'nics: [{primary: tap0, backup: tap1, uplink: up0}]' 'placement: inline' 'mode: reverse' \
        'reverse: {log-limit: 1GiB, digest-limit: 256MiB}'
}

# start_proxy_with SETTING...
start_proxy_with() {
    rm -rf "$BENCH_DIR"/{run,state}
    cat > "$BENCH_DIR/config.yaml" << YAML
guest: bench
host: bench
runtime-directory: $BENCH_DIR/run
state-directory: $BENCH_DIR/state
proxy:
  wall-limit: 256MiB
$(printf '  %s\n' "$@")
YAML
    start host "$BENCH_DIR/proxy.log" env JAVA_HOME="$JDK_25" "$HOLDFAST" --config "$BENCH_DIR/config.yaml" proxy
    proxy_pid=$started_pid
    wait_for $START_SECONDS test -S "$BENCH_DIR/run/proxy.sock" \
        || die "the proxy does not start: $(cat "$BENCH_DIR/proxy.log")"
}

# start_engine INTERVAL_MILLIS, 0 for an open wall
start_engine() {
    start host "$BENCH_DIR/engine.log" "$JDK_25/bin/java" -XX:+UseSerialGC -cp "$HOLDFAST_LIB/*:$DEMO_LIB/*" \
        io.holdfast.demo.bench.SyntheticEngine --socket "$BENCH_DIR/run/proxy.sock" --interval-millis "$1"
    engine_pid=$started_pid
    wait_for $START_SECONDS grep -qs -e open -e driving "$BENCH_DIR/engine.log" \
        || die "no engine: $(cat "$BENCH_DIR/engine.log")"
}

# ---- what is measured -------------------------------------------------------------------------------------------------

measure() {
    local way=$1
    open_way "$way"
    record_bulk "$way" bulk_down_gbit --reverse
    record "$way" cpu_seconds_per_gigabyte "$(calculate "$cpu_seconds / $seconds / ($value / 8)")"
    record_bulk "$way" bulk_up_gbit
    record_small_frames "$way"
    record_requests "$way"
    close_way
}

# record WAY METRIC VALUE; the value is kept, and what is no number is not measured.
record() {
    value=$3
    [[ $value =~ ^-?[0-9.]+(e[-+]?[0-9]+)?$ ]] || value=null
    printf '{"way":"%s","metric":"%s","value":%s}\n' "$1" "$2" "$value" >> "$BENCH_DIR/figures"
    detail "$2: $value"
}

# Three digits after the point; nothing if one of the numbers is missing: calculate EXPRESSION
calculate() { jq --null-input "$1 | . * 1000 | round / 1000" 2> /dev/null || true; }

# Gbit/s that the client sends to the guest, or with --reverse gets from it, without the seconds in which TCP and the
# proxy's compiler warm up; cpu_seconds is what that took: record_bulk WAY METRIC [--reverse]
record_bulk() {
    local way=$1 metric=$2 client ramp
    shift 2
    ramp=$(ramp_seconds_of "$way")
    serve
    in_lab client iperf3 --client $GUEST --omit "$ramp" --time "$seconds" --json "$@" > "$BENCH_DIR/bulk" 2>&1 &
    client=$!
    sleep "$ramp"
    watch_processors "$seconds"
    wait $client || warn "no bulk transfer: $(jq --raw-output .error "$BENCH_DIR/bulk" || true)"
    record "$way" "$metric" \
        "$(jq '.end.sum_received.bits_per_second // empty | . / 1e9 * 1000 | round / 1000' "$BENCH_DIR/bulk" || true)"
}

# TCP doubles once in one and a half epochs, and has to do so a dozen times.
ramp_seconds_of() {
    local interval=0
    [[ $1 != wall-* ]] || interval=$(interval_of "$1")
    printf '%d' $((1 + interval / 25))
}

# Frames of 60 bytes that reach the client's interface; its socket may lose some of them, but that is not the way's doing.
record_small_frames() {
    local way=$1 client frames began_micros allocated frames_at_start
    allocated=$(allocated_kibibytes)
    frames_at_start=$(frames_at_client)
    serve
    in_lab client iperf3 --client $GUEST --udp --bitrate 0 --length 18 --time $((seconds + 1)) --reverse --json \
        > /dev/null 2>&1 &
    client=$!
    sleep 0.8
    frames=$(frames_at_client)
    began_micros=$(now_micros)
    watch_processors "$seconds"
    frames=$(($(frames_at_client) - frames))
    record "$way" kiloframes_per_second "$(calculate "$frames * 1000 / $(($(now_micros) - began_micros))")"
    ((frames == 0)) || record "$way" cpu_seconds_per_million_frames "$(calculate "$cpu_seconds * 1e6 / $frames")"
    wait $client || warn "no small frames"
    [[ $way == reverse* ]] || record_allocation "$way" "$allocated" "$frames_at_start"
}

# record_allocation WAY KIBIBYTES FRAMES, which there were before
record_allocation() {
    local frames=$(($(frames_at_client) - $3))
    [[ -n $proxy_pid ]] && ((frames > 0)) || return 0
    record "$1" allocated_bytes_per_frame "$(calculate "($(allocated_kibibytes) - $2) * 1024 / $frames")"
}

frames_at_client() { in_lab client cat /sys/class/net/eth0/statistics/rx_packets; }

serve() {
    in_lab guest iperf3 --server --one-off --daemon --pidfile "$BENCH_DIR/iperf.pid"
    wait_for 10 in_lab guest sh -c 'ss -ltn | grep -q :5201' || die "iperf3 does not listen"
}

# As many as fit into some seconds, one after the other. In reverse mode it is TCP alone that leaves at once, and of which the
# frames are counted.
record_requests() {
    local requests=50000 csv allocated frames_at_start
    [[ $1 != wall-* ]] || requests=$((seconds * 1000 / $(interval_of "$1")))
    allocated=$(allocated_kibibytes)
    frames_at_start=$(frames_at_client)
    csv=$(in_lab client redis-benchmark -h $GUEST -c 1 -n "$requests" -t ping_mbulk --csv | tail -n 1 | tr -d '"')
    record "$1" request_p50_ms "$(cut -d, -f5 <<< "$csv")"
    record "$1" request_p99_ms "$(cut -d, -f7 <<< "$csv")"
    [[ $1 != reverse* ]] || record_allocation "$1" "$allocated" "$frames_at_start"
}

# Waits, and sets cpu_seconds to what all processors together worked meanwhile: watch_processors SECONDS
#
# The way's cost and its ends', since much of it is the kernel's, done for whoever happens to run; and that of everything
# else on the machine. It is the time in which processors did not idle, because the kernel takes that from a clock; the sum
# of user, system and interrupts is sampled at the ticks of a timer, and misses some of what begins and ends between them
# (1 to 6 % less, in a comparison).
watch_processors() {
    local before after began_micros
    before=$(idle_hundredths)
    began_micros=$(now_micros)
    sleep "$1"
    after=$(idle_hundredths)
    cpu_seconds=$(awk -v cores="$(nproc)" -v micros=$(($(now_micros) - began_micros)) -v idle=$((after - before)) \
        'BEGIN { seconds = cores * micros / 1e6 - idle / 100; printf "%.2f", (seconds > 0 ? seconds : 0) }')
}

# What all processors have idled so far, in hundredths of a second (USER_HZ is 100 on all machines that this runs on).
idle_hundredths() { awk '/^cpu / { printf "%d", $5 + $6 }' /proc/stat; }

# What the proxy's threads that move frames have allocated in their lives.
allocated_kibibytes() {
    [[ -n $proxy_pid ]] || { printf 0 && return; }
    "$JDK_25/bin/jcmd" "$proxy_pid" Thread.print -e \
        | sed -n 's/^"\(capture\|release\|inbound\|reconciler\)-.* allocated=\([0-9.]*[KMG]\{0,1\}\)B\{0,1\} .*/\2/p' \
        | numfmt --from=iec | awk '{ sum += $1 } END { if (NR == 0) exit 1; print sum / 1024 }'
}

# From a commit to the last frame on the wire. The most is what fits into a wall of 256 MiB together with its records.
measure_release() {
    offloads on
    start_proxy packet-socket
    in_lab host "$JDK_25/bin/java" -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED -cp "$HOLDFAST_LIB/*:$DEMO_LIB/*" \
        io.holdfast.demo.bench.ReleaseBench --socket "$BENCH_DIR/run/proxy.sock" \
        --guest-namespace "$LAB-guest" --client-namespace "$LAB-client" \
        --frames $release_frames --mebibytes $release_mebibytes --mebibytes-repetitions $((20 / rounds + 1)) \
        > "$BENCH_DIR/release.log" || die "the release bench failed: $(cat "$BENCH_DIR/release.log")"
    cat "$BENCH_DIR/release.log" >> "$BENCH_DIR/figures"
    detail "$(jq --compact-output '.release + {repetitions: (.nanos | length),
        p50_ms: (.nanos | sort | .[length / 2 | floor] / 1e6)}' "$BENCH_DIR/release.log" | tr -d '\n')"
    close_way
}

# Requests on few and on many connections: measure_connections WAY
measure_connections() {
    local way=$1
    open_way "$way"
    "$JDK_25/bin/java" -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED -cp "$HOLDFAST_LIB/*:$DEMO_LIB/*" \
        io.holdfast.demo.bench.ConnectionsBench --guest-namespace "$LAB-guest" --client-namespace "$LAB-client" \
        --connections "$open_connections" --seconds "$seconds" ${proxy_pid:+--process "$proxy_pid"} \
        > "$BENCH_DIR/connections.log" 2>&1 \
        || die "the connections bench failed: $(cat "$BENCH_DIR/connections.log")"
    jq --compact-output --arg way "$way" '{connections: {way: $way, open}, metric, value}' "$BENCH_DIR/connections.log" \
        | tee -a "$BENCH_DIR/figures" | while read -r figure; do
            detail "$way, $(jq --raw-output '"\(.connections.open) connections: \(.metric) \(.value)"' <<< "$figure")"
        done
    close_way
}

# ---- what comes out ---------------------------------------------------------------------------------------------------

report() {
    bench_json "$BENCH_DIR/figures" "$settings" > "$out/bench.json"
    bench_tables "$out/bench.json" > "$out/bench.txt"
    bench_picture "$out/bench.json" > "$out/bench.svg"
    cat "$out/bench.txt" >&2
    say "bench.json, bench.txt and bench.svg are in $out"
    jq --compact-output .summary "$out/bench.json"
}

destroy_lab() {
    local place
    for place in "${PLACES[@]}"; do
        ip netns pids "$LAB-$place" 2> /dev/null | xargs -r kill -KILL 2> /dev/null || true
        ip netns delete "$LAB-$place" 2> /dev/null || true
    done
}

clean_up() {
    local exit_code=$?
    trap '' HUP INT PIPE TERM
    trap - EXIT
    set +e
    end_progress
    if [[ -n $guest_bench_pid ]]; then
        kill -TERM "$guest_bench_pid" 2> /dev/null
        wait "$guest_bench_pid"
    fi
    destroy_lab
    ((exit_code == 0 || exit_code >= 128)) || tail -n 20 "$BENCH_DIR"/*.log >&2
    rm -rf "$BENCH_DIR"
    exit "$exit_code"
}

main "$@"
