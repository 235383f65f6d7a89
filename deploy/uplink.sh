#!/usr/bin/env bash
# Tests what becomes of a guest in reverse mode when the host dies whose proxy stands in front of both: the other host takes
# the uplink itself, under a term, as soon as an operator says that the first one is dead.
#
# First the guest has never been restored: its connections go on, byte for byte, behind the proxy that stood by. Then it
# was, and only the dead proxy knew how they are numbered; and at last it dies with its proxy, and the backup waits for the
# operator. Both times each connection is reset, and counted, and new ones are served. In between the dead host returns as the
# backup, but not as long as its file says that its own proxy has the wall; and the operator moves the guest.
#
#   uplink.sh [--seed N]     as root, on Debian 12 with a JDK 25
#
#   --seed N           for the moments of death (default: a random one, which is shown)
#
# What the operator does is noted for runbook.sh. Installs missing Debian packages and builds what is missing. Everything
# happens in network namespaces of its own and is removed at the end, whatever happens. Logs are in deploy/target/uplink-logs.
# The last line is "N passed, N failed". Exit code 0 if none failed.

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
# shellcheck source=lib/operator.sh
source "$REPOSITORY/deploy/lib/operator.sh"
# shellcheck source=lib/workload.sh
source "$REPOSITORY/deploy/lib/workload.sh"
# shellcheck source=lib/checks.sh
source "$REPOSITORY/deploy/lib/checks.sh"

readonly CLIENTS=6
readonly THINK_MILLIS=10
readonly INTERVAL=200ms
# Clients may have to wait for the operator, and for their own next retransmission.
readonly STUCK_MILLIS=30000
readonly RECOVERY_SECONDS=90
readonly PROXY_PORT=9601

PLACEMENT=inline STANDBY=true ADMISSION=serial

main() {
    parse_seed "$@"
    require_root
    install_missing_packages "${LAB_PACKAGES[@]}"
    prepare_build_tools
    build_if_needed
    build_guest_image

    begin_with_logs_in "$REPOSITORY/deploy/target/uplink-logs"
    begin_commands
    open_way_to a
    open_way_to b
    RANDOM=$seed
    say "$CLIENTS clients, an epoch every $INTERVAL, seed $seed"
    protect_a_guest
    the_proxys_host_dies
    clients_have_noticed_nothing
    the_dead_host_returns_as_if_nothing_had_happened
    the_dead_host_returns b a
    the_operator_moves_the_guest
    clients_have_noticed_nothing
    the_proxys_host_dies_after_a_restoration
    those_of_whom_nothing_is_known_are_reset b
    the_dead_host_returns a b
    the_guest_dies_with_its_proxy
    those_of_whom_nothing_is_known_are_reset a
    conclude
}

protect_a_guest() {
    say "a client, a switch, two hosts ${LAB}-*, a guest that boots on host a, and a proxy on host b in front of both"
    make_host a
    make_host b
    create_lab
    wire_hosts_with_standby
    write_config a primary reverse $INTERVAL
    write_config b backup reverse $INTERVAL
    start_primary a
    start_backup b
    wait_for_guest a
    wait_for_protection a
    expect "a proxy stands by on host a" 0 standby_is a CLOSED
}

the_proxys_host_dies() {
    say "$CLIENTS clients start, and host b dies: SIGKILL to its QEMU, agent and proxy"
    start_workload $CLIENTS taken: --think-millis $THINK_MILLIS --stuck-millis $STUCK_MILLIS
    let_clients_run $((2000 + RANDOM % 1000))
    look b flows
    kill_host b
    expect "nothing leaves host a without the operator's word" 0 is_silent a 2
    expect "the proxy that stands by is CLOSED" 0 standby_is a CLOSED
    say "the operator says that host b is dead"
    command_of_operator a alone --force --yes --reason "host b is dead"
    expect "host a has the uplink" 10 host_says a '.agent.wall == "taken" and .proxy.state == "ALONE"'
    expect "the audit log has who said so" 1 audit_tells a alone 'by the operator: host b is dead'
    expect "the audit log has the uplink" 1 audit_tells a uplink taken
    let_clients_run 10000
    expect "nobody was refused" 0 metric_is a $PROXY_PORT holdfast_stranger_segments_total '. == 0'
}

# Its file still says that its own proxy has the wall, of which there must be one.
the_dead_host_returns_as_if_nothing_had_happened() {
    say "host b returns, and takes its own proxy for the wall"
    start_backup b
    expect "it is refused, with the reason" $RECOVERY_SECONDS \
        host_says a '.agent.refused_because | test("give this host .wall: peer.")'
    expect "its proxy is SEALED" 0 host_says b '.proxy.state == "SEALED"'
    expect "nothing leaves host b" 0 is_silent b 0.5
    expect "the guest is served by host a" 10 guest_answers_there
    kill_everything_in b
}

# the_dead_host_returns HOST PRIMARY
the_dead_host_returns() {
    say "host $1 returns as the backup of host $2, whose proxy keeps the uplink"
    WALL_AT=nobody
    write_config "$1" "$(first_role_of "$1")" reverse $INTERVAL
    start_backup "$1"
    expect "the guest is PROTECTED behind the proxy of host $2" $RECOVERY_SECONDS host_says "$2" '.proxy.state == "PROTECTED"'
    expect "host $1 reaches that proxy" 10 host_says "$1" '.proxy.state == "PROTECTED" and .agent.wall == "peer"'
    expect "its own stands by" 0 standby_is_shut "$1"
}

# To where it is better off: not beside the proxy that knows its connections.
the_operator_moves_the_guest() {
    say "$CLIENTS clients start, and the operator moves the guest to host b, away from the proxy"
    start_workload $CLIENTS moved: --think-millis $THINK_MILLIS --stuck-millis $STUCK_MILLIS
    let_clients_run 3000
    expect "host b may promote" 10 host_says b '.agent.may_promote'
    tell_workload_of_failover "$(now_micros)" "$(now_micros)"
    command_of_operator b promote --yes --reason exercise
    expect "the guest lives on host b, behind the proxy of host a" 20 \
        host_says b '.agent.role == "primary" and .agent.wall == "peer"'
    expect "the guest is PROTECTED there" $RECOVERY_SECONDS host_says b '.proxy.state == "PROTECTED" and .agent.armed'
    let_clients_run 2000
}

the_proxys_host_dies_after_a_restoration() {
    say "$CLIENTS clients start, and host a dies, whose proxy alone knows how the restored guest's connections are numbered"
    start_workload $CLIENTS lost: --think-millis $THINK_MILLIS --stuck-millis $STUCK_MILLIS --reset-disavows
    let_clients_run $((3000 + RANDOM % 1000))
    kill_host a
    expect "nothing leaves host b without the operator's word" 0 is_silent b 2
    command_of_operator b alone --force --yes --reason "host a is dead"
    expect "host b has the uplink" 10 host_says b '.agent.wall == "taken" and .proxy.state == "ALONE"'
    expect "a fresh connection is served" 10 guest_answers_there
    let_clients_run 3000
}

the_guest_dies_with_its_proxy() {
    say "$CLIENTS clients start, and host b dies with the guest and the proxy"
    start_workload $CLIENTS reset: --think-millis $THINK_MILLIS --stuck-millis $STUCK_MILLIS --reset-disavows
    let_clients_run $((3000 + RANDOM % 1000))
    expect "host a may promote" 10 host_says a '.agent.may_promote'
    kill_host b
    expect "host a waits, and says for what" 10 host_says a '.agent.missing_for_promotion | test("holdfast promote")'
    expect "nothing leaves host a without the operator's word" 0 is_silent a 2
    command_of_operator a promote --yes --reason "host b is dead"
    expect "host a has the uplink" 20 \
        host_says a '.agent.role == "primary" and .agent.wall == "taken" and .proxy.state == "ALONE"'
    expect "a fresh connection is served" 10 guest_answers_there
    expect "the audit log has the promotion" 1 audit_tells a promoted 'promoted at checkpoint'
    let_clients_run 3000
}

# INV-12: what they had been told may not be known to the guest, and nobody can tell any more. The one who only listens is
# reset when the guest speaks to it, as it does in the end.
# those_of_whom_nothing_is_known_are_reset HOST
those_of_whom_nothing_is_known_are_reset() {
    local report
    say "the clients stop, and a fresh connection compares the guest with what is left of what they were told"
    stop_workload
    show_findings
    report=$(workload_report)
    detail "$report"
    expect "all clients were reset, and none is stuck" 0 report_says "$report" '.reset == .clients and .stuck == 0'
    expect "nothing was contradicted" 0 report_says "$report" '.violations == 0'
    expect "their segments were counted" 0 metric_is "$1" $PROXY_PORT holdfast_stranger_segments_total '. > 0'
}

# ---- how they are made, and what follows each -------------------------------------------------------------------------

kill_host() {
    local killed_micros
    killed_micros=$(now_micros)
    kill_everything_in "$1"
    tell_workload_of_failover "$killed_micros" "$(now_micros)"
}

# standby_is HOST STATE
standby_is() { [[ $(ask_holdfast "$1" standby | jq --raw-output .state) == "$2" ]]; }

standby_is_shut() { standby_is "$1" CLOSED || standby_is "$1" SEALED; }

main "$@"
