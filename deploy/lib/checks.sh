# shellcheck shell=bash disable=SC2034,SC2154 # the scripts that source this use, and set, some of the variables
# What a script expects, counted, and what it looks at of the hosts to tell. Needs messages.sh; for the hosts lab.sh, hosts.sh
# and workload.sh as well.

passed=0 failed=0

# Counts whether a command succeeds within some seconds: expect TEXT SECONDS COMMAND...
expect() {
    local text=$1 seconds=$2
    shift 2
    if wait_for "$seconds" "$@"; then
        passed=$((passed + 1))
        detail "ok      $text"
    else
        failed=$((failed + 1))
        detail "FAILED  $text"
        show_hosts
    fi
}

# Counts whether a command succeeds, and shows what it said if not: check TEXT COMMAND...
check() {
    local text=$1 said
    shift
    if said=$("$@" 2>&1); then
        passed=$((passed + 1))
        detail "ok      $text"
    else
        failed=$((failed + 1))
        detail "FAILED  $text"
        printf '%s\n' "$said" | sed 's/^/                /' >&2
    fi
}

# says REGEX COMMAND...
says() {
    local said
    said=$("${@:2}" 2>&1) || { echo "$said" && return 1; }
    grep -q -e "$1" <<< "$said" || { echo "$said" && return 1; }
}

# is_text TEXT COMMAND...
is_text() {
    local said
    said=$("${@:2}" 2>&1)
    [[ $said == "$1" ]] || { echo "$said" && return 1; }
}

# fails_with EXIT_CODE REGEX COMMAND...
fails_with() {
    local said exit_code=0
    said=$("${@:3}" 2>&1) || exit_code=$?
    if ((exit_code != $1)) || ! grep -q -e "$2" <<< "$said"; then
        echo "exit code $exit_code: $said"
        return 1
    fi
}

# The last line of a script that checks; fails if a check has.
conclude() {
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0))
}

# The only option of a script that checks: parse_seed OPTION...
parse_seed() { parse_seed_and '' '' "$@"; }

# Of one that can do a part of its work, how much of it as well, in NAME: parse_seed_and --NAME PATTERN OPTION...
parse_seed_and() {
    local part=$1 pattern=$2
    shift 2
    seed=$RANDOM
    while (($# > 0)); do
        [[ $1 != --help && $1 != -h ]] || { print_help && exit 0; }
        [[ $1 == --seed || (-n $part && $1 == "$part") ]] || die_of_usage "unknown option $1"
        (($# > 1)) || die_of_usage "$1 needs a value"
        if [[ $1 == --seed ]]; then
            [[ $2 =~ ^[0-9]{1,9}$ ]] || die_of_usage "$1 is a number, not $2"
            seed=$2
        else
            [[ $2 =~ ^($pattern)$ ]] || die_of_usage "$1 cannot be $2"
            declare -g "${part#--}=$2"
        fi
        shift 2
    done
}

# Gives the script its HOSTS_DIR, and sees to it that nothing is left but the logs: begin_with_logs_in DIR
begin_with_logs_in() {
    LOGS=$1
    HOSTS_DIR=$(mktemp -d /tmp/holdfast-demo.XXXXXX)
    WORKLOAD_DIR=$HOSTS_DIR
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 141' PIPE
    trap 'exit 143' TERM
}

clean_up() {
    local exit_code=$?
    trap '' HUP INT PIPE TERM
    trap - EXIT
    # Nothing that fails here may keep the rest from being removed.
    set +e
    end_progress
    ((exit_code >= 128)) || save_logs
    ((exit_code == 0 || exit_code >= 128)) || warn "the logs are in $LOGS"
    destroy_lab
    remove_guest_memory
    rm -rf "$HOSTS_DIR"
    exit "$exit_code"
}

save_logs() {
    rm -rf "$LOGS"
    mkdir -p "$LOGS"
    cp -r "$HOSTS_DIR"/. "$LOGS" 2> /dev/null || true
}

show_hosts() {
    local host
    for host in a b; do
        detail "        $host: $(status_of "$host" | jq --compact-output '{
            wall: .proxy.state, because: .proxy.because, term: .proxy.term,
            role: .agent.role, agent_term: .agent.term, peer: .agent.peer, refused: .agent.refused_because,
            refuses: .agent.refuses_because, missing: .agent.missing_for_promotion}' 2> /dev/null)"
    done
}

# What a jq filter finds true of the status on a host: host_says HOST FILTER
host_says() { status_of "$1" | jq --exit-status "$2" > /dev/null; }

# One figure of a host's status: figure_of HOST FILTER
figure_of() { status_of "$1" | jq --raw-output "$2"; }

# The audit of a host's wall, as lines like "PROTECTED -> SUSPENDED"; also of states that are over before one can ask.
wall_history_of() { sed -n 's/.* wall \([A-Z]* -> [A-Z]*\), term.*/\1/p' "$(log_of "$1" proxy)"; }

# Whether a host's audit log tells of an event, with something in its reason: audit_tells HOST EVENT REGEX
audit_tells() {
    jq --slurp --exit-status --arg event "$2" --arg reason "$3" \
        'any(.[]; .event == $event and (.reason | test($reason)))' "$HOSTS_DIR/$1/state/audit.jsonl" > /dev/null
}

# One figure of a program's metrics, summed over its labels; nothing if there is none: metric_of HOST PORT NAME
metric_of() {
    in_lab "$1" socat -t 5 - "TCP:127.0.0.1:$2" <<< $'GET /metrics HTTP/1.0\r\n\r' \
        | awk -v name="$3" '$1 == name || index($1, name "{") == 1 { sum += $NF; found = 1 } END { if (found) print sum }'
}

# Whether a figure fulfils a condition of jq's, such as ". > 0": metric_is HOST PORT NAME CONDITION
metric_is() { metric_of "$1" "$2" "$3" | jq --slurp --exit-status "length == 1 and (.[0] | $4)" > /dev/null; }

# Where the history of a host's wall is now, for wall_went and protected_again: mark_history HOST
mark_history() {
    HISTORY_HOST=$1
    HISTORY_MARK=$(wall_history_of "$1" | wc -l)
}
history_since_mark() { wall_history_of "$HISTORY_HOST" | tail -n +$((HISTORY_MARK + 1)); }

# The wall has been in that state since the mark: wall_went STATE
wall_went() { history_since_mark | grep -q -e "-> $1\$"; }

# The wall has come back to PROTECTED since the mark, and is there now.
protected_again() {
    [[ $(history_since_mark | tail -n 1) == *'-> PROTECTED' ]] && host_says "$HISTORY_HOST" '.proxy.state == "PROTECTED"'
}

# Frames that have come out of a host towards the switch: nobody but its proxy sends there.
frames_out_of() {
    ip -n "$(namespace_of switch)" -json -statistics link show "port-$1" | jq '.[0].stats64.rx.packets'
}

# Nothing comes out of a host for some seconds: is_silent HOST SECONDS
is_silent() {
    local before
    before=$(frames_out_of "$1")
    sleep "$2"
    (($(frames_out_of "$1") == before))
}

# Whether the guest on a host executes, asked over the socket that is for people: guest_is_in HOST STATE
# One that is checkpointed is paused at many a moment, so give this more than one chance.
guest_is_in() { [[ $(ask_qemu "$1" query-status | jq --raw-output 'select(.return.status).return.status') == "$2" ]]; }

# ask_qemu HOST COMMAND
ask_qemu() {
    printf '%s\n' '{"execute":"qmp_capabilities"}' "{\"execute\":\"$2\"}" \
        | socat -t 0.5 - "UNIX-CONNECT:$HOSTS_DIR/$1/run/monitor.sock" 2> /dev/null
}

# The switch's port behind which it has last seen the guest's MAC address.
port_of_guest() { in_lab switch bridge -json fdb show | jq --raw-output --arg mac "$GUEST_MAC" \
    'map(select(.mac == $mac)) | .[0].ifname'; }

# guest_is_at PORT, of the switch
guest_is_at() { [[ $(port_of_guest) == "$1" ]]; }

# Begins one, and does not wait for its end: begin_rehearsal_on HOST
begin_rehearsal_on() {
    printf '{"execute":"rehearse"}\n' | socat -t 2 - "UNIX-CONNECT:$HOSTS_DIR/$1/run/agent.sock" > /dev/null
}

# No memory, no mount, and no QEMU but the one that waits or runs the guest: nothing_is_left_of_rehearsal_on HOST
nothing_is_left_of_rehearsal_on() {
    [[ ! -e $(ram_of "$1").rehearsal ]] \
        && ! grep -q '^rehearsal ' /proc/mounts \
        && (($(pgrep -c -f "unix:$HOSTS_DIR/$1/run/qmp.sock") == 1))
}

# expect_take_over HOST SECONDS, under a term newer than TERM_BEFORE
expect_take_over() {
    expect "host $1 takes over" "$2" \
        host_says "$1" ".agent.role == \"primary\" and .agent.term > $TERM_BEFORE and .proxy.state == \"ALONE\""
    expect "the guest answers there" 10 guest_answers_there
}

# The same, of what gives everything that follows its meaning: ends the script when it fails.
expect_or_end() {
    local failed_before=$failed
    expect "$@"
    if ((failed > failed_before)); then
        conclude
        exit 1
    fi
}

expect_nobody_promoted() { expect_or_end "nobody was promoted" 0 nobody_was_promoted; }

# Host a has been the primary since TERM_BEFORE, and still is.
nobody_was_promoted() {
    host_says a ".agent.role == \"primary\" and .agent.term == $TERM_BEFORE" \
        && host_says b ".agent.role == \"backup\" and .agent.term == $TERM_BEFORE"
}

# Unlike guest_answers it does not ask whether the other host's programs run.
guest_answers_there() { [[ $(in_lab client timeout 2 redis-cli -h "$GUEST_ADDRESS" ping 2> /dev/null) == PONG ]]; }

# Ends the clients; none may have been reset, stuck or told what the guest does not know.
clients_have_noticed_nothing() {
    local report
    say "the clients stop, and a fresh connection compares the guest with what they were told"
    stop_workload
    show_findings
    report=$(workload_report)
    detail "$report"
    expect "all clients have survived" 0 report_says "$report" '.survived == .clients and .reset == 0 and .stuck == 0'
    expect "nothing that they were told was contradicted" 0 report_says "$report" '.violations == 0'
    expect "they were answered after the failover" 0 report_says "$report" '.replies_after > 0'
}

report_says() { jq --exit-status "$2" <<< "$1" > /dev/null; }
