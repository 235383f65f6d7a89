# shellcheck shell=bash disable=SC2034,SC2154 # the scripts that source this use, and set, some of the variables
# What a script expects of the hosts, counted, and what it looks at to tell. Needs messages.sh, lab.sh and hosts.sh.

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

show_hosts() {
    local host
    for host in a b; do
        detail "        $host: $(status_of "$host" | jq --compact-output '{
            wall: .proxy.state, because: .proxy.because, term: .proxy.term,
            role: .agent.role, agent_term: .agent.term, peer: .agent.peer, refused: .agent.refused_because,
            missing: .agent.missing_for_promotion}' 2> /dev/null)"
    done
}

# What a jq filter finds true of the status on a host: host_says HOST FILTER
host_says() { status_of "$1" | jq --exit-status "$2" > /dev/null; }

# One figure of a host's status: figure_of HOST FILTER
figure_of() { status_of "$1" | jq --raw-output "$2"; }

# The audit of a host's wall, as lines like "PROTECTED -> SUSPENDED"; also of states that are over before one can ask.
wall_history_of() { sed -n 's/.* wall \([A-Z]* -> [A-Z]*\), term.*/\1/p' "$(log_of "$1" proxy)"; }

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
