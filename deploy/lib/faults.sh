# shellcheck shell=bash disable=SC2034,SC2154 # the scripts that source this use, and set, some of the variables
# What can happen to a host, and how it ends. Needs lab.sh, hosts.sh and workload.sh.

readonly FAULTS='kill|freeze|cut-replication|cut-uplink|cut-both'
CUT_SECONDS=20

# strike FAULT HOST
strike() {
    case $1 in
        kill)
            say "host $2 dies: SIGKILL to its QEMU, agent and proxy"
            kill_everything_in "$2"
            ;;
        freeze)
            say "host $2 freezes: SIGSTOP to its QEMU, agent and proxy"
            signal_everything_in "$2" STOP
            ;;
        *)
            say "host $2 loses its cables: ${1#cut-}"
            plug "$1" "$2" down
            ;;
    esac
}

# Waits until the fault is over, if it ever is, and everything is as it will stay: heal FAULT HOST
heal() {
    case $1 in
        kill) return ;;
        freeze)
            let_clients_run $((2 * ${HEARTBEAT%ms} * HEARTBEATS_MISSED))
            # A busy machine's other host needs longer than the time that it waits.
            wait_for "$PROTECTION_SECONDS" is_primary "$(peer_of "$2")" || die "host $(peer_of "$2") does not take over"
            say "host $2 goes on: SIGCONT"
            signal_everything_in "$2" CONT
            ;;
        *)
            let_clients_run "${CUT_SECONDS}000"
            say "the cables are plugged in again"
            plug "$1" "$2" up
            ;;
    esac
    wait_for_protection "$(owner_after "$1" "$2")"
    # TCP's next retransmission may be as long away as the cut has lasted.
    [[ $1 != cut-uplink ]] || wait_for $((2 * CUT_SECONDS)) nobody_is_silent || die "clients are silent: $(workload_progress)"
    say "host $(owner_after "$1" "$2") has the guest, and the other one is its backup"
}

# Who has the guest after a fault of the host that had it: owner_after FAULT HOST
owner_after() { if [[ $1 == cut-uplink ]]; then printf '%s' "$2"; else peer_of "$2"; fi; }

# plug FAULT HOST up|down, for the cables that the fault is named after
plug() {
    [[ $1 == cut-uplink ]] || in_lab "$2" ip link set rep0 "$3"
    [[ $1 == cut-replication ]] || plug_uplink "$2" "$3"
}

# plug_uplink HOST up|down: the way from its guest to the clients, at the end that is not the host's
plug_uplink() {
    if [[ $PLACEMENT == beside ]]; then
        in_lab switch ip link set "port-$1" "$2"
        in_lab switch ip link set "port-$1-mgmt" "$2"
    else
        in_lab "$(peer_of "$1")" ip link set wire0 "$2"
    fi
}
