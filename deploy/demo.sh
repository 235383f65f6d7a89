#!/usr/bin/env bash
# Shows Holdfast at work: protects a real guest that runs a real Redis, kills its host without warning while clients
# talk to it, and checks that every client goes on with correct data.
#
#   demo.sh [OPTION...]                  as root, on Debian 12 with a JDK 25
#
#   --mode MODE        wall: output waits for the backup's confirmation (default);
#                      reverse: it leaves at once, and clients are reconciled with the restored guest. One proxy stands
#                      in front of both hosts;
#                      off: it leaves at once, as without Holdfast, and clients pay for it
#   --fault LIST       what happens to the host that has the guest; of several, such as freeze,cut-both, one a failover in turn.
#                      kill: all of the host's processes die (default);
#                      freeze: they stand still until the backup has taken over, and go on then;
#                      cut-replication, cut-uplink, cut-both: its cable to the other host, to the clients, or both are
#                      unplugged. If it is only the uplink, it keeps the guest, as the other host follows
#   --cut-seconds N    how long cables are unplugged (default: 20)
#   --workload KIND    shared: replies depend on what other clients do, through a counter and a list (default);
#                      independent: each client has keys of its own
#   --service KIND     redis (default), or random: some clients speak to a service on port 7000 whose replies are random,
#                      which no restored guest repeats
#   --admission KIND   in reverse mode, when requests reach the guest: free, serial or batch (default: what the workload
#                      needs to repeat, serial for shared and free for independent)
#   --held-ports LIST  in reverse mode, ports of the guest whose output is held as by the wall, such as 7000,7001
#   --port KIND        auto, packet-socket or pcap: how the proxies capture frames (default: auto)
#   --interval TIME    between checkpoints at most; output that waits brings them forward (default: 200ms; reverse: 500ms)
#   --heartbeat TIME   between the hosts' signs of life; one from which nothing is heard for eight times as long is taken for
#                      dead (default: 100ms)
#   --clients N        connections, at least 5 (default: 8)
#   --runs N           fresh runs, each with a new guest (default: 1)
#   --chain N          failovers in a row that one guest and its clients live through (default: 1). In reverse mode it is
#                      always host a that dies: in between the operator, whom this script plays, moves the guest back to it,
#                      away from the proxy
#   --json FILE        also write the result to FILE
#   --prometheus DIR   watch it with a real Prometheus, whose data is kept in DIR; dashboard.sh shows it
#   --seed N           for the moments of death (default: a random one, which is shown)
#   --keep             bring the dead host back at the end and leave everything running, until Ctrl-C; says where the status
#                      pages and Prometheus are, and how to give the holdfast commands of the runbook
#
# Installs missing Debian packages and builds what is missing. Everything happens in network namespaces of its own and is
# removed at the end, whatever happens. The last line of standard output is one JSON object with the result. Exit code
# 0 if all runs came to their end and what the mode promises was kept; 1 otherwise. In wall mode no client is reset or stuck
# or sees contradicted data. In reverse mode none is stuck, none that goes on sees contradicted data, the proxy has counted
# each one that is reset as diverged, and somebody is answered after a failover. Without Holdfast nothing is promised.

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
# shellcheck source=lib/faults.sh
source "$REPOSITORY/deploy/lib/faults.sh"
# shellcheck source=lib/owners.sh
source "$REPOSITORY/deploy/lib/owners.sh"
# shellcheck source=lib/results.sh
source "$REPOSITORY/deploy/lib/results.sh"
# shellcheck source=lib/prometheus.sh
source "$REPOSITORY/deploy/lib/prometheus.sh"

readonly MILLIS_AFTER_LAST_FAILOVER=4000
# Where a browser on this machine finds the status page of either host, whose own loopback is out of its reach.
declare -rA PAGE_PORT=([a]=9701 [b]=9702)
readonly PROMETHEUS_PORT_HERE=9790
readonly LOGS=$REPOSITORY/deploy/target/demo-logs

FORWARDERS=() KEEPER=''
mode=wall fault=kill interval='' workload=shared service=redis admission='' clients=8 runs=1 chain=1 json_file='' seed='' keep=false
PROMETHEUS_DIR=''

parse_options() {
    while (($# > 0)); do
        local option=$1
        shift
        case $option in
            --help | -h) print_help && exit 0 ;;
            --keep) keep=true && continue ;;
            --mode | --fault | --cut-seconds | --workload | --service | --admission | --held-ports | --port | --interval) ;;
            --heartbeat | --clients | --runs | --chain | --json | --prometheus | --seed) ;;
            *) die_of_usage "unknown option $option" ;;
        esac
        (($# > 0)) || die_of_usage "$option needs a value"
        case $option in
            --mode) mode=$1 ;;
            --fault) fault=$1 ;;
            --cut-seconds) CUT_SECONDS=$1 ;;
            --workload) workload=$1 ;;
            --service) service=$1 ;;
            --admission) admission=$1 ;;
            --held-ports) HELD_PORTS=$1 ;;
            --port) PORT=$1 ;;
            --interval) interval=$1 ;;
            --heartbeat) HEARTBEAT=$1 ;;
            --clients) clients=$1 ;;
            --runs) runs=$1 ;;
            --chain) chain=$1 ;;
            --json) json_file=$1 ;;
            --prometheus) PROMETHEUS_DIR=$1 ;;
            --seed) seed=$1 ;;
        esac
        shift
    done
    [[ $mode =~ ^(wall|reverse|off)$ ]] || die_of_usage "--mode is wall, reverse or off, not $mode"
    [[ $fault =~ ^($FAULTS)(,($FAULTS))*$ ]] || die_of_usage "--fault is a list of ${FAULTS//|/, }, not $fault"
    [[ $CUT_SECONDS =~ ^[1-9][0-9]*$ ]] || die_of_usage "--cut-seconds is 1 or more, not $CUT_SECONDS"
    [[ $workload =~ ^(shared|independent)$ ]] || die_of_usage "--workload is shared or independent, not $workload"
    [[ $service =~ ^(redis|random)$ ]] || die_of_usage "--service is redis or random, not $service"
    if [[ $mode == reverse ]]; then
        PLACEMENT=inline interval=${interval:-500ms} ADMISSION=${admission:-$(admission_for "$workload")}
    elif [[ -n $admission$HELD_PORTS ]]; then
        die_of_usage "--admission and --held-ports go with --mode reverse"
    fi
    [[ $ADMISSION =~ ^(free|serial|batch)$ ]] || die_of_usage "--admission is free, serial or batch, not $admission"
    [[ $HELD_PORTS =~ ^([0-9]{1,5}(,[0-9]{1,5})*)?$ ]] || die_of_usage "--held-ports is a list like 7000,7001, not $HELD_PORTS"
    interval=${interval:-200ms}
    [[ $PORT =~ ^(auto|packet-socket|pcap)$ ]] || die_of_usage "--port is auto, packet-socket or pcap, not $PORT"
    [[ $interval =~ ^[0-9]+m?s$ ]] || die_of_usage "--interval is a time like 200ms, not $interval"
    [[ $HEARTBEAT =~ ^[1-9][0-9]{1,3}ms$ ]] || die_of_usage "--heartbeat is a time like 100ms, not $HEARTBEAT"
    GRACE=$((3 * ${HEARTBEAT%ms}))ms
    [[ $clients =~ ^([5-9]|[1-9][0-9]{1,2})$ ]] || die_of_usage "--clients is 5 or more, not $clients"
    [[ $runs =~ ^[1-9][0-9]*$ ]] || die_of_usage "--runs is 1 or more, not $runs"
    [[ $chain =~ ^[1-9][0-9]*$ ]] || die_of_usage "--chain is 1 or more, not $chain"
    seed=${seed:-$RANDOM}
    [[ $seed =~ ^[0-9]{1,9}$ ]] || die_of_usage "--seed is a number, not $seed"
}

# Requests have to be served in their order only where replies depend on it: admission_for WORKLOAD
admission_for() { if [[ $1 == shared ]]; then printf serial; else printf free; fi; }

main() {
    parse_options "$@"
    require_root
    install_missing_packages "${LAB_PACKAGES[@]}" "${JUDGE_PACKAGES[@]}"
    ! is_watched || install_missing_packages "${ALERT_PACKAGES[@]}"
    prepare_build_tools
    build_if_needed
    build_guest_image

    DEMO_DIR=$(mktemp -d /tmp/holdfast-demo.XXXXXX)
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 141' PIPE
    trap 'exit 143' TERM

    RANDOM=$seed
    say "mode $mode, fault $fault, $clients clients, an epoch at least every $interval, seed $seed"
    local run
    for ((run = 1; run <= runs; run++)); do
        run_once "$run"
    done
    conclude
}

run_once() {
    local run=$1 primary=a failover faults figures owners workload_options=()
    HOSTS_DIR=$DEMO_DIR/run-$run
    WORKLOAD_DIR=$HOSTS_DIR
    IFS=, read -ra faults <<< "$fault"

    [[ $workload == shared ]] || workload_options+=(--independent)
    [[ $service == redis ]] || workload_options+=(--random)
    # As long as the cable was out TCP has waited longer and longer, and waits as long again.
    [[ $fault != *cut-uplink* ]] || workload_options+=(--stuck-millis $((2 * CUT_SECONDS + 50))000)
    # What nobody reconciles does not come back, however long one waits.
    [[ $mode != off ]] || workload_options+=(--stuck-millis 6000)
    # There it is the price of a release at once that what a client was told may be taken back, together with its connection.
    [[ $mode != reverse ]] || workload_options+=(--reset-disavows)
    say "run $run of $runs: a client, a switch, two hosts ${LAB}-*, and a guest that boots on host a"
    make_host a
    make_host b
    create_lab
    [[ $PLACEMENT == beside ]] || wire_hosts_inline
    write_config a primary "$mode" "$interval"
    write_config b backup "$mode" "$interval"
    start_primary a
    start_backup b
    if is_watched; then
        publish_metrics_of a
        publish_metrics_of b
        start_prometheus
    fi
    wait_for_guest a
    wait_for_protection a
    ! has_judge || watch_owner a
    say "the guest is protected; $clients clients start"
    start_workload "$clients" "run$run:" "${workload_options[@]}"

    for ((failover = 0; failover < chain; failover++)); do
        let_clients_run $((3000 + RANDOM % 3001))
        figures=$(figures_of "$primary")
        let_clients_run $((RANDOM % 200))
        fail_over "${faults[failover % ${#faults[@]}]}" "$primary"
        owners='{}'
        if has_judge; then
            dismiss_witnesses
            owners=$(judge_owner "$primary")
        fi
        record_failover "$run" "$figures" "$(detection_of "$(peer_of "$primary")")" "$owners"
        primary=$(owner_after "${faults[failover % ${#faults[@]}]}" "$primary")
        if ((failover < chain - 1)); then
            restore_redundancy "$primary"
            if [[ $PLACEMENT == inline ]]; then
                move_guest_to_a
                primary=a
            fi
            ! has_judge || watch_owner "$primary"
        fi
    done
    let_clients_run $MILLIS_AFTER_LAST_FAILOVER

    say "the clients stop, and a fresh connection compares the guest with what they were told"
    stop_workload
    show_findings
    record_run "$run" "$(workload_report)" "$(reverse_figures)"
    show_run "$run"
    if $keep && ((run == runs)); then
        keep_running "$primary"
    fi
    ! is_watched || stop_prometheus
    destroy_lab
    remove_guest_memory
}

# Shows everything and writes the result; fails if the result is not what Holdfast promises.
conclude() {
    local result
    result=$(summary "$mode" "$fault")
    show_table
    [[ -z $json_file ]] || printf '%s\n' "$result" > "$json_file"
    printf '%s\n' "$result"
    [[ $mode == off ]] || keeps_the_promise "$mode" "$result"
}

# Whether each host has a wire of its own, so that one can see which of them sent a frame.
has_judge() { [[ $PLACEMENT == beside ]]; }

# Whether a Prometheus looks on.
is_watched() { [[ -n $PROMETHEUS_DIR ]]; }

# Strikes a host, and sees to it that what heals has healed: fail_over FAULT HOST
fail_over() {
    local struck_micros
    is_primary "$2" || die "host $2 has lost the guest before anybody struck it: this machine is too busy"
    struck_micros=$(now_micros)
    strike "$1" "$2"
    tell_workload_of_failover "$struck_micros" "$(now_micros)"
    heal "$1" "$2"
    let_clients_run 1000
}

# Brings a host back that has died, as the new backup of the host named.
restore_redundancy() {
    local dead role=backup
    dead=$(peer_of "$1")
    if [[ -n $(processes_in "$dead") ]]; then
        wait_for_protection "$1"
        return
    fi
    say "host $dead returns as the backup of host $1"
    [[ $PLACEMENT == beside ]] || role=$(first_role_of "$dead")
    write_config "$dead" "$role" "$mode" "$interval"
    start_backup "$dead"
    ! is_watched || publish_metrics_of "$dead"
    wait_for_protection "$1"
    say "the guest is protected again"
}

# Away from host b, with whose proxy it would die. Its clients live through this as through a failover.
move_guest_to_a() {
    say "the operator moves the guest back to host a, away from the proxy"
    wait_for 10 may_promote a || die "host a may not promote: $(status_of a)"
    JAVA_HOME=$JDK_25 in_lab a "$HOLDFAST" --config "$(config_of a)" promote --yes --reason "back to host a" > /dev/null \
        || die "the guest does not move: $(status_of a)"
    wait_for $PROTECTION_SECONDS has_protected_guest a || die "host a does not have the guest: $(status_of a)"
    say "the guest is protected there"
}

may_promote() { status_of "$1" | jq --exit-status .agent.may_promote > /dev/null; }

has_protected_guest() {
    is_protected "$1" && status_of "$1" | jq --exit-status '.agent.role == "primary" and .agent.armed' > /dev/null
}

keep_running() {
    local host
    [[ $mode == off ]] || restore_redundancy "$1"
    say "everything goes on until Ctrl-C; open in a browser"
    for host in a b; do
        if has_proxy "$host"; then
            forward "${PAGE_PORT[$host]}" "$host" 127.0.0.1:9601
            detail "http://127.0.0.1:${PAGE_PORT[$host]}/: the status page of host $host"
        fi
    done
    if is_watched; then
        forward $PROMETHEUS_PORT_HERE client "$CLIENT_ADDRESS:$PROMETHEUS_PORT"
        detail "http://127.0.0.1:$PROMETHEUS_PORT_HERE/consoles/holdfast.html?rate=15s: what Prometheus has of it"
    fi
    say "be a client"
    detail "ip netns exec $(namespace_of client) redis-cli -h $GUEST_ADDRESS -r -1 -i 0.1 incr visits"
    say "be an operator: these give the holdfast commands of deploy/runbook.md on a host; without a command each is a shell there"
    for host in a b; do
        open_way_to "$host"
        detail "$(way_to "$host") holdfast --guest $GUEST_NAME status"
    done
    detail "$(way_to "$(peer_of "$1")") holdfast --guest $GUEST_NAME promote --check"
    detail "$(way_to "$1") holdfast --guest $GUEST_NAME audit --last 5"
    # A shell that waits for its child hears a signal at once; the child has to be ended like all others.
    sleep infinity &
    KEEPER=$!
    wait $KEEPER
}

# Lets connections to a port of this machine's loopback through to an address in a place of the lab: forward PORT PLACE ADDRESS
forward() {
    setsid socat "TCP-LISTEN:$1,bind=127.0.0.1,reuseaddr,fork" \
        "EXEC:'ip netns exec $(namespace_of "$2") socat STDIO TCP:$3'" < /dev/null >> "$DEMO_DIR/forward-$1.log" 2>&1 &
    FORWARDERS+=($!)
}

clean_up() {
    local exit_code=$?
    trap '' HUP INT PIPE TERM
    trap - EXIT
    # Nothing that fails here may keep the rest from being removed.
    set +e
    end_progress
    [[ -z $KEEPER ]] || kill "$KEEPER" 2> /dev/null
    ((${#FORWARDERS[@]} == 0)) || kill -- "${FORWARDERS[@]/#/-}" 2> /dev/null
    ((exit_code >= 128)) || save_logs
    ((exit_code == 0 || exit_code >= 128)) || warn "the logs are in $LOGS"
    destroy_lab
    remove_guest_memory
    rm -rf "$DEMO_DIR"
    exit "$exit_code"
}

save_logs() {
    rm -rf "$LOGS"
    mkdir -p "$LOGS"
    cp -r "$DEMO_DIR"/. "$LOGS" 2> /dev/null || true
}

main "$@"
