# shellcheck shell=bash disable=SC2034,SC2154 # the scripts that source this use, and set, some of the variables
# The figures of all runs, as JSON lines in DEMO_DIR, and what is made of them. Needs messages.sh and jq.

# record_failover RUN FIGURES DETECTED_BY OWNERS, of which the last is what the judge of owners found
record_failover() {
    jq --compact-output --arg detected "$3" --argjson owners "$4" '. + {detected_by: $detected} + $owners' <<< "$2" \
        >> "$DEMO_DIR/failovers-$1"
}

# One object for a whole run, out of the clients' report, the run's failovers, and in reverse mode what became of
# connections: record_run RUN REPORT REVERSE_FIGURES
record_run() {
    jq --compact-output --argjson report "$2" --argjson reverse "$3" --slurp '$report + $reverse + {
        epochs: (map(.epochs // 0) | max),
        frames_held: (map(.frames_held // 0) | add),
        frames_discarded: (map(.frames_discarded // 0) | add),
        pause_p50_ms: [.[].pause_p50_ms],
        detected_by: [.[].detected_by],
        old_owner_uncommitted_frames: (map(.old_owner_uncommitted_frames) | add),
        old_owner_late_frames: (map(.old_owner_late_frames) | add),
        conflicts: (map(.conflicts) | add)}' "$DEMO_DIR/failovers-$1" >> "$DEMO_DIR/runs"
}

show_run() {
    tail -n 1 "$DEMO_DIR/runs" | jq --raw-output '
        "\(.survived) of \(.clients) clients survived, \(.reset) reset, \(.stuck) stuck, \(.violations) violations;",
        "answered again after \(.failover_ms | map("\(. // "never")") | join(", ")) ms",
        if .old_owner_late_frames == null then empty
        else "frames of the old owner: \(.old_owner_uncommitted_frames) uncommitted, \(.old_owner_late_frames) late" end,
        if .diverged == null then empty
        else "\(.diverged) counted as diverged; \(.serial_retries) further attempts, caught up in \(.catchup_ms) ms" end' \
        | while read -r line; do detail "$line"; done
}

# Sums over all runs, and medians of the times, in the form that the documentation promises: summary MODE FAULT
summary() {
    jq --compact-output --slurp --arg mode "$1" --arg fault "$2" '
        def sum(f): map(f) | add;
        def median: map(select(. != null)) | sort | if length == 0 then null else .[(length - 1) / 2 | floor] end;
        {
            mode: $mode,
            fault: $fault,
            runs: length,
            clients: sum(.clients),
            survived: sum(.survived),
            reset: sum(.reset),
            stuck: sum(.stuck),
            violations: sum(.violations),
            replies_before: sum(.replies_before),
            replies_after: sum(.replies_after),
            detected_by: (map(.detected_by[]) | unique | join(",")),
            failover_ms: (map(.failover_ms[]) | median),
            request_p50_ms: (map(.request_p50_ms) | median),
            request_p99_ms: (map(.request_p99_ms) | median),
            epochs: sum(.epochs),
            pause_p50_ms: (map(.pause_p50_ms[]) | median),
            frames_held: sum(.frames_held),
            frames_discarded: sum(.frames_discarded),
            old_owner_uncommitted_frames: sum(.old_owner_uncommitted_frames),
            old_owner_late_frames: sum(.old_owner_late_frames),
            conflicts: sum(.conflicts)
        } + if $mode != "reverse" then {} else {
            diverged: sum(.diverged),
            serial_retries: sum(.serial_retries),
            catchup_ms: (map(.catchup_ms) | median)
        } end' "$DEMO_DIR/runs"
}

show_table() {
    {
        printf 'run\tclients\tsurvived\treset\tstuck\tviolations\tfailover ms\tlast client ms\tp50 ms\tp99 ms\tdetected by\n'
        jq --raw-output '[
            input_line_number, .clients, .survived, .reset, .stuck, .violations,
            (.failover_ms | map("\(. // "never")") | join(" ")), (.all_back_ms | map("\(. // "never")") | join(" ")),
            .request_p50_ms, .request_p99_ms, (.detected_by | join(" "))] | @tsv' "$DEMO_DIR/runs"
    } | column -t -s $'\t' >&2
}

# keeps_the_promise MODE RESULT
keeps_the_promise() {
    jq --exit-status '.violations == 0 and .stuck == 0 and .replies_after > 0 and .failover_ms != null' <<< "$2" > /dev/null \
        && case $1 in
            wall) nobody_was_reset "$2" && the_old_owner_kept_its_promise "$2" ;;
            reverse) every_reset_is_counted && catch_up_was_measured "$2" ;;
        esac
}

nobody_was_reset() { jq --exit-status '.reset == 0 and .survived == .clients' <<< "$1" > /dev/null; }

the_old_owner_kept_its_promise() { jq --exit-status '.old_owner_uncommitted_frames == 0' <<< "$1" > /dev/null; }

# A connection breaks only if the proxy has found that the restored guest contradicts its client. Seen in every run, because
# what is counted too often in one must not hide what is missing in another.
every_reset_is_counted() {
    jq --exit-status --slurp 'all(.[]; .diverged != null and .reset <= .diverged and .survived + .reset == .clients)' \
        "$DEMO_DIR/runs" > /dev/null
}

catch_up_was_measured() { jq --exit-status '.catchup_ms != null' <<< "$1" > /dev/null; }
