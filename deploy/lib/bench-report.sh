# shellcheck shell=bash disable=SC2154 # the script that sources this sets some of the variables
# What bench.sh makes of its figures: bench.json, tables and a picture. Needs messages.sh and jq.
#
# A figure is a line of JSON, and what was not measured has none; what is made of it then is null, a dash or nothing:
#   {"way":"pcap","metric":"bulk_down_gbit","value":2.9}
#   {"checkpoint":{"memory_mib":128,"method":"comparison","load":"idle"},"metric":"pause_p50_ms","value":14.1}
#   {"failover":"host_killed","metric":"detect_ms","value":301}
#   {"catch_up":"free","metric":"recording_ms","value":412}
#   {"connections":{"way":"reverse","open":1000},"metric":"request_p50_us","value":97.3}
#   {"release":{"frames":1000},"frames_released":1000,"nanos":[810000,790000]}

readonly MEASURED_WAYS=(
    kernel-bridge pcap packet-socket wall-10ms wall-25ms wall-50ms reverse-pcap reverse-open reverse
    guest-plain guest-filter-10ms guest-filter-25ms guest-synthetic-10ms guest-wall-10ms guest-wall-25ms guest-wall-demand
    guest-reverse-free guest-reverse-serial guest-reverse-batch
)

# bench_json FIGURES SETTINGS_JSON
bench_json() {
    jq --slurp --argjson settings "$2" '
        def median: sort | .[(length - 1) / 2 | floor];
        def spread: map(select(. != null)) | if length == 0 then null
            else {median: median, min: min, max: max, count: length} end;
        def by_metric: group_by(.metric) | map({key: .[0].metric, value: (map(.value) | spread)}) | from_entries;
        # By nearest rank.
        def percentile($percent): sort | .[([(length * $percent / 100 | ceil) - 1, 0] | max)];
        def rounded($digits): if . == null then null else . * pow(10; $digits) | round / pow(10; $digits) end;

        (map(select(.way)) | group_by(.way) | map({key: .[0].way, value: by_metric}) | from_entries) as $ways
        | (map(select(.release)) | group_by(.release) | map(
            (map(.nanos) | add) as $nanos | .[0].release + {
                repetitions: ($nanos | length),
                p50_ms: ($nanos | percentile(50) / 1e6 | rounded(4)),
                p99_ms: ($nanos | percentile(99) / 1e6 | rounded(4)),
                p50_ms_of_rounds: (map(.nanos | percentile(50) / 1e6 | rounded(4)) | spread),
                p50_nanos_per_frame: (($nanos | percentile(50)) / .[0].frames_released | round)})) as $release
        | (map(select(.connections)) | group_by(.connections) | map(.[0].connections + by_metric)) as $connections
        | (map(select(.checkpoint)) | group_by(.checkpoint) | map(.[0].checkpoint + by_metric)) as $checkpoints
        | (map(select(.failover)) | group_by(.failover) | map({key: .[0].failover, value: by_metric}) | from_entries)
            as $failovers
        | (map(select(.catch_up)) | group_by(.catch_up) | map({key: .[0].catch_up, value: by_metric}) | from_entries)
            as $catch_ups
        | def cost_with($open): $connections | map(select(.way == "reverse" and .open == $open)) | first
            | .processor_us_per_request.median;
        def of($way; $metric): $ways[$way][$metric].median;
        def ratio($metric; $way; $to): of($way; $metric) as $one | of($to; $metric) as $other
            | if $one != null and ($other // 0) > 0 then $one / $other | rounded(3) else null end;
        def added_micros($way): of($way; "request_p50_ms") as $one | of("kernel-bridge"; "request_p50_ms") as $bridge
            | if $one != null and $bridge != null then ($one - $bridge) * 1000 | round else null end;
        def release_of_1000: $release | map(select(.frames == 1000)) | first;
        # The kernel says which pages have changed if it can; else they are found by comparison.
        ($checkpoints | map(select(.memory_mib == 128 and .load == "writer")) | sort_by(.method == "comparison") | first)
            as $checkpoint
        # As many as every figure has, when time ran out.
        | $settings + {rounds: ([$ways[][] | .count? // empty] | min // 0)} + {
            ways: $ways, release: $release, connections: $connections, checkpoints: $checkpoints, failovers: $failovers,
            catch_ups: $catch_ups,
            summary: {
                bulk_packet_socket_vs_kernel_bridge: ratio("bulk_down_gbit"; "packet-socket"; "kernel-bridge"),
                frames_packet_socket_vs_kernel_bridge: ratio("kiloframes_per_second"; "packet-socket"; "kernel-bridge"),
                bulk_pcap_vs_kernel_bridge: ratio("bulk_down_gbit"; "pcap"; "kernel-bridge"),
                wall_bulk_10ms_vs_alone: ratio("bulk_down_gbit"; "wall-10ms"; "packet-socket"),
                wall_bulk_10ms_vs_filter_buffer: ratio("bulk_down_gbit"; "guest-synthetic-10ms"; "guest-filter-10ms"),
                commit_to_wire_1000_p50_ms: release_of_1000.p50_ms,
                commit_to_wire_1000_p99_ms: release_of_1000.p99_ms,
                allocated_bytes_per_frame: (of("packet-socket"; "allocated_bytes_per_frame") | rounded(2)),
                request_by_demand_p50_ms: of("guest-wall-demand"; "request_p50_ms"),
                pause_128mib_p50_ms: ($checkpoint.pause_p50_ms.median | rounded(2)),
                failover_p50_ms: $failovers.host_killed.first_reply_ms.median,
                reverse_added_latency_us: added_micros("reverse"),
                reverse_pcap_added_latency_us: added_micros("reverse-pcap"),
                reverse_bulk_vs_kernel_bridge: ratio("bulk_down_gbit"; "reverse"; "kernel-bridge"),
                reverse_bulk_up_vs_kernel_bridge: ratio("bulk_up_gbit"; "reverse"; "kernel-bridge"),
                reverse_allocated_bytes_per_frame: (of("reverse"; "allocated_bytes_per_frame") | rounded(2)),
                reverse_processor_time_100000_connections_vs_1: (cost_with(1) as $one | cost_with(100000) as $many
                    | if $one != null and $many != null then $many / $one | rounded(3) else null end),
                reverse_serial_requests_vs_free:
                    ratio("small_replies_per_second"; "guest-reverse-serial"; "guest-reverse-free"),
                reverse_batch_requests_vs_free:
                    ratio("small_replies_per_second"; "guest-reverse-batch"; "guest-reverse-free"),
                catch_up_free_vs_recording: $catch_ups.free.catch_up_vs_recording.median,
                catch_up_serial_vs_recording: $catch_ups.serial.catch_up_vs_recording.median,
                catch_up_batch_vs_recording: $catch_ups.batch.catch_up_vs_recording.median
            },
            summary_notes: {
                wall_bulk_10ms_vs_filter_buffer: "the same guest, and no checkpoints in either",
                pause_128mib_p50_ms: (if $checkpoint == null then null
                    else "with a writer in the guest, changed pages by " + $checkpoint.method end),
                failover_p50_ms: "from the kill of a whole host, which nobody reports, to the first reply; grace included"
            }
        }' "$1"
}

# All tables, medians with the spread in brackets: bench_tables BENCH_JSON
bench_tables() {
    local bench=$1
    jq --raw-output '"\(.machine.cpu), \(.machine.cores) cores, Linux \(.machine.kernel), load \(.machine.load_before);",
        "\(.rounds) rounds, \(.seconds) s for each figure; medians [least..most]"' "$bench"
    table_of_ways "$bench" '' \
        'way\tdown Gbit/s\tup Gbit/s\tkframes/s\tCPU s/GB\tCPU s/Mframe\tB/frame\trequest p50 ms\tp99 ms' \
        bulk_down_gbit bulk_up_gbit kiloframes_per_second cpu_seconds_per_gigabyte cpu_seconds_per_million_frames \
        allocated_bytes_per_frame request_p50_ms request_p99_ms
    table_of_ways "$bench" guest- \
        'guest of 128 MiB\tdown Gbit/s\tup Gbit/s\treplies/s\trequest p50 ms\tp99 ms\tpause p50 ms' \
        bulk_down_gbit bulk_up_gbit small_replies_per_second request_p50_ms request_p99_ms pause_p50_ms
    aligned 'commit to wire\trepetitions\tp50 ms\tp99 ms\tp50 of rounds\tns/frame' < <(jq --raw-output "$JQ_CELL"'
        .release | sort_by(.mebibytes // 0, .frames // 0)[] | [
            if .frames then "\(.frames) frames of 60 bytes" else "\(.mebibytes) MiB in full frames" end,
            .repetitions, .p50_ms, .p99_ms, (.p50_ms_of_rounds | cell), .p50_nanos_per_frame] | @tsv' "$bench")
    aligned 'requests, through\tconnections\tp50 us\trequests/s\tCPU us/request' < <(jq --raw-output "$JQ_CELL"'
        .connections[] | [.way, .open, (.request_p50_us, .requests_per_second, .processor_us_per_request | cell)] | @tsv' \
        "$bench")
    aligned 'guest MiB\tchanged pages by\tload\tpause p50 ms\tp99 ms\tKiB/checkpoint\tcheckpoints' \
        < <(jq --raw-output "$JQ_CELL"'
        .checkpoints[] | [.memory_mib, .method, .load,
            (.pause_p50_ms, .pause_p99_ms, .kibibytes_per_checkpoint, .checkpoints | .median | short)] | @tsv' "$bench")
    aligned 'failover\tkills\tdetect ms\trestore ms\tannounce ms\tfirst reply ms' < <(jq --raw-output "$JQ_CELL"'
        .failovers | to_entries[] | [(.key | gsub("_"; " ")), (.value.first_reply_ms.count // "-"),
            (.value | .detect_ms, .restore_ms, .announce_ms, .first_reply_ms | cell)] | @tsv' "$bench")
    aligned 'catch-up, admission\tkills\trecording ms\treplayed KiB\tcatch-up ms\tcatch-up/recording\tconnections reset' \
        < <(jq --raw-output "$JQ_CELL"'
        .catch_ups | to_entries[] | [.key, .value.recording_ms.count,
            (.value | .recording_ms, .replayed_kibibytes, .catch_up_ms, .catch_up_vs_recording, .connections_reset | cell)] | @tsv' "$bench")
}

readonly JQ_CELL='def short: if . == null then "-" elif . >= 100 then round else . * 100 | round / 100 end;
    def cell: if . == null then "-" else "\(.median | short) [\(.min | short)..\(.max | short)]" end;'

# table_of_ways BENCH_JSON guest-|'' HEADING METRIC...
table_of_ways() {
    local bench=$1 prefix=$2 heading=$3
    shift 3
    aligned "$heading" < <(printf '%s\n' "${MEASURED_WAYS[@]}" \
        | jq --raw-input --raw-output --slurpfile bench "$bench" --arg prefix "$prefix" "$JQ_CELL"'
            select(if $prefix == "" then startswith("guest-") | not else startswith($prefix) end)
            | . as $way | $bench[0].ways[$way] // empty | . as $figures
            | [$way] + ($ARGS.positional | map($figures[.] | cell)) | @tsv' --args "$@")
}

# Columns under a heading, after an empty line; nothing if there is no line: aligned HEADING_WITH_TABS
aligned() {
    local lines
    lines=$(cat)
    [[ -n $lines ]] || return 0
    printf '\n'
    printf '%b\n%s\n' "$1" "$lines" | column -t -s $'\t'
}

# Two parts: bulk and small frames, each against the kernel's bridge; and what a request to a guest takes.
bench_picture() {
    jq --raw-output --argjson names "$(jq --null-input '$ARGS.positional' --args "${MEASURED_WAYS[@]}")" '
        . as $bench
        | def of($way; $metric): $bench.ways[$way][$metric].median;
        def bar($y; $pixels; $colour; $text): ([$pixels, 1] | max | round) as $width
            | "<rect x=\"150\" y=\"\($y)\" width=\"\($width)\" height=\"14\" fill=\"\($colour)\"/>"
            + "<text x=\"\(156 + $width)\" y=\"\($y + 11)\">\($text)</text>";
        def share_bar($way; $metric; $y; $colour): of($way; $metric) as $one | of("kernel-bridge"; $metric) as $bridge
            | if $one == null or ($bridge // 0) <= 0 then empty
                else $one / $bridge | bar($y; [., 1.2] | min * 400; $colour; "\(. * 100 | round) %") end;
        def name_at($y; $text): "<text x=\"10\" y=\"\($y)\">\($text)</text>";
        ($names | map(select(startswith("guest-") | not) | select($bench.ways[.]))) as $network
        | ($names | map(select(startswith("guest-")) | select(of(.; "request_p50_ms")))) as $guests
        | ($guests | map(of(.; "request_p50_ms")) | max // 1) as $slowest
        | (84 + 44 * ($network | length)) as $below
        | "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"\($below + 50 + 24 * ($guests | length))\"",
        " font-family=\"sans-serif\" font-size=\"12\">",
        "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
        "<text x=\"10\" y=\"20\" font-size=\"14\">\(.machine.cpu | @html), \(.machine.cores) cores, ",
        "Linux \(.machine.kernel | @html)</text>",
        "<text x=\"10\" y=\"42\">Share of the kernel bridge, medians of \(.rounds) rounds:</text>",
        "<text x=\"320\" y=\"42\" fill=\"#1f6f8b\">bulk TCP from the guest</text>",
        "<text x=\"480\" y=\"42\" fill=\"#c26a1b\">60-byte frames from the guest</text>",
        ($network | to_entries[] | (54 + 44 * .key) as $y
            | name_at($y + 20; .value),
            share_bar(.value; "bulk_down_gbit"; $y; "#1f6f8b"),
            share_bar(.value; "kiloframes_per_second"; $y + 17; "#c26a1b")),
        (if $guests == [] then empty else
            name_at($below; "One request to a Redis guest of 128 MiB, median"),
            ($guests | to_entries[] | ($below + 12 + 24 * .key) as $y
                | name_at($y + 12; .value),
                (of(.value; "request_p50_ms") | bar($y; . / $slowest * 400; "#4b7f52"; "\(. * 100 | round / 100) ms"))) end),
        "</svg>"' "$1"
}
