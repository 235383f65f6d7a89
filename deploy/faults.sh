#!/usr/bin/env bash
# Tests a protected guest under faults that are not the death of its host: agents, proxies and the waiting QEMU die and
# come back or stay away, the replication link is cut and flaps, the wall fills, the operator takes a hand and upgrades both hosts,
# and at last the host does die. Before all that the backup is rehearsed, and once more when the host dies. Clients work all the
# time; no answer that they got may be contradicted, no connection may break. When they have gone, the operator makes two owners of
# one guest, and ends it. A guest that powers itself off stays off. What the operator does is noted for runbook.sh.
#
#   faults.sh [--seed N]     as root, on Debian 12 with a JDK 25
#
#   --seed N           for the moments of the faults (default: a random one, which is shown)
#
# Installs missing Debian packages and builds what is missing. Everything happens in network namespaces of its own and is
# removed at the end, whatever happens. Logs are in deploy/target/faults-logs. The last line is "N passed, N failed".
# Exit code 0 if none failed.

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
# While the guest is alone nothing slows its clients down; the processors are to be left to whoever comes back.
readonly THINK_MILLIS=10
readonly INTERVAL=25ms
# An agent that restarts must be back before its peer gives it up, also on a machine that has much to do.
readonly LONG_PATIENCE_SECONDS=25
# For the faults that come afterwards, and for the failovers that clients live through.
readonly PATIENCE_SECONDS=8
# When there are no clients any more, whose load makes heartbeats late.
readonly LAST_PATIENCE_SECONDS=4
# Clients may have to wait as long as that, and for their next retransmission.
readonly STUCK_MILLIS=30000
# What a return to protection may take: a Java program starts, and all memory is copied.
readonly RECOVERY_SECONDS=40
# What a rehearsal may take: another guest is restored beside all that runs.
readonly REHEARSAL_SECONDS=60
# Where the programs of a host tell their metrics, see lib/hosts.sh.
readonly PROXY_PORT=9601
readonly AGENT_PORT=9602
# Soon full, see lib/hosts.sh.
WALL_LIMIT=1MiB

main() {
    parse_seed "$@"
    require_root
    install_missing_packages "${LAB_PACKAGES[@]}" iputils-ping
    prepare_build_tools
    build_if_needed
    build_guest_image

    begin_with_logs_in "$REPOSITORY/deploy/target/faults-logs"
    begin_commands
    open_way_to a
    open_way_to b
    RANDOM=$seed
    say "$CLIENTS clients, an epoch every $INTERVAL, seed $seed"
    be_patient_for $LONG_PATIENCE_SECONDS
    REHEARSAL_STAYS=$HOSTS_DIR/rehearsal-stays
    REHEARSAL="{answer-limit: 60s, check: [sh, -c, 'while [ -e $REHEARSAL_STAYS ]; do sleep 0.1; done']}"
    protect_a_guest

    the_backup_is_rehearsed
    the_metrics_tell_of_it
    the_operator_looks_around
    the_agent_of_the_primary_dies
    the_agent_of_the_primary_dies_and_the_guest_stands_still
    the_proxy_of_the_primary_dies
    the_waiting_qemu_dies
    the_wall_fills_while_there_is_no_backup
    the_agent_of_the_backup_dies
    the_link_is_silent
    the_link_flaps
    a_stranger_claims_the_guests_address
    the_host_of_the_backup_speaks_as_the_guest
    the_agent_of_the_primary_stays_away
    a_promotion_dies_before_the_guest_runs
    no_guest_starts_on_the_backup
    the_operator_promotes a
    the_backup_and_the_agent_of_the_primary_are_upgraded
    the_operator_moves_the_guest_from a
    the_rest_is_upgraded
    the_backup_dies_and_the_operator_goes_on_alone
    the_host_dies
    clients_have_noticed_nothing
    both_hosts_are_rebooted
    the_guest_is_started_on_the_host_that_had_it_before
    the_hosts_lose_sight_of_each_other_and_the_operator_errs
    the_guest_powers_itself_off
    conclude
}

protect_a_guest() {
    say "a client, a switch, two hosts ${LAB}-*, and a guest that boots on host a"
    make_host a
    make_host b
    create_lab
    write_config a primary wall $INTERVAL
    write_config b backup wall $INTERVAL
    start_primary a
    start_backup b
    build_next_version "$HOSTS_DIR/next-version" # While the guest boots.
    wait_for_guest a
    wait_for_protection a
    TERM_BEFORE=$(figure_of a .agent.term)
    say "the guest is protected under term $TERM_BEFORE; $CLIENTS clients start"
    start_workload $CLIENTS faults: --think-millis $THINK_MILLIS --stuck-millis $STUCK_MILLIS
    let_clients_run 2000
}

# ---- the backup is put to the proof -----------------------------------------------------------------------------------

# INV-9: the guest that is restored for it is seen by nobody, and protection does not notice.
the_backup_is_rehearsed() {
    local epoch port
    say "the backup restores its checkpoint in isolation"
    mark_history a
    epoch=$(figure_of b .agent.confirmed_epoch)
    port=$(port_of_guest)
    expect "the restored guest answers" 0 operator_reads 'answered' b rehearse
    detail "$(status_of b | jq --compact-output .agent.rehearsal)"
    expect "and passes its check" 0 \
        host_says b '.agent.rehearsal | .outcome == "answered" and .answer_ms > 0 and .check_ms > 0'
    expect "within a minute" 0 host_says b ".agent.rehearsal.total_ms < $REHEARSAL_SECONDS * 1000"
    expect "further checkpoints were confirmed" 0 host_says b ".agent.confirmed_epoch > $epoch"
    expect "the wall has stayed PROTECTED" 0 wall_has_not_moved
    expect "host b may promote" 0 host_says b '.agent.may_promote'
    expect "the guest has stayed at its port of the switch" 0 guest_is_at "$port"
    expect "nobody else was seen to use its addresses" 0 metric_is a $PROXY_PORT holdfast_address_conflicts_total '. == 0'
    expect "nothing is left of it" 0 nothing_is_left_of_rehearsal_on b
    expect "the metrics count it" 0 metric_is b $AGENT_PORT holdfast_rehearsals_total '. == 1'
    expect "and say how long ago it was" 0 metric_is b $AGENT_PORT holdfast_rehearsal_age_seconds '. < 60'
    expect "the audit log has it" 1 audit_tells b rehearsed answered
    expect "the primary says whose task it is" 0 operator_reads 'other host \(b' a rehearse
}

# Since the mark.
wall_has_not_moved() { [[ -z $(history_since_mark) ]]; }

# ---- what is measured of a pair that is well -----------------------------------------------------------------------------

the_metrics_tell_of_it() {
    say "the agents say what it costs"
    expect "the guest was paused for checkpoints" 0 metric_is a $AGENT_PORT holdfast_checkpoint_pause_seconds_count '. > 5'
    expect "for less than a second each" 0 mean_is_below 1 holdfast_checkpoint_pause_seconds
    expect "the backup has confirmed them" 0 metric_is a $AGENT_PORT holdfast_confirm_seconds_count '. > 5'
    expect "within a few seconds each" 0 mean_is_below 5 holdfast_confirm_seconds
    expect "they had changed pages" 0 metric_is a $AGENT_PORT holdfast_dirty_pages_total '. > 100'
    expect "which were shipped" 0 metric_is a $AGENT_PORT holdfast_shipped_bytes_total \
        ". > 4096 * $(metric_of a $AGENT_PORT holdfast_dirty_pages_total) / 100"
    expect "the guest is paused for a part of its time" 0 share_of_paused_time_is_sane
    expect "nobody has taken over" 0 metric_is b $AGENT_PORT holdfast_failovers_total '. == 0'
    expect "the wall has held frames" 0 metric_is a $PROXY_PORT holdfast_hold_seconds_count '. > 0'
}

# mean_is_below SECONDS HISTOGRAM, on host a
mean_is_below() {
    local count
    count=$(metric_of a $AGENT_PORT "$2_count")
    metric_is a $AGENT_PORT "$2_sum" ". > 0 and . < $1 * ${count:-0}"
}

# What Prometheus makes of the counter, over a second.
share_of_paused_time_is_sane() {
    local name=holdfast_guest_paused_seconds_total paused_before micros_before seconds
    micros_before=$(now_micros)
    paused_before=$(metric_of a $AGENT_PORT $name)
    sleep 1
    seconds=$(jq -n "($(now_micros) - $micros_before) / 1e6")
    metric_is a $AGENT_PORT $name ". > $paused_before and . - $paused_before < $seconds"
}

# At once, because each waits for little but its own start.
the_operator_looks_around() {
    local looks=()
    say "the operator looks around"
    look a status & looks+=($!)
    look b status & looks+=($!)
    look b promote --check & looks+=($!)
    look a doctor & looks+=($!)
    look a config show & looks+=($!)
    look a checkpoint & looks+=($!)
    look a audit --last 50 & looks+=($!)
    wait "${looks[@]}"
}

# ---- the faults -------------------------------------------------------------------------------------------------------

the_agent_of_the_primary_dies() {
    say "the primary's agent dies and is started again"
    mark_history a
    kill_holdfast a agent
    expect "the wall is SUSPENDED" 5 wall_went SUSPENDED
    expect "nothing leaves host a" 0 is_silent a 0.5
    expect "the operator reads what is missing" 0 operator_reads 'SUSPENDED' a status
    service a start agent
    expect_recovery
    expect "the guest runs" 15 guest_is_in a running
}

# As if it had died between pausing the guest and resuming it.
the_agent_of_the_primary_dies_and_the_guest_stands_still() {
    say "the primary's agent dies in the middle of a checkpoint, which leaves the guest paused"
    mark_history a
    kill_holdfast a agent
    ask_qemu a stop > /dev/null
    expect "the guest is paused" 5 guest_is_in a paused
    start_holdfast a agent
    expect "the new agent lets it go on" $RECOVERY_SECONDS guest_is_in a running
    expect_recovery
}

the_proxy_of_the_primary_dies() {
    local incarnation
    say "the primary's proxy dies with what it holds, and is started again"
    incarnation=$(figure_of a .proxy.incarnation)
    mark_history a
    kill_holdfast a proxy
    expect "nothing leaves host a" 0 is_silent a 0.5
    expect "the guest runs all the same" 15 guest_is_in a running
    start_holdfast a proxy
    expect_recovery
    expect "the wall lives a new life" 0 host_says a ".proxy.incarnation != \"$incarnation\""
}

# The checkpoint is in a file, which outlives it. But what dies again and again would not run the guest either.
the_waiting_qemu_dies() {
    local pid frontier
    say "the waiting QEMU on host b dies"
    let_clients_run $((RANDOM % 1000))
    mark_history a
    pid=$(pid_of_waiting_qemu b)
    kill -KILL "$pid"
    expect "another one waits" 5 another_qemu_waits b "$pid"
    expect "which is counted" 5 metric_is b $AGENT_PORT holdfast_failed_standbys_total '. == 1'
    frontier=$(figure_of a .proxy.frontier)
    expect "commits go on" $RECOVERY_SECONDS host_says a ".proxy.frontier > $frontier"
    let_clients_run 500
    expect "the guest was PROTECTED all the time" 0 wall_went_nowhere
    say "and that one, too"
    pid=$(pid_of_waiting_qemu b)
    kill -KILL "$pid"
    # It has nothing to promote any more, and says so.
    expect "the guest goes on alone" 5 wall_went ALONE
    expect_recovery
    expect "nothing was ever held for want of it" 0 was_never_suspended
    expect "the audit log has why" 1 audit_tells a relinquished 'standby lost'
    expect "the agent of host b has lived through it" 0 host_says b '.agent.may_promote'
}

# What the guest says to whoever does not wait for an answer. It may not say more than the wall can hold.
the_wall_fills_while_there_is_no_backup() {
    say "the backup cannot be reached, and the guest sends more than the wall takes"
    mark_history a
    refuse_replication
    expect "the wall is SUSPENDED" 5 wall_went SUSPENDED
    in_lab client ping -q -w 7 -i 0.002 -s 1400 "$GUEST_ADDRESS" > /dev/null 2>&1 || true
    expect "the guest is paused" 15 guest_is_in a paused
    expect "nothing leaves host a" 0 is_silent a 0.5
    expect "the operator reads it" 0 operator_reads 'SUSPENDED' a held
    expect "and why" 0 operator_reads 'guest +waits for room' a status
    expect "nothing was dropped" 0 host_says a '.proxy.counters.dropped_at_limit == 0 and .proxy.held_frames > 300'
    allow_replication
    expect_recovery
    expect "the guest runs" 15 guest_is_in a running
}

the_agent_of_the_backup_dies() {
    say "the backup's agent dies and is started again"
    mark_history a
    kill_holdfast b agent
    expect "the wall is SUSPENDED" 5 wall_went SUSPENDED
    be_patient_for $PATIENCE_SECONDS
    write_config b backup wall $INTERVAL
    start_holdfast b agent
    expect_recovery
}

# Since the mark.
wall_went_nowhere() { [[ -z $(history_since_mark) ]]; }
was_never_suspended() { ! wall_went SUSPENDED; }

# What TCP sends again when the cable is back. The wall need not even notice.
the_link_is_silent() {
    local millis frontier
    say "the replication link is unplugged for a moment, three times"
    for millis in 200 700 2500; do
        in_lab a ip link set rep0 down
        let_clients_run $millis
        in_lab a ip link set rep0 up
        frontier=$(figure_of a .proxy.frontier)
        expect "commits go on after $millis ms" $RECOVERY_SECONDS \
            host_says a ".proxy.state == \"PROTECTED\" and .proxy.frontier > $frontier"
        expect_nobody_promoted
    done
}

# Connections break, while checkpoints are on their way and while the first full one is.
the_link_flaps() {
    say "the replication link refuses, and flaps"
    mark_history a
    refuse_replication
    expect "the wall is SUSPENDED" 5 wall_went SUSPENDED
    expect "nothing leaves host a" 0 is_silent a 0.5
    allow_replication
    expect_recovery
    mark_history a
    for _ in 1 2 3 4 5 6 7 8; do
        refuse_replication
        let_clients_run $((50 + RANDOM % 150))
        allow_replication
        let_clients_run $((RANDOM % 1200))
    done
    expect "the wall was SUSPENDED" 5 wall_went SUSPENDED
    expect_recovery
}

# INV-10: the backup follows, so the guest is here for certain, and is announced again. The stranger takes nobody's segments:
# it would reset their connections.
a_stranger_claims_the_guests_address() {
    say "a stranger claims the guest's IPv4 address"
    in_lab switch nft 'table inet stranger { chain input { type filter hook input priority 0; iifname stranger0 drop; }; }'
    ip -n "$(namespace_of switch)" link add stranger0 type veth peer name stranger1
    ip -n "$(namespace_of switch)" link set stranger1 master switch0 up
    in_lab switch sysctl -qw net.ipv4.conf.stranger0.arp_notify=1
    ip -n "$(namespace_of switch)" address add "$GUEST_ADDRESS/32" dev stranger0
    ip -n "$(namespace_of switch)" link set stranger0 up
    sleep 0.3 # Until its port of the switch forwards.
    ip -n "$(namespace_of switch)" link set stranger0 address 02:00:00:00:5e:01 # Says so to everybody.
    expect "the proxy has noticed" 5 metric_is a $PROXY_PORT holdfast_address_conflicts_total '. > 0'
    ip -n "$(namespace_of switch)" link delete stranger0
    in_lab switch nft delete table inet stranger
    expect "the guest was announced again" 5 grep -q 'they are announced again' "$(log_of a agent)"
    expect "the audit log has who it was" 1 audit_tells a address-conflict "IPv4 $GUEST_ADDRESS|ipv4 $GUEST_ADDRESS"
    expect "the conflict is over" 5 host_says a '.proxy.conflicts == []'
    command_of_operator a announce
    let_clients_run 2000
    expect "the guest answers" 5 guest_answers_there
}

# INV-9. To nobody, so that no client is led astray; its own proxy knows the guest's addresses out of the checkpoints.
the_host_of_the_backup_speaks_as_the_guest() {
    say "the host of the backup speaks with the guest's IPv4 address"
    local host nobody=10.7.0.99
    host=$(namespace_of b)
    ip -n "$host" address add "$GUEST_ADDRESS/32" dev up0
    ip -n "$host" neighbor replace $nobody lladdr 02:00:00:00:5e:99 dev up0
    ip -n "$host" route add $nobody/32 dev up0 src "$GUEST_ADDRESS"
    in_lab b ping -q -c 5 -i 0.2 -W 1 $nobody > "$HOSTS_DIR/speaks.log" 2>&1 || true # Nobody answers.
    expect "the proxy has noticed" 5 metric_is b $PROXY_PORT holdfast_address_leak_frames_total '. > 0'
    expect "the audit log has it as an alarm" 5 \
        audit_tells b silence-broken "ALARM: this host itself speaks as the guest, $GUEST_ADDRESS"
    look b audit --last 20
    expect "the operator reads how to end it" 0 operator_reads "$GUEST_ADDRESS" b doctor
    ip -n "$host" neighbor delete $nobody dev up0
    operate_system b ip addr del "$GUEST_ADDRESS/32" dev up0 # And the route with it.
    expect "the guest is protected" 5 is_protected a
}

# Longer than its peer waits. Its guest runs on, but nobody hears of it; the agent that comes back ends it.
the_agent_of_the_primary_stays_away() {
    say "the primary's agent dies, and stays away for too long"
    mark_history a
    kill_holdfast a agent
    expect_take_over b $((PATIENCE_SECONDS + RECOVERY_SECONDS))
    expect "the wall of host a is SUSPENDED" 0 wall_went SUSPENDED
    # It may have been paused when its agent died.
    ask_qemu a cont > /dev/null
    expect "the guest of host a runs on" 15 guest_is_in a running
    expect "nothing leaves host a" 0 is_silent a 0.5
    expect "the operator reads that host b has the guest" 0 operator_reads 'ALONE' b status
    look b audit --last 20
    mark_history b
    write_config a primary wall $INTERVAL
    service a start agent
    expect "host a gives way and becomes the backup" $RECOVERY_SECONDS host_says a '.agent.role == "backup"'
    expect "the wall of host a is SEALED" 0 wall_is_sealed a
    expect "the guest is PROTECTED on host b" $RECOVERY_SECONDS protected_again
    TERM_BEFORE=$(figure_of b .agent.term)
    expect "host a may promote" 10 host_says a '.agent.may_promote'
    let_clients_run 2000
}

# Host a waits for its proxy, under a term that it has claimed, when its agent dies. So the guest on host b is the last one.
a_promotion_dies_before_the_guest_runs() {
    say "host a claims a term out of sight of host b, and its agent dies before a guest runs under it"
    mark_history b
    kill_holdfast a proxy
    in_lab a ip link set rep0 down
    expect "host a has claimed the term" $((PATIENCE_SECONDS + 10)) host_says a ".agent.term > $TERM_BEFORE"
    expect "nothing leaves host b" 0 is_silent b 0.5
    kill_holdfast a agent
    in_lab a ip link set rep0 up
    start_holdfast a proxy
    start_holdfast a agent
    expect "host a says that no guest runs there, and none will" $RECOVERY_SECONDS audit_tells a term-forgone .
    expect "the guest goes on alone, by nobody's command" $RECOVERY_SECONDS wall_went ALONE
    expect "it is PROTECTED again" $RECOVERY_SECONDS protected_again
    expect "under a newer term of host b's" 0 host_says b ".agent.term > $TERM_BEFORE + 1 and .agent.owner == \"b\""
    expect "host a may promote" 10 host_says a '.agent.may_promote'
    TERM_BEFORE=$(figure_of b .agent.term)
    let_clients_run 2000
}

# The guest of host b goes on when host a sees it again, though no QEMU starts on host a even then.
no_guest_starts_on_the_backup() {
    say "host a does not see host b, and cannot start its guest"
    mark_history b
    take_qemu_from a
    in_lab a ip link set rep0 down
    expect "host a tries again and again" $((PATIENCE_SECONDS + 10)) does_not_start_on a
    expect "nothing leaves host b" 0 is_silent b 0.5
    in_lab a ip link set rep0 up
    expect "host a gives its term up" $RECOVERY_SECONDS audit_tells a promotion-failed 'is back'
    expect "the guest goes on alone, by nobody's command" $RECOVERY_SECONDS wall_went ALONE
    give_qemu_to a
    expect "it is PROTECTED again" $RECOVERY_SECONDS protected_again
    expect "host a may promote" 10 host_says a '.agent.may_promote'
    TERM_BEFORE=$(figure_of b .agent.term)
    let_clients_run 2000
}

# There is nothing wrong with the primary, and it gives way all the same: the_operator_promotes HOST
the_operator_promotes() {
    say "the operator lets host $1 take over"
    mark_history "$1"
    command_of_operator "$1" promote --yes --reason exercise
    expect "host $1 takes over" 10 wall_went ALONE
    expect "host $(peer_of "$1") gives way and becomes the backup" $RECOVERY_SECONDS \
        host_says "$(peer_of "$1")" '.agent.role == "backup"'
    expect "the guest is PROTECTED on host $1" $RECOVERY_SECONDS protected_again
    expect "under a newer term" 0 host_says "$1" ".agent.term > $TERM_BEFORE"
    expect "host $(peer_of "$1") may promote" 10 host_says "$(peer_of "$1")" '.agent.may_promote'
    TERM_BEFORE=$(figure_of "$1" .agent.term)
    let_clients_run 2000
}

# the_operator_moves_the_guest_from HOST
the_operator_moves_the_guest_from() {
    local to
    to=$(peer_of "$1")
    say "the operator moves the guest from host $1 to host $to"
    mark_history "$to"
    command_of_operator "$1" switchover --yes --reason maintenance
    expect "host $to has the guest" 0 host_says "$1" ".agent.owner == \"$to\""
    expect "which stood still for less than 5 s" 0 host_says "$1" '.agent.switchover_ms > 0 and .agent.switchover_ms < 5000'
    expect "all that it had said had left" 0 nothing_was_held_at "$1" "the guest is handed over"
    expect "the guest is PROTECTED on host $to" $RECOVERY_SECONDS protected_again
    expect "host $1 may promote" 10 host_says "$1" '.agent.may_promote'
    expect "the audit log tells of it" 0 audit_tells "$1" switchover "host $to has the guest"
    TERM_BEFORE=$(figure_of "$to" .agent.term)
    let_clients_run 2000
}

# Two versions whose agents do not understand each other. The backup is the first, as the runbook has it, and turns its primary
# away, which is alone by the promise of the backup's old agent; the new one remembers nothing of it.
the_backup_and_the_agent_of_the_primary_are_upgraded() {
    local guest look
    say "host b gets the next version, whose link has another protocol"
    mark_history a
    guest=$(process_of_guest a)
    service b stop agent
    expect "the guest goes on alone" 5 wall_went ALONE
    service b stop proxy
    install_next_version_on b
    service b start proxy
    service b start agent
    expect "its agent runs" $RECOVERY_SECONDS host_says b '.agent != null'
    expect "the operator does not wait for what cannot be" 0 \
        operator_is_refused 'host a is older: .* install the Holdfast of host b on host a' b rejoin
    look a status & look=$!
    expect "host b may not promote" 0 operator_is_refused 'never confirmed a full checkpoint' b promote --check
    wait $look
    expect "host b says why as well" 0 host_says b '.agent.refuses_because | test("^host a is older: ")'
    expect "and host a, which is alone" 0 \
        host_says a '.proxy.state == "ALONE" and (.agent.refused_because | test("^host a is older: "))'
    expect "the audit log of host b has it" 0 audit_tells b primary-refused 'host a is older: '
    expect "the guest is served" 2 guest_answers_there
    expect_nobody_promoted
    say "host a gets it, too, but for its proxy"
    install_next_version_on a
    service a restart agent
    expect "the guest is served" 2 guest_answers_there
    expect "host b is let in" 0 operator_reads 'may take over from checkpoint' b rejoin
    expect_recovery
    expect "the agent of host a is the new one" 0 runs_next_version a agent
    expect "its proxy is the old one" 0 runs_other_version a proxy
    expect "it is the same guest" 0 runs_guest a "$guest"
    expect "nothing was held for want of a backup" 0 was_never_suspended
}

# The proxy that stayed.
the_rest_is_upgraded() {
    local host
    say "host a, now the backup, gets the proxy of the next version"
    mark_history b
    service a stop agent
    expect "the guest goes on alone" 5 wall_went ALONE
    service a stop proxy
    service a start proxy
    service a start agent
    expect "its agent runs" $RECOVERY_SECONDS host_says a '.agent != null'
    expect "host a is its backup again" 0 operator_reads 'may take over from checkpoint' a rejoin
    expect "the guest is PROTECTED on host b" $RECOVERY_SECONDS protected_again
    expect "under the same term" 0 host_says b ".agent.role == \"primary\" and .agent.term == $TERM_BEFORE"
    expect "nothing was held for want of a backup" 0 was_never_suspended
    for host in a b; do
        check "host $host has the next version" operate_system $host holdfast --version
        expect "its proxy runs it" 0 runs_next_version $host proxy
        expect "its agent, too" 0 runs_next_version $host agent
    done
}

process_of_guest() { pgrep -f "unix:$HOSTS_DIR/$1/run/qmp.sock"; }

# runs_guest HOST PROCESS_ID, and no other one
runs_guest() { [[ $(process_of_guest "$1") == "$2" ]]; }

# runs_next_version HOST proxy|agent
runs_next_version() { [[ $(running_version_of "$1" "$2") == "$NEXT_VERSION" ]]; }

# runs_other_version HOST proxy|agent
runs_other_version() { [[ $(running_version_of "$1" "$2") != "$NEXT_VERSION" ]] && host_says "$1" ".$2 != null"; }

# Whether a host's wall was empty when it changed its state for the last time for a reason: nothing_was_held_at HOST REASON
nothing_was_held_at() {
    jq --slurp --exit-status --arg reason "$2" \
        'map(select(.event == "wall" and (.reason | contains($reason)))) | length > 0 and last.held_frames == 0' \
        "$HOSTS_DIR/$1/state/audit.jsonl" > /dev/null
}

# What comes back does not know whether it has ever promoted.
the_backup_dies_and_the_operator_goes_on_alone() {
    say "host a, now the backup, dies with its disk, and the operator lets host b go on alone"
    let_clients_run 1000
    mark_history b
    kill_everything_in a
    expect "the wall is SUSPENDED" 5 wall_went SUSPENDED
    expect "nothing leaves host b" 0 is_silent b 0.5
    rm -r "${HOSTS_DIR:?}/a/state"
    write_config a backup wall $INTERVAL
    start_backup a
    expect "host b does not take host a for the backup that it was" $RECOVERY_SECONDS audit_tells b backup-refused 'lost its memory'
    expect "the wall is SUSPENDED still" 0 operator_reads 'SUSPENDED.*refused +.+' b status
    command_of_operator b alone --force --yes --reason "host a has lost its disk"
    expect "the wall is ALONE" 5 wall_went ALONE
    look b status
    expect "the guest answers" 10 guest_answers_there
    expect "host a joins it" 0 operator_reads 'may take over from checkpoint' a rejoin
    expect "the guest is PROTECTED" 10 protected_again
    expect "host a may promote" 10 host_says a '.agent.may_promote'
    TERM_BEFORE=$(figure_of b .agent.term)
}

# In the middle of a rehearsal, which has the checkpoint's memory in its hands. And the QEMU that waits cannot be given the state,
# nor does another one start before somebody mends that; the checkpoint is the last.
the_host_dies() {
    local killed_micros pid
    say "after all that, host b dies, while host a rehearses: SIGKILL to its QEMU, agent and proxy"
    pid=$(pid_of_waiting_qemu a)
    touch "$REHEARSAL_STAYS"
    begin_rehearsal_on a
    expect "the guest runs a second time, where nobody sees it" $REHEARSAL_SECONDS \
        host_says a '.agent.rehearsal.step | test("operator.s check")'
    take_qemu_from a
    killed_micros=$(now_micros)
    kill_everything_in b
    tell_workload_of_failover "$killed_micros" "$(now_micros)"
    expect "host a tries again and again" $((PATIENCE_SECONDS + 10)) does_not_start_on a
    give_qemu_to a
    expect_take_over a $RECOVERY_SECONDS
    expect "the guest runs in another QEMU than the one that waited" 0 is_gone "$pid"
    expect "host a counts it" 5 metric_is a $AGENT_PORT holdfast_failovers_total '. == 1'
    expect "the rehearsal has given way" 5 host_says a '.agent.rehearsal.outcome == "interrupted"'
    expect "nothing is left of it" 0 nothing_is_left_of_rehearsal_on a
    rm "$REHEARSAL_STAYS"
    # A client may wait for its own next retransmission as long again as nobody has served it.
    expect "all clients are answered" $RECOVERY_SECONDS nobody_is_silent
    let_clients_run 2000
}

# All that is left of them is their disks, with the term.
both_hosts_are_rebooted() {
    say "both hosts are rebooted, and the guest is started on host a, which had it last"
    TERM_BEFORE=$(figure_of a .agent.term)
    kill_everything_in a
    forget_guest_of a
    start_primary a
    write_config b backup wall $INTERVAL
    start_backup b
    expect "the guest answers" $GUEST_BOOT_SECONDS guest_answers a
    expect "it is PROTECTED" $PROTECTION_SECONDS is_protected a
    expect "under the term of before" 0 host_says a ".agent.term == $TERM_BEFORE"
    expect "host b may promote" 10 host_says b '.agent.may_promote'
}

# The state that clients have seen last dies with host a, which the operator answers for on both hosts.
the_guest_is_started_on_the_host_that_had_it_before() {
    say "both hosts die, and the guest is started on host b, from its disk"
    kill_everything_in a
    kill_everything_in b
    be_patient_for $LAST_PATIENCE_SECONDS
    write_config a primary wall $INTERVAL
    write_config b backup wall $INTERVAL
    start_backup a
    expect "host a keeps its term" $RECOVERY_SECONDS host_says a ".agent.role == \"primary\" and .agent.term == $TERM_BEFORE"
    expect "and does not give it up by itself" 0 operator_reads 'newest term' a rejoin
    command_of_operator a rejoin --force --yes --wait 0 --reason "its memory is gone"
    expect "it is a backup then" 5 host_says a '.agent.role == "backup"'
    start_backup b
    expect "host b is a backup, too" $RECOVERY_SECONDS host_says b '.agent.role == "backup"'
    command_of_operator b alone --force --yes --reason "host a has given its guest up"
    expect "host b is the primary" 10 host_says b ".agent.role == \"primary\" and .agent.term > $TERM_BEFORE"
    start_guest b
    expect "the guest answers" $GUEST_BOOT_SECONDS guest_answers b
    expect "host a joins it" 0 operator_reads 'may take over from checkpoint' a rejoin
    TERM_BEFORE=$(figure_of b .agent.term)
}

# After the clients have gone, because what this guest says on host b is contradicted by host a.
the_hosts_lose_sight_of_each_other_and_the_operator_errs() {
    say "the replication link is cut, host a takes over, and the operator lets host b speak as well"
    mark_history b
    in_lab a ip link set rep0 down
    expect_take_over a $((LAST_PATIENCE_SECONDS + RECOVERY_SECONDS))
    expect "the wall of host b is SUSPENDED" 0 wall_went SUSPENDED
    expect "the operator sees the cable" 0 operate_system b ip -brief link show rep0
    look b status
    command_of_operator b alone --force --yes --reason "host a is powered off"
    expect "two hosts let output leave" 5 host_says b '.proxy.state == "ALONE"'
    look a status
    look b status
    command_of_operator b seal --yes --reason "two owners; host a has the newer term"
    expect "the wall of host b is SEALED" 0 host_says b '.proxy.state == "SEALED"'
    command_of_operator a announce
    mark_history a
    in_lab a ip link set rep0 up
    expect "host b gives its guest up" $RECOVERY_SECONDS host_says b '.agent.role == "backup"'
    expect "host b is the backup" 0 operator_reads 'may take over from checkpoint' b rejoin
    expect "the guest is PROTECTED on host a" $RECOVERY_SECONDS protected_again
    look b status
    TERM_BEFORE=$(figure_of a .agent.term)
}

the_guest_powers_itself_off() {
    say "the guest powers itself off"
    # Something to say until the very end.
    in_lab client ping -q -w 3 -i 0.002 "$GUEST_ADDRESS" > /dev/null 2>&1 &
    in_lab client timeout 2 redis-cli -h "$GUEST_ADDRESS" shutdown nosave > /dev/null 2>&1 || true
    wait $! || true
    expect "host b knows that this is no failure" 10 host_says b '.agent.may_promote == false'
    expect "its last words have left" 5 host_says a '.proxy.held_frames == 0'
    say "and then its host dies"
    kill_everything_in a
    sleep $((LAST_PATIENCE_SECONDS + 2))
    expect "host b has not resurrected the guest" 0 \
        host_says b ".agent.role == \"backup\" and .agent.term == $TERM_BEFORE and (.proxy.state | IN(\"CLOSED\", \"SEALED\"))"
}

# ---- how they are made, and what follows each -------------------------------------------------------------------------

# How long agents wait for each other whose configuration is written from now on: be_patient_for SECONDS
be_patient_for() {
    HEARTBEATS_MISSED=50
    HEARTBEAT=$(($1 * 1000 / HEARTBEATS_MISSED))ms
    GRACE=$1s
}

# No QEMU is given a guest there any more, neither the one that waits nor another one: take_qemu_from HOST, for its agent
take_qemu_from() {
    rm "$HOSTS_DIR/$1/run/incoming.sock"
    nsenter --mount --target "${HOLDFAST_PIDS[$1-agent]}" mount --bind /bin/false "$(qemu_of "$1")"
}

give_qemu_to() { nsenter --mount --target "${HOLDFAST_PIDS[$1-agent]}" umount "$(qemu_of "$1")"; }

qemu_of() { command -v "$(qemu_command_of "$1" | head -n 1)"; }

does_not_start_on() { host_says "$1" '.agent.missing_for_promotion | test("tries again: the guest does not start")'; }

# pid_of_waiting_qemu HOST
pid_of_waiting_qemu() {
    local pid rest
    read -r pid rest < "$HOSTS_DIR/$1/run/standby.pid"
    echo "$pid"
}

# another_qemu_waits HOST PID
another_qemu_waits() {
    local pid
    pid=$(pid_of_waiting_qemu "$1" 2> /dev/null) && [[ -n $pid && $pid != "$2" ]]
}

refuse_replication() {
    in_lab b nft 'table inet cut { chain input { type filter hook input priority 0; tcp dport 7700 reject with tcp reset; }; }'
}
allow_replication() { in_lab b nft delete table inet cut; }

expect_recovery() {
    expect "PROTECTED again" $RECOVERY_SECONDS protected_again
    expect_nobody_promoted
    let_clients_run 500
}

wall_is_sealed() { wall_history_of "$1" | tail -n 1 | grep -q -e '-> SEALED$'; }

main "$@"
