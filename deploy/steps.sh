#!/usr/bin/env bash
# Kills a host at each step of the protocol between the guest's pause and the commit, and checks that the clients of a
# real guest notice nothing. One guest lives through all of it: the host that died returns as the backup. Before that two
# deaths that need no failover: the primary's agent alone dies and leaves the guest paused, and the backup dies while it
# writes a checkpoint into its own guest's memory.
#
#   steps.sh [--steps N] [--seed N]      as root, on Debian 12 with a JDK 25
#
#   --steps N          only so many of the ten steps, 2 to 10, which the seed chooses
#   --seed N           for which checkpoint it is (default: a random one, which is shown)
#
# A tripwire stands between the agent and its QEMU, its proxy and its peer. At the step in question it hands nothing on,
# and QEMU, agent and proxy get SIGKILL. Installs missing Debian packages and builds what is missing. Everything happens
# in network namespaces of its own and is removed at the end, whatever happens. Logs are in deploy/target/steps-logs. The
# last line is "N passed, N failed". Exit code 0 if none failed.

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
# shellcheck source=lib/checks.sh
source "$REPOSITORY/deploy/lib/checks.sh"

readonly CLIENTS=6
# While the guest is alone nothing slows its clients down; the processors are to be left to the host that comes back.
readonly THINK_MILLIS=30
readonly INTERVAL=25ms
readonly TAKE_OVER_SECONDS=10
readonly SPRING_SECONDS=10
readonly STEPS_OF_A_CHECKPOINT=10
# An agent that restarts must be back before its peer gives it up, also on a machine that has much to do; and clients wait.
readonly LONG_PATIENCE_SECONDS=30
readonly LONG_STUCK_MILLIS=60000
readonly RECOVERY_SECONDS=40

# Process ids by host.
declare -A TRIPWIRE_PIDS=()

# Clients' frames that promoted hosts have given to the restored guest.
given_frames=0

steps=$STEPS_OF_A_CHECKPOINT

main() {
    parse_seed_and --steps '[2-9]|10' "$@"
    require_root
    install_missing_packages "${LAB_PACKAGES[@]}"
    prepare_build_tools
    build_if_needed
    build_guest_image

    begin_with_logs_in "$REPOSITORY/deploy/target/steps-logs"
    RANDOM=$seed
    say "$CLIENTS clients, an epoch every $INTERVAL, seed $seed"
    HEARTBEATS_MISSED=100
    GRACE=${LONG_PATIENCE_SECONDS}s
    protect_a_guest

    the_agent_dies_and_leaves_the_guest_paused
    the_backup_dies_while_it_applies_a_checkpoint
    clients_have_noticed_nothing

    say "$CLIENTS new clients, of less patience, start"
    start_workload $CLIENTS steps: --think-millis $THINK_MILLIS
    local step primary=a
    choose_steps
    for step in "${CHOSEN_STEPS[@]}"; do
        [[ -n $(processes_in "$(peer_of "$primary")") ]] || restore_redundancy "$primary"
        die_at_step "$step" "$primary"
        primary=$(peer_of "$primary")
    done
    clients_have_noticed_nothing
    say "$given_frames frames of clients were given to the guest after its restorations"
    expect "what was in flight at the kills was given to the guest" 0 frames_were_given
    conclude
}

# Each with the same chance, in their order, into CHOSEN_STEPS.
choose_steps() {
    local step wanted=$steps
    CHOSEN_STEPS=()
    for ((step = 1; step <= STEPS_OF_A_CHECKPOINT; step++)); do
        if ((RANDOM % (STEPS_OF_A_CHECKPOINT + 1 - step) < wanted)); then
            CHOSEN_STEPS+=("$step")
            wanted=$((wanted - 1))
        fi
    done
}

# In the order in which they happen: die_at_step NUMBER HOST
die_at_step() {
    local skip=$((RANDOM % 30))
    case $1 in
        1) die_at "$2" "before the guest is paused" qmp before-request '"stop"' $skip ;;
        2) die_at "$2" "when the guest has been paused" qmp before-reply '"stop"' $skip ;;
        3) die_at "$2" "before the barrier" wall before-request '"barrier"' $skip ;;
        4) die_at "$2" "when the barrier has been placed" wall before-reply '"barrier"' $skip ;;
        5) die_at "$2" "when the devices have been saved" qmp before-reply '"xen-save-devices-state"' $skip ;;
        6) die_at "$2" "before the guest goes on" qmp before-request '"cont"' $skip ;;
        7) die_at "$2" "when the guest has gone on" qmp before-reply '"cont"' $skip ;;
        8) die_at "$2" "in the middle of a checkpoint on its way" link amid-bytes $((100000 + RANDOM * 20)) ;;
        9) die_at "$2" "when the backup has confirmed, before the commit" wall before-request '"commit"' $skip ;;
        10) die_at "$2" "when the commit has been carried out" wall before-reply '"commit"' $skip ;;
    esac
}

# die_at HOST TEXT TRAP...
die_at() {
    local host=$1 text=$2 killed_micros
    shift 2
    let_clients_run $((500 + RANDOM % 500))
    say "host $host dies $text"
    set_trap "$host" "$@"
    expect_trap_sprung "$host"
    killed_micros=$(now_micros)
    kill_everything_in "$host"
    tell_workload_of_failover "$killed_micros" "$(now_micros)"
    expect_take_over "$(peer_of "$host")" $TAKE_OVER_SECONDS
    let_clients_run 1000
    given_frames=$((given_frames + $(figure_of "$(peer_of "$host")" ".agent.injected_frames // 0")))
}

# Each agent that was promoted has been started since the kill before, so its count is of one failover.
frames_were_given() { ((given_frames > 0)); }

# ---- deaths that need no failover -------------------------------------------------------------------------------------

the_agent_dies_and_leaves_the_guest_paused() {
    local killed_micros
    let_clients_run 1000
    say "the agent of host a dies before the guest goes on, and is started again"
    mark_history a
    set_trap a qmp before-request '"cont"' $((RANDOM % 30))
    expect_trap_sprung a
    killed_micros=$(now_micros)
    kill_holdfast a agent
    tell_workload_of_failover "$killed_micros" "$(now_micros)"
    replace_tripwire a
    expect "the guest is paused" 15 guest_is_in a paused
    expect "the wall is SUSPENDED" 5 wall_went SUSPENDED
    expect "nothing leaves host a" 0 is_silent a 0.5
    start_holdfast a agent "$(agent_config_of a)"
}

# The agent that came back begins with all memory, which takes its time to be written: the backup dies in the middle of it.
the_backup_dies_while_it_applies_a_checkpoint() {
    expect_or_end "the new agent lets the guest go on, and it is PROTECTED again" 0 kill_backup_of_a_when_it_has_confirmed
    kill_everything_in b
    say "host b dies while it applies that first checkpoint, and comes back"
    expect "the wall is SUSPENDED again" 5 wall_is_suspended_after_protection
    expect "the guest of host a runs" 15 guest_is_in a running
    mark_history a
    HEARTBEATS_MISSED=10
    GRACE=1s
    restore_redundancy a
    expect "PROTECTED again" 0 protected_again
    expect_nobody_promoted
    let_clients_run 1000
}

# One whose proxy was slow just then has said hello anew since, which holds as well.
wall_is_suspended_after_protection() {
    [[ $(wall_history_of a | tail -n 2) =~ 'PROTECTED -> SUSPENDED'($'\n''SUSPENDED -> ARMING')?$ ]]
}

# Reads the audit of the wall on host a as it is written, because what comes next must come at once.
kill_backup_of_a_when_it_has_confirmed() {
    local audit silence line deadline=$((SECONDS + RECOVERY_SECONDS))
    exec {audit}< "$(log_of a proxy)"
    while IFS= read -r -u "$audit" line; do :; done
    # Nobody ever writes here: reading from it is a sleep that starts no program.
    exec {silence}<> <(:)
    until IFS= read -r -u "$audit" line && [[ $line == *'-> PROTECTED'* ]]; do
        ((SECONDS < deadline)) || return 1
        read -r -t 0.002 -u "$silence" || true
    done
    kill -KILL "${HOLDFAST_PIDS[b-agent]}"
    exec {audit}<&- {silence}<&-
}

# ---- the lab, with wires ----------------------------------------------------------------------------------------------

protect_a_guest() {
    say "a client, a switch, two hosts ${LAB}-*, and a guest that boots on host a"
    make_host a
    make_host b
    create_lab
    write_configs a primary
    write_configs b backup
    start_guest a
    start_wired a
    start_wired b
    wait_for_guest a
    wait_for_armed_backup a
    say "the guest is protected; $CLIENTS clients start"
    start_workload $CLIENTS deaths: --think-millis $THINK_MILLIS --stuck-millis $LONG_STUCK_MILLIS
}

restore_redundancy() {
    local dead
    dead=$(peer_of "$1")
    forget_guest_of "$dead"
    write_configs "$dead" backup
    start_wired "$dead"
    wait_for_armed_backup "$1"
}

wait_for_armed_backup() {
    wait_for_protection "$1"
    expect "host $(peer_of "$1") may promote" 10 host_says "$(peer_of "$1")" '.agent.may_promote'
    TERM_BEFORE=$(figure_of "$1" .agent.term)
}

agent_config_of() { printf '%s/%s/agent.yaml' "$HOSTS_DIR" "$1"; }

# The agent reaches all others over the tripwire; the proxy and people know nothing of it: write_configs HOST ROLE
write_configs() {
    local run=$HOSTS_DIR/$1/run
    write_config "$1" "$2" wall $INTERVAL
    sed -e "s|^runtime-directory: .*|runtime-directory: $run/wired|" \
        -e "s|qmp: .*|qmp: $run/wired/qmp.sock|" \
        -e 's|peer: .*|peer: 127.0.0.1:7701|' \
        "$(config_of "$1")" > "$(agent_config_of "$1")"
}

start_wired() {
    local run=$HOSTS_DIR/$1/run
    mkdir -p "$run/wired"
    ln -s wired/agent.sock "$run/agent.sock"
    ln -s ../frames.sock "$run/wired/frames.sock"
    start_tripwire "$1"
    start_holdfast "$1" proxy
    start_holdfast "$1" agent "$(agent_config_of "$1")"
}

# set_trap HOST TRAP...
set_trap() {
    local host=$1
    shift
    printf '%s\n' "$*" > "$HOSTS_DIR/$host/trap"
}

expect_trap_sprung() { expect "it has come to that" $SPRING_SECONDS grep -qs sprung "$(log_of "$1" tripwire)"; }

# One with no trap set, in place of one that has sprung. Before an agent connects: replace_tripwire HOST
replace_tripwire() {
    kill -KILL "${TRIPWIRE_PIDS[$1]}"
    wait_for 5 is_gone "${TRIPWIRE_PIDS[$1]}" || die "the tripwire of host $1 does not die"
    rm -f "$HOSTS_DIR/$1/run/wired"/{qmp,proxy}.sock
    start_tripwire "$1"
}

# One that lives and dies with the host: start_tripwire HOST
start_tripwire() {
    local host=$1 run=$HOSTS_DIR/$1/run trap=$HOSTS_DIR/$1/trap
    rm -f "$trap" "$(log_of "$host" tripwire)"
    mkfifo "$trap"
    # shellcheck disable=SC2016 # it is for the inner shell
    start_in_lab "$host" "$(log_of "$host" tripwire)" sh -c 'exec "$@" 0<> "$0"' "$trap" \
        "$JDK_25/bin/java" -XX:+UseSerialGC -Xmx64m -cp "$HOLDFAST_LIB/*:$DEMO_LIB/*" io.holdfast.demo.wire.Tripwire \
        --wire "qmp=$run/wired/qmp.sock=$run/qmp.sock" \
        --wire "wall=$run/wired/proxy.sock=$run/proxy.sock" \
        --wire "link=7701=${REPLICATION_ADDRESS[$(peer_of "$host")]}:7700"
    TRIPWIRE_PIDS[$host]=$STARTED_PID
}

main "$@"
