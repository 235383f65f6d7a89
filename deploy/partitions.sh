#!/usr/bin/env bash
# Cuts a protected pair with an arbiter apart in all ways: the replication segment, the way to the clients, and either host's
# way to etcd, alone and together, under load. Never do two hosts serve, never does a client see what the guest that goes on
# does not know, and whoever has the right to the guest serves it. At last a guest that has taken over is lost: no host goes on from
# before what clients have seen of it, unless an operator says so.
#
#   partitions.sh [--cases N] [--seed N]      as root, on Debian 12 with a JDK 25
#
#   --cases N          only so many of the cases, which the seed chooses
#   --seed N           (default: a random one, which is shown)
#
# A real etcd (Debian's package) is the arbiter. A witness at the switch takes down what either host sends. Installs missing
# Debian packages and builds what is missing. Everything happens in network namespaces of its own and is removed at the end,
# whatever happens. Logs are in deploy/target/partitions-logs. The last line is "N passed, N failed". Exit code 0 if none failed.

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
# shellcheck source=lib/faults.sh
source "$REPOSITORY/deploy/lib/faults.sh"
# shellcheck source=lib/owners.sh
source "$REPOSITORY/deploy/lib/owners.sh"
# shellcheck source=lib/checks.sh
source "$REPOSITORY/deploy/lib/checks.sh"

readonly CLIENTS=6
readonly THINK_MILLIS=10
readonly INTERVAL=25ms
# TCP waits longer and longer while a cable is out.
readonly STUCK_MILLIS=90000
CUT_SECONDS=6
# The next retransmission may be as far away as the last one.
readonly RETRANSMISSION_SECONDS=40
readonly LEASE_SECONDS=4
readonly DECISION_SECONDS=15
readonly RECOVERY_SECONDS=60

# What is cut, of the host that has the guest (arbiter) and of its peer (peer-arbiter); then who serves meanwhile: owner,
# peer, either of them, or nobody. Of the frozen proxy the cables are only a part.
readonly CASES=(
    'replication: either'
    'replication arbiter: peer'
    'replication peer-arbiter: owner'
    'replication arbiter peer-arbiter: nobody'
    'arbiter peer-arbiter: owner'
    'uplink: owner'
    'uplink arbiter: owner'
    'replication uplink: either'
    'replication uplink arbiter: peer'
    'replication uplink arbiter peer-arbiter: nobody'
    'frozen proxy: nobody'
)
readonly FROZEN_PROXY=${CASES[-1]}

cases=${#CASES[@]} owner=a

main() {
    parse_seed_and --cases '[1-9][0-9]?' "$@"
    require_root
    install_missing_packages "${LAB_PACKAGES[@]}" "${JUDGE_PACKAGES[@]}" "${ARBITER_PACKAGES[@]}"
    prepare_build_tools
    build_if_needed
    build_guest_image

    begin_with_logs_in "$REPOSITORY/deploy/target/partitions-logs"
    RANDOM=$seed
    say "$CLIENTS clients, an epoch every $INTERVAL, a lease of $LEASE_SECONDS s, seed $seed"
    protect_a_guest
    choose_cases
    local case
    for case in "${CHOSEN_CASES[@]}"; do
        if [[ $case == "$FROZEN_PROXY" ]]; then the_lease_runs_out_unseen; else cut_apart "$case"; fi
    done
    the_lease_runs_out
    clients_have_noticed_nothing
    the_guest_that_has_taken_over_is_lost
    conclude
}

protect_a_guest() {
    say "a client, a switch, an arbiter, two hosts ${LAB}-*, and a guest that boots on host a"
    make_host a
    make_host b
    create_lab
    create_arbiter
    ARBITER="{kind: etcd, endpoints: ['http://$ARBITER_ADDRESS:2379'], lease: ${LEASE_SECONDS}s, time-limit: 1s}"
    write_config a primary wall $INTERVAL
    write_config b backup wall $INTERVAL
    start_primary a
    start_backup b
    wait_for_guest a
    wait_for_protection a
    say "the guest is protected; $CLIENTS clients start"
    start_workload $CLIENTS partitions: --think-millis $THINK_MILLIS --stuck-millis $STUCK_MILLIS
}

# In random order, into CHOSEN_CASES; more than there are if so many are asked for.
choose_cases() {
    local left=()
    CHOSEN_CASES=()
    while ((${#CHOSEN_CASES[@]} < cases)); do
        ((${#left[@]} > 0)) || left=("${CASES[@]}")
        local choice=$((RANDOM % ${#left[@]}))
        CHOSEN_CASES+=("${left[choice]}")
        unset "left[$choice]"
        left=("${left[@]}")
    done
}

# cut_apart CASE
cut_apart() {
    local segments=${1%%:*} serving=${1##*: } before=$owner struck_micros
    let_clients_run $((1000 + RANDOM % 500))
    watch_owner "$owner"
    say "host $owner has the guest; cut: $segments"
    struck_micros=$(now_micros)
    plug_segments down "$segments"
    tell_workload_of_failover "$struck_micros" "$(now_micros)"
    case $serving in
        owner) expect_it_keeps_the_guest "$segments" ;;
        peer) expect "host $(peer_of "$owner") takes over" $DECISION_SECONDS has_the_guest "$(peer_of "$owner")" ;;
        either) expect "either host has the right to the guest" $DECISION_SECONDS somebody_serves ;;
        nobody) expect_nobody_serves ;;
    esac
    let_clients_run "${CUT_SECONDS}000"
    expect "no two hosts let output through" 0 at_most_one_serves
    plug_segments up "$segments"
    say "the cables are plugged in again"
    expect "one host has the guest, and the other one is its backup" $RECOVERY_SECONDS is_settled
    owner=$(host_with_the_guest)
    expect "all clients are answered" $RETRANSMISSION_SECONDS nobody_is_silent
    dismiss_witnesses
    expect "nothing uncommitted of an old owner has left" 0 nothing_uncommitted_left "$before"
}

expect_it_keeps_the_guest() {
    if [[ $1 == *replication* ]]; then
        expect "host $owner goes on alone, by the arbiter's right" $DECISION_SECONDS wall_is "$owner" ALONE
    else
        let_clients_run 2000
        expect "host $owner keeps the guest, PROTECTED" 5 wall_is "$owner" PROTECTED
    fi
    expect "host $(peer_of "$owner") does not take over" 0 host_says "$(peer_of "$owner")" '.agent.role == "backup"'
}

expect_nobody_serves() {
    expect "the wall is SUSPENDED" 5 wall_is "$owner" SUSPENDED
    expect "nothing leaves host $owner" 0 is_silent "$owner" 0.5
    let_clients_run 2000
    expect "host $(peer_of "$owner") does not take over" 0 host_says "$(peer_of "$owner")" '.agent.role == "backup"'
}

# Whoever serves alone by the arbiter's right must not go on when the arbiter may have given it to somebody else.
the_lease_runs_out() {
    let_clients_run 1000
    say "host $owner goes on alone, and then loses its arbiter"
    plug_segments down "replication peer-arbiter"
    expect "the wall is ALONE" $DECISION_SECONDS wall_is "$owner" ALONE
    plug_segments down arbiter
    expect "the wall is SEALED when the lease has run out" $((LEASE_SECONDS + 3)) wall_is "$owner" SEALED
    expect "nothing leaves host $owner" 0 is_silent "$owner" 0.5
    plug_segments up arbiter
    expect "it serves again when etcd answers" $DECISION_SECONDS wall_is "$owner" ALONE
    plug_segments up "replication peer-arbiter"
    expect "it is protected when its backup is back" $RECOVERY_SECONDS is_settled
    expect "all clients are answered" $RETRANSMISSION_SECONDS nobody_is_silent
}

# The same while the proxy is stopped. It has frames to send when it goes on, in the queues of its ports, and the right that
# it remembers is over.
the_lease_runs_out_unseen() {
    local proxy=${HOLDFAST_PIDS[$owner-proxy]} struck_micros spoken left
    let_clients_run $((1000 + RANDOM % 500))
    say "host $owner goes on alone; then its proxy freezes, and it loses its arbiter"
    struck_micros=$(now_micros)
    plug_segments down "replication peer-arbiter"
    tell_workload_of_failover "$struck_micros" "$(now_micros)"
    expect "the wall is ALONE" $DECISION_SECONDS wall_is "$owner" ALONE
    let_clients_run $((500 + RANDOM % 500))
    kill -STOP "$proxy"
    spoken=$(frames_of_guest_on "$owner")
    plug_segments down arbiter
    sleep $((LEASE_SECONDS + 1))
    expect "the guest has spoken meanwhile" 0 test "$(frames_of_guest_on "$owner")" -gt "$spoken"
    left=$(frames_out_of "$owner")
    kill -CONT "$proxy"
    expect "the wall is SEALED when the proxy goes on" 3 wall_is "$owner" SEALED
    expect "nothing leaves host $owner" 0 is_silent "$owner" 0.5
    expect "nothing has left since the proxy went on" 0 test "$(frames_out_of "$owner")" -eq "$left"
    plug_segments up arbiter
    expect "it serves again when etcd answers" $DECISION_SECONDS wall_is "$owner" ALONE
    plug_segments up "replication peer-arbiter"
    expect "it is protected when its backup is back" $RECOVERY_SECONDS is_settled
    expect "all clients are answered" $RETRANSMISSION_SECONDS nobody_is_silent
}

# Its host comes back without it, and the old owner has a guest that knows nothing of what clients were told last. The arbiter has
# no reason to refuse that; the agents have one. What then is said, the operator answers for.
the_guest_that_has_taken_over_is_lost() {
    local peer
    peer=$(peer_of "$owner")
    say "host $owner is cut off, host $peer takes over, serves, and dies; then everything is plugged in again"
    plug_segments down "replication arbiter"
    expect "host $peer takes over" $DECISION_SECONDS has_the_guest "$peer"
    expect "its guest answers" $RETRANSMISSION_SECONDS guest_answers "$peer"
    kill_everything_in "$peer"
    plug_segments up "replication arbiter"
    start_backup "$peer" # Its disk knows better.
    expect "host $owner hears of the newer term" $DECISION_SECONDS host_says "$owner" '.agent.waits_for | contains("not given it up")'
    # Far longer than it takes to ask the arbiter.
    sleep $LEASE_SECONDS
    expect "the wall is SUSPENDED" 0 wall_is "$owner" SUSPENDED
    expect "nothing leaves host $owner" 0 is_silent "$owner" 0.5
    JAVA_HOME=$JDK_25 in_lab "$owner" "$HOLDFAST" --config "$(config_of "$owner")" \
        alone --force --yes --reason "the guest of host $peer is lost" > /dev/null || warn "host $owner does not go on alone"
    expect "it goes on alone by an operator's word" 5 wall_is "$owner" ALONE
    expect "its guest answers" $RETRANSMISSION_SECONDS guest_answers "$owner"
    expect "host $peer is its backup" $RECOVERY_SECONDS is_settled
}

# What the guest has sent to its host: frames_of_guest_on HOST
frames_of_guest_on() { in_lab "$1" ip -json -statistics link show tap0 | jq '.[0].stats64.rx.packets'; }

# plug_segments up|down SEGMENTS, as in a case, of the host that had the guest
plug_segments() {
    local segment
    for segment in $2; do
        case $segment in
            replication) in_lab a ip link set rep0 "$1" ;;
            uplink) plug_uplink "$owner" "$1" ;;
            arbiter) in_lab arbiter ip link set "port-$owner" "$1" ;;
            peer-arbiter) in_lab arbiter ip link set "port-$(peer_of "$owner")" "$1" ;;
        esac
    done
}

# wall_is HOST STATE
wall_is() { host_says "$1" ".proxy.state == \"$2\""; }

lets_output_through() { host_says "$1" '.proxy.state | . == "PROTECTED" or . == "ALONE"'; }

has_the_guest() { lets_output_through "$1" && host_says "$1" '.agent.role == "primary" and .agent.guest_found'; }

somebody_serves() { wall_is a ALONE || wall_is b ALONE; }

# A wall that is PROTECTED gets no commit without its backup.
at_most_one_serves() { ! (wall_is a ALONE && lets_output_through b) && ! (wall_is b ALONE && lets_output_through a); }

is_settled() {
    local host
    for host in a b; do
        if host_says "$host" '.agent.role == "primary" and .agent.protected and .proxy.state == "PROTECTED"'; then
            host_says "$(peer_of "$host")" '.agent.may_promote'
            return
        fi
    done
    return 1
}

host_with_the_guest() { if has_the_guest a; then printf a; else printf b; fi; }

# nothing_uncommitted_left HOST, which had the guest
nothing_uncommitted_left() {
    local verdict
    verdict=$(judge_owner "$1")
    detail "        $verdict"
    jq --exit-status '.old_owner_uncommitted_frames == 0' <<< "$verdict" > /dev/null
}

main "$@"
