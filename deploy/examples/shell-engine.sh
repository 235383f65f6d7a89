#!/usr/bin/env bash
# A replication engine in a hundred lines of shell: what any engine does to drive Holdfast's wall, with a guest whose whole
# state is a file. See ../control-protocol.md.
#
#   shell-engine.sh SOCKET TERM OWNER STATE BACKUP [INTERVAL_MS] [GUEST_PID]
#
#   SOCKET       the proxy's control socket, such as /run/holdfast/redis/proxy.sock
#   TERM, OWNER  the right to speak for the guest: a number that grows with every change of owner, and this host's name
#   STATE        the file that is the guest's state
#   BACKUP       where its checkpoints go; what is here, a failover would resume
#   INTERVAL_MS  between two checkpoints; default 50
#   GUEST_PID    the guest's process, stopped while its state is copied; default: nobody is stopped
#
# Needs socat and jq. Ends when the wall no longer obeys it; what it held by then stays held.

set -euo pipefail

# A commit that takes longer than this to arrive may meet a backup that has given this engine up.
readonly LEASE_NANOS=500000000

SOCKET=${1:?SOCKET is missing} TERM_NUMBER=${2:?TERM is missing} OWNER=${3:?OWNER is missing}
STATE=${4:?STATE is missing} BACKUP=${5:?BACKUP is missing} INTERVAL_MS=${6:-50} GUEST_PID=${7:-}

say() { printf 'shell-engine: %s\n' "$*" >&2; }
die() { say "$*" && exit 1; }

main() {
    trap resume_guest EXIT
    connect
    become_the_engine
    while true; do
        take_checkpoint
        sleep "$((INTERVAL_MS / 1000)).$(printf '%03d' $((INTERVAL_MS % 1000)))"
    done
}

# One connection for all commands: the wall belongs to it, and holds everything when it ends, however that comes.
connect() {
    coproc WALL { exec socat - "UNIX-CONNECT:$SOCKET"; }
    local greeting
    read -r greeting <&"${WALL[0]}" || die "nobody listens at $SOCKET"
    say "connected to $(jq -r '"\(.holdfast.role) \(.holdfast.version)"' <<< "$greeting")"
}

become_the_engine() {
    ask hello "$(jq -cn --argjson term "$TERM_NUMBER" --arg owner "$OWNER" \
        '{term: $term, claim: "promotion", owner: $owner}')" || die "the wall refuses this engine: $ERROR"
    INCARNATION=$(jq -r .incarnation <<< "$REPLY_VALUE")
    say "the wall is $(jq -r .state <<< "$REPLY_VALUE"), epoch $(jq -r .epoch <<< "$REPLY_VALUE") is open"
}

# Pause, barrier, copy, resume, confirm, commit: the order is the guarantee.
take_checkpoint() {
    local epoch began_nanos
    pause_guest
    # Closes the epoch. Whatever the guest has sent up to here may leave with the commit of this epoch, not before.
    ask barrier "$(wall_arguments)" || die "no barrier: $ERROR"
    epoch=$(jq .epoch <<< "$REPLY_VALUE")
    began_nanos=$(jq .monotonic_nanos <<< "$REPLY_VALUE")
    copy_state || { resume_guest && say "epoch $epoch is not copied and stays held" && return; }
    # A guest that goes on while the wall is full would lose output, so it waits for the commit.
    [[ $(jq .at_limit <<< "$REPLY_VALUE") == true ]] || resume_guest
    confirm || { resume_guest && say "epoch $epoch is not confirmed and stays held" && return; }
    if ask commit "$(wall_arguments "$epoch" $((began_nanos + LEASE_NANOS)))"; then
        say "epoch $epoch may leave"
    elif [[ $ERROR == LeaseExpired:* ]]; then
        say "epoch $epoch came too late and stays held until the next: $ERROR"
    else
        die "no commit: $ERROR"
    fi
    resume_guest
}

# The checkpoint is complete in a file next to the backup's before it takes the place of the one that was good.
copy_state() { cp "$STATE" "$BACKUP.new"; }
confirm() { sync "$BACKUP.new" && mv "$BACKUP.new" "$BACKUP"; }

pause_guest() { [[ -z $GUEST_PID ]] || kill -STOP "$GUEST_PID"; }
resume_guest() { [[ -z $GUEST_PID ]] || kill -CONT "$GUEST_PID" || true; }

# wall_arguments [EPOCH LEASE_UNTIL_NANOS]
wall_arguments() {
    jq -cn --arg incarnation "$INCARNATION" --argjson term "$TERM_NUMBER" \
        --argjson epoch "${1:-null}" --argjson lease "${2:-null}" \
        '{incarnation: $incarnation, term: $term}
         + if $epoch == null then {} else {epoch: $epoch, lease_until_nanos: $lease} end'
}

# Executes a command: ask NAME ARGUMENTS. Its value is in REPLY_VALUE then, or what was wrong in ERROR.
ask() {
    local line
    printf '{"execute":"%s","arguments":%s,"id":1}\n' "$1" "$2" >&"${WALL[1]}"
    while read -r line <&"${WALL[0]}"; do
        case $line in
            '{"event"'*) continue ;;
            '{"error"'*) ERROR=$(jq -r '"\(.error.class): \(.error.desc)"' <<< "$line") && return 1 ;;
            *) REPLY_VALUE=$(jq -c .return <<< "$line") && return ;;
        esac
    done
    die "the connection to $SOCKET has ended"
}

main
