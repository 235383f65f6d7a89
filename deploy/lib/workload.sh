# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the scripts that source this use, and set, some of the variables
# The clients: one Java process in the lab's client, told what to do through a pipe, heard through a file of events.
# Needs lab.sh and build.sh; WORKLOAD_DIR is a directory of the run's own.

# start_workload CLIENTS PREFIX [OPTION...], with options of the program's own
start_workload() {
    local clients=$1 prefix=$2 pipe=$WORKLOAD_DIR/commands
    shift 2
    rm -f "$pipe"
    mkfifo "$pipe"
    : > "$WORKLOAD_DIR/events"
    setsid ip netns exec "$(namespace_of client)" \
        "$JDK_25/bin/java" -XX:+UseSerialGC -Xmx512m \
        -cp "$HOLDFAST_LIB/*:$DEMO_LIB/*" \
        io.holdfast.demo.Workload --host "$GUEST_ADDRESS" --clients "$clients" --prefix "$prefix" "$@" \
        < "$pipe" > "$WORKLOAD_DIR/events" 2> "$WORKLOAD_DIR/workload.log" &
    WORKLOAD_PID=$!
    disown $WORKLOAD_PID
    exec {WORKLOAD_COMMANDS}> "$pipe"
    wait_for 30 workload_has_said ready || die "the clients do not start: $(cat "$WORKLOAD_DIR"/{events,workload.log})"
}

workload_has_said() { grep -q "^{\"event\":\"$1\"" "$WORKLOAD_DIR/events"; }

# tell_workload_of_failover KILLED_MICROS GONE_MICROS
tell_workload_of_failover() { printf 'mark failover %s %s\n' "$1" "$2" >&"$WORKLOAD_COMMANDS"; }

# Lets the clients go on for some milliseconds and shows how they do: let_clients_run MILLIS
let_clients_run() {
    local end=$(($(now_micros) + $1 * 1000)) rest
    while rest=$((end - $(now_micros))) && ((rest > 0)); do
        progress "$(workload_progress)"
        if ((rest > 500000)); then sleep 0.5; else sleep "0.$(printf '%06d' "$rest")"; fi
    done
    end_progress
}

workload_progress() {
    grep '^{"event":"progress"' "$WORKLOAD_DIR/events" | tail -n 1 \
        | jq --raw-output '"second \(.second): \(.replies) replies, \(.silent) clients silent"'
}

nobody_is_silent() { [[ $(workload_progress) == *', 0 clients silent' ]]; }

# Ends the clients, and has a fresh connection compare the guest with what they were told. A stuck client takes its time.
stop_workload() {
    printf 'stop\n' >&"$WORKLOAD_COMMANDS"
    exec {WORKLOAD_COMMANDS}>&-
    wait_for 60 is_gone "$WORKLOAD_PID" || die "the clients do not end"
    workload_has_said report || note_state_of_hosts
    workload_has_said report || die "the clients ended without a report: $(tail "$WORKLOAD_DIR"/{events,workload.log})"
}

# What the clients and the fresh connection found, as one JSON object.
workload_report() { grep '^{"event":"report"' "$WORKLOAD_DIR/events" | jq --compact-output 'del(.event)'; }

# What clients lost and saw contradicted, for people.
show_findings() {
    grep -e '^{"event":"violation"' -e '^{"event":"lost"' "$WORKLOAD_DIR/events" \
        | jq --raw-output 'if .event == "lost" then "\(.client): \(.outcome)" else "\(.kind) \(.subject): \(.detail)" end' \
        | while read -r finding; do detail "$finding"; done || true
}
