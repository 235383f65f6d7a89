#!/usr/bin/env bash
# Measures what Holdfast costs on the way between a guest and its clients, against the kernel's own bridge.
#
#   bench.sh [--quick] [--rounds N] [--ways A,B] [--out DIR]      as root, on Debian 12 with a JDK 25
#
#   --quick            shorter measurements; ends within 8 minutes
#   --ways A,B         of the ways that are listed below only these
#   --rounds N         times that everything is measured, in turns (default: 3)
#   --out DIR          where bench.json, bench.txt and bench.svg go (default: deploy/target/bench)
#
# Bulk TCP both ways, 60-byte frames and one request after the other, for: the kernel's bridge; an open wall (ALONE) on pcap
# and on packet-socket; and a wall on packet-socket with epochs of 10, 25 and 50 ms. Everything runs in network namespaces of
# its own and is removed at the end, whatever happens. Trust the ratios: all of it shares this machine's processors.

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

ways=(kernel-bridge pcap packet-socket wall-10ms wall-25ms wall-50ms)
readonly CLIENT=10.8.0.1 GUEST=10.8.0.2
readonly PLACES=(client host guest)

LAB=hf$$
readonly LAB

rounds=3 seconds=5 out=''
started_pid='' proxy_pid='' engine_pid=''

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

    create_lab
    local round way
    for ((round = 1; round <= rounds; round++)); do
        for way in "${ways[@]}"; do
            measure "$way" "$round"
        done
    done
    measure_release
    report
}

parse_options() {
    while (($# > 0)); do
        case $1 in
            --help | -h) print_help && exit 0 ;;
            --quick) seconds=2 && shift && continue ;;
            --rounds | --ways | --out) ;;
            *) die_of_usage "unknown option $1" ;;
        esac
        (($# > 1)) || die_of_usage "$1 needs a value"
        case $1 in
            --rounds) rounds=$2 ;;
            --ways) IFS=, read -ra ways <<< "$2" ;;
            --out) out=$2 ;;
        esac
        shift 2
    done
    [[ $rounds =~ ^[1-9][0-9]?$ ]] || die_of_usage "--rounds is a number from 1 to 99, not $rounds"
    out=${out:-$TARGET/bench}
    mkdir -p "$out"
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
    local place
    for place in "${PLACES[@]}"; do
        ip netns add "$LAB-$place"
        ip -n "$LAB-$place" link set lo up
        in_lab "$place" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    done
    cable client eth0 up0 $CLIENT
    cable guest eth0 tap0 $GUEST
    # Enough window for what a wall holds.
    for place in client guest; do
        in_lab "$place" sysctl -qw net.ipv4.tcp_rmem='4096 1048576 67108864' net.ipv4.tcp_wmem='4096 1048576 67108864'
    done
    start guest "$BENCH_DIR/redis.log" redis-server --bind $GUEST --protected-mode no --save '' --daemonize no
}

# cable PLACE INTERFACE PORT ADDRESS
cable() {
    ip -n "$LAB-$1" link add "$2" type veth peer name "$3" netns "$LAB-host"
    ip -n "$LAB-$1" address add "$4/24" dev "$2"
    ip -n "$LAB-$1" link set "$2" up
    ip -n "$LAB-host" link set "$3" addrgenmode none
    ip -n "$LAB-host" link set "$3" up
}

# Merged frames and unfinished checksums on all four ends: offloads on|off
offloads() {
    local end
    for end in client:eth0 guest:eth0 host:up0 host:tap0; do
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
    esac
    wait_for 20 in_lab client timeout 1 redis-cli -h $GUEST ping > /dev/null || die "nothing gets through $1"
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

start_proxy() {
    rm -rf "$BENCH_DIR"/{run,state}
    cat > "$BENCH_DIR/config.yaml" << YAML
guest: bench
host: bench
runtime-directory: $BENCH_DIR/run
state-directory: $BENCH_DIR/state
proxy:
  port: $1
  nics:
    - guest-port: tap0
      uplink: up0
YAML
    start host "$BENCH_DIR/proxy.log" env JAVA_HOME="$JDK_25" "$HOLDFAST" --config "$BENCH_DIR/config.yaml" proxy
    proxy_pid=$started_pid
    wait_for 20 test -S "$BENCH_DIR/run/proxy.sock" || die "the proxy does not start: $(cat "$BENCH_DIR/proxy.log")"
}

# start_engine INTERVAL_MILLIS, 0 for an open wall
start_engine() {
    start host "$BENCH_DIR/engine.log" "$JDK_25/bin/java" -XX:+UseSerialGC -cp "$HOLDFAST_LIB/*:$DEMO_LIB/*" \
        io.holdfast.demo.bench.SyntheticEngine --socket "$BENCH_DIR/run/proxy.sock" --interval-millis "$1"
    engine_pid=$started_pid
    wait_for 20 grep -qs -e open -e driving "$BENCH_DIR/engine.log" || die "no engine: $(cat "$BENCH_DIR/engine.log")"
}

# ---- what is measured -------------------------------------------------------------------------------------------------

measure() {
    local way=$1 cpu_before cpu_after gbit frames allocated_before allocated_after
    say "round $2 of $rounds: $way"
    open_way "$way"
    warm_up
    cpu_before=$(machine_cpu_seconds)
    gbit=$(bulk --reverse)
    cpu_after=$(machine_cpu_seconds)
    record "$way" bulk_down_gbit "$gbit"
    record "$way" cpu_seconds_per_gigabyte "$(jq -n "($cpu_after - $cpu_before) / ($gbit * $seconds / 8)")"
    record "$way" bulk_up_gbit "$(bulk)"
    allocated_before=$(allocated_kibibytes)
    cpu_before=$(machine_cpu_seconds)
    frames=$(small_frames)
    cpu_after=$(machine_cpu_seconds)
    allocated_after=$(allocated_kibibytes)
    record "$way" kiloframes_per_second "$(jq -n "$frames / $seconds / 1000")"
    record "$way" cpu_seconds_per_million_frames "$(jq -n "($cpu_after - $cpu_before) * 1e6 / ([$frames, 1] | max)")"
    [[ -z $proxy_pid ]] || record "$way" allocated_bytes_per_frame \
        "$(jq -n "($allocated_after - $allocated_before) * 1024 / ([$frames, 1] | max)")"
    record_requests "$way"
    close_way
}

# record WAY METRIC VALUE
record() {
    printf '{"way":"%s","metric":"%s","value":%s}\n' "$1" "$2" "$3" >> "$BENCH_DIR/figures"
    detail "$2: $3"
}

# The proxy's code gets compiled where it is used.
warm_up() {
    bulk > /dev/null
    small_frames > /dev/null
}

# bulk [--reverse]: Gbit/s that the client sends to the guest, or gets from it
bulk() {
    serve
    in_lab client iperf3 --client $GUEST --time "$seconds" --json "$@" \
        | jq '.end.sum_received.bits_per_second / 1e9 * 1000 | round / 1000'
}

# Frames of 60 bytes that reach the client.
small_frames() {
    serve
    in_lab client iperf3 --client $GUEST --udp --bitrate 0 --length 18 --time "$seconds" --reverse --json \
        | jq '.end.sum | .packets * (1 - .lost_percent / 100) | round'
}

serve() {
    in_lab guest iperf3 --server --one-off --daemon --pidfile "$BENCH_DIR/iperf.pid"
    wait_for 5 in_lab guest sh -c 'ss -ltn | grep -q :5201' || die "iperf3 does not listen"
}

# As many as fit into some seconds, one after the other.
record_requests() {
    local requests=5000 csv
    [[ $1 != wall-* ]] || requests=$((seconds * 1000 / $(interval_of "$1")))
    csv=$(in_lab client redis-benchmark -h $GUEST -c 1 -n "$requests" -t ping_mbulk --csv | tail -n 1 | tr -d '"')
    record "$1" request_p50_ms "$(cut -d, -f5 <<< "$csv")"
    record "$1" request_p99_ms "$(cut -d, -f7 <<< "$csv")"
}

# What all processors together have worked so far: the way's cost and its ends', since much of it is the kernel's.
machine_cpu_seconds() {
    awk -v tick="$(getconf CLK_TCK)" '/^cpu / { print ($2 + $3 + $4 + $7 + $8) / tick }' /proc/stat
}

# What the proxy's threads that move frames have allocated in their lives.
allocated_kibibytes() {
    [[ -n $proxy_pid ]] || { printf 0 && return; }
    "$JDK_25/bin/jcmd" "$proxy_pid" Thread.print -e \
        | sed -n 's/^"\(capture\|release\|inbound\)-.* allocated=\([0-9.]*[KMG]\{0,1\}\)B\{0,1\} .*/\2/p' \
        | numfmt --from=iec | awk '{ sum += $1 } END { if (NR == 0) exit 1; print sum / 1024 }'
}

# From a commit to the last frame on the wire.
measure_release() {
    local frames=1,100,1000,10000 mebibytes=1,4,16,64,240
    say "release of held frames"
    offloads on
    start_proxy packet-socket
    in_lab host "$JDK_25/bin/java" -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED -cp "$HOLDFAST_LIB/*:$DEMO_LIB/*" \
        io.holdfast.demo.bench.ReleaseBench --socket "$BENCH_DIR/run/proxy.sock" \
        --guest-namespace "$LAB-guest" --client-namespace "$LAB-client" --frames $frames --mebibytes $mebibytes \
        | tee "$BENCH_DIR/release" | sed 's/^/        /' >&2
    close_way
}

# ---- what comes out ---------------------------------------------------------------------------------------------------

report() {
    jq --slurp --arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" --argjson cores "$(nproc)" \
        --arg kernel "$(uname -r)" --argjson rounds "$rounds" --slurpfile release "$BENCH_DIR/release" '
        def median: sort | .[(length - 1) / 2 | floor];
        (group_by(.way) | map({key: .[0].way, value: (group_by(.metric) | map({
            key: .[0].metric,
            value: (map(.value) | {median: median, min: min, max: max})}) | from_entries)}) | from_entries) as $ways
        | def of($way; $metric): $ways[$way][$metric].median;
        def ratio($metric; $way; $to):
            if of($way; $metric) and of($to; $metric) then of($way; $metric) / of($to; $metric) * 1000 | round / 1000 else null end;
        {
            machine: {cpu: $cpu, cores: $cores, kernel: $kernel}, rounds: $rounds, ways: $ways, release: $release,
            summary: {
                bulk_packet_socket_vs_kernel_bridge: ratio("bulk_down_gbit"; "packet-socket"; "kernel-bridge"),
                frames_packet_socket_vs_kernel_bridge: ratio("kiloframes_per_second"; "packet-socket"; "kernel-bridge"),
                bulk_pcap_vs_kernel_bridge: ratio("bulk_down_gbit"; "pcap"; "kernel-bridge"),
                wall_bulk_10ms_vs_alone: ratio("bulk_down_gbit"; "wall-10ms"; "packet-socket"),
                wall_bulk_10ms_vs_filter_buffer: null,
                commit_to_wire_1000_p50_ms: ($release | map(select(.frames == 1000).p50_ms) | first),
                commit_to_wire_1000_p99_ms: ($release | map(select(.frames == 1000).p99_ms) | first),
                allocated_bytes_per_frame: of("packet-socket"; "allocated_bytes_per_frame"),
                request_by_demand_p50_ms: null,
                pause_128mib_p50_ms: null,
                failover_p50_ms: null,
                reverse_added_p50_us: null
            }
        }' "$BENCH_DIR/figures" > "$out/bench.json"
    table > "$out/bench.txt"
    picture > "$out/bench.svg"
    cat "$out/bench.txt" >&2
    say "bench.json, bench.txt and bench.svg are in $out"
    jq --compact-output .summary "$out/bench.json"
}

# Medians, and the spread in brackets.
table() {
    printf '%s\n' "${ways[@]}" | jq --raw-input --raw-output --slurpfile bench "$out/bench.json" '
        . as $way | $bench[0].ways[$way] as $figures
        | def cell: if . == null then "-" else "\(.median * 100 | round / 100) [\(.min * 100 | round / 100)..\(.max * 100 | round / 100)]" end;
        [$way] + (["bulk_down_gbit", "bulk_up_gbit", "kiloframes_per_second", "cpu_seconds_per_gigabyte", "cpu_seconds_per_million_frames",
            "request_p50_ms", "request_p99_ms"] | map($figures[.] | cell)) | @tsv' \
        | { printf 'way\tdown Gbit/s\tup Gbit/s\tkframes/s\tCPU s/GB\tCPU s/Mframe\trequest p50 ms\tp99 ms\n' && cat; } \
        | column -t -s $'\t'
}

# Bars for bulk and for small frames, each against the kernel's bridge.
picture() {
    jq --raw-output --argjson names "$(printf '%s\n' "${ways[@]}" | jq --raw-input --slurp 'split("\n")[:-1]')" '
        . as $bench
        | def share($way; $metric): $bench.ways[$way][$metric].median / $bench.ways["kernel-bridge"][$metric].median;
        def bar($x; $y; $share; $colour):
            "<rect x=\"\($x)\" y=\"\($y)\" width=\"\([$share * 400, 1] | max | round)\" height=\"14\" fill=\"\($colour)\"/>"
            + "<text x=\"\($x + 6 + ([$share * 400, 1] | max | round))\" y=\"\($y + 11)\">\($share * 100 | round) %</text>";
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"700\" height=\"\(70 + 44 * ($names | length))\" font-family=\"sans-serif\" font-size=\"12\">",
        "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
        "<text x=\"10\" y=\"20\" font-size=\"14\">Share of the kernel bridge, medians of \(.rounds) rounds (\(.machine.cores) cores, Linux \(.machine.kernel))</text>",
        "<text x=\"130\" y=\"42\" fill=\"#1f6f8b\">bulk TCP from the guest</text><text x=\"300\" y=\"42\" fill=\"#c26a1b\">60-byte frames from the guest</text>",
        ($names | to_entries[] | (54 + 44 * .key) as $y
            | "<text x=\"10\" y=\"\($y + 20)\">\(.value)</text>",
            bar(130; $y; share(.value; "bulk_down_gbit"); "#1f6f8b"),
            bar(130; $y + 17; share(.value; "kiloframes_per_second"); "#c26a1b")),
        "</svg>"' "$out/bench.json"
}

clean_up() {
    local exit_code=$? place
    trap '' HUP INT PIPE TERM
    trap - EXIT
    set +e
    end_progress
    for place in "${PLACES[@]}"; do
        ip netns pids "$LAB-$place" 2> /dev/null | xargs -r kill -KILL 2> /dev/null
        ip netns delete "$LAB-$place" 2> /dev/null
    done
    ((exit_code == 0)) || tail -n 20 "$BENCH_DIR"/*.log >&2
    rm -rf "$BENCH_DIR"
    exit "$exit_code"
}

main "$@"
