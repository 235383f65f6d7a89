#!/usr/bin/env bash
# Installs the package on two hosts as install.md says, and lives with it for a while: two clean Debians with their own systemd, a
# real guest in QEMU under the agents' units, and clients that must notice nothing. The backup is rehearsed, keys are changed, a new
# version is installed on both hosts, an agent dies, the power of the host with the guest fails, and it boots again.
#
#   installation.sh [--seed N]     as root, on Debian 12 with a JDK 25
#
#   --seed N           for the moment of the power cut (default: a random one, which is shown)
#
# What the operator does is noted for runbook.sh. Installs missing Debian packages and builds what is missing. Everything happens in
# namespaces of its own and is removed at the end, whatever happens. Logs are in deploy/target/installation-logs.
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
# shellcheck source=lib/machine.sh
source "$REPOSITORY/deploy/lib/machine.sh"
# shellcheck source=lib/operator.sh
source "$REPOSITORY/deploy/lib/operator.sh"
# shellcheck source=lib/workload.sh
source "$REPOSITORY/deploy/lib/workload.sh"
# shellcheck source=lib/checks.sh
source "$REPOSITORY/deploy/lib/checks.sh"

readonly GUIDE=$REPOSITORY/deploy/install.md
readonly PROXY=holdfast-proxy@redis AGENT=holdfast-agent@redis GUEST=holdfast-guest@redis
readonly CLIENTS=6 THINK_MILLIS=10 STUCK_MILLIS=30000
# proc(5) CapBnd: CAP_DAC_OVERRIDE is bit 1, CAP_NET_ADMIN 12, CAP_SYS_ADMIN 21.
readonly AGENT_CAPABILITIES=0000000000201002
readonly DEBIAN=$TARGET/debian.tar
readonly TRACKER=/usr/local/lib/holdfast-track.so

main() {
    parse_seed "$@"
    require_root
    install_missing_packages "${LAB_PACKAGES[@]}" "${MACHINE_TOOLS[@]}"
    prepare_build_tools
    make_debian_if_needed "$DEBIAN"
    build_guest_image
    DEB=$("$REPOSITORY/deploy/package.sh" | tail -n 1)
    build_if_needed

    begin_with_logs_in "$TARGET/installation-logs"
    MACHINE_DIR=$HOSTS_DIR/machines
    # Before the lab goes, and the directory.
    trap remove_hosts EXIT
    begin_commands
    RANDOM=$seed
    say "seed $seed"
    two_hosts_are_switched_on
    the_package_is_installed
    the_guest_is_protected
    the_backup_is_rehearsed
    the_keys_are_changed
    a_new_version_is_installed
    the_agent_dies_and_its_guest_outlives_it
    the_power_fails
    clients_have_noticed_nothing
    conclude
}

remove_hosts() {
    local exit_code=$? host
    set +e
    for host in a b; do
        [[ -z ${MACHINE_INIT[$host]:-} ]] \
            || inside "$host" journalctl --no-pager --output=short-precise > "$HOSTS_DIR/$host-journal.log" 2> /dev/null || true
    done
    remove_machines
    (exit "$exit_code")
    clean_up
}

# ---- as install.md says -----------------------------------------------------------------------------------------------

two_hosts_are_switched_on() {
    local host
    say "a client, a switch and two hosts ${LAB}-* with a clean Debian"
    create_lab
    for host in a b; do
        create_machine $host "$DEBIAN"
        switch_on $host
        mkdir -p "$(root_of $host)/var/lib/guests/redis"
        cp "$(guest_image)"/{vmlinuz,initramfs} "$(root_of $host)/var/lib/guests/redis"
    done
}

# Its network namespace is the host's hardware, and outlives its power.
switch_on() {
    boot_machine "$1" "$(namespace_of "$1")"
    open_way_into "$1"
    # Where the other scripts of the lab look for the sockets of a host.
    mkdir -p "$HOSTS_DIR/$1"
    ln -sfn "/proc/${MACHINE_INIT[$1]}/root/run/holdfast/$GUEST_NAME" "$HOSTS_DIR/$1/run"
}

the_package_is_installed() {
    local host
    say "the package"
    for host in a b; do
        cp "$DEB" "$(root_of $host)/root"
        check "host $host installs it" apt_installs $host
    done
    check "the agents' keys are made" make_keys_of_hosts keys
    for host in a b; do
        check "host $host gets its own" install_keys $host keys
        write_to $host 644 $TRACKER < "$("$REPOSITORY/deploy/guest/build-tracker.sh")"
        configuration_of $host | write_to $host 644 /etc/holdfast/redis.yaml
        check "the configuration of host $host is in order" operate $host config check
        check "host $host lacks nothing" operate $host doctor
    done
}

the_guest_is_protected() {
    say "a guest behind the wall"
    check "host a starts its proxy" operate_system a systemctl enable --now $PROXY
    check "so does host b" operate_system b systemctl enable --now $PROXY
    check "host a starts the guest" operate_system a systemctl start $GUEST
    check "and its agent" operate_system a systemctl enable --now $AGENT
    check "host b starts its agent" operate_system b systemctl enable --now $AGENT
    expect_or_end "host b is the backup" 0 operator_reads 'may take over from checkpoint' b rejoin
    expect_or_end "the wall is PROTECTED" 10 operator_reads 'PROTECTED' a status
    expect_or_end "the guest answers" $GUEST_BOOT_SECONDS guest_answers_there
    expect "the kernel says which memory changes" 10 operator_reads 'changed memory found by pagemap-scan' a status
    start_workload $CLIENTS installed: --think-millis $THINK_MILLIS --stuck-millis $STUCK_MILLIS
    let_clients_run 2000
    check "its clock is kept" operate_system a timedatectl
}

# A spare QEMU, in namespaces of its own and an overlay, with no more than the unit allows.
the_backup_is_rehearsed() {
    say "the backup restores its checkpoint in isolation"
    check "the agent can do what it starts needs, and nothing else" agent_is_confined b
    check "the restored guest answers" operator_reads 'answered' b rehearse
}

agent_is_confined() {
    [[ $(inside "$1" cat "/proc/$(main_process_of "$1" $AGENT)/status" \
        | awk '$1 == "CapBnd:" || $1 == "Seccomp:" || $1 == "NoNewPrivs:" { printf "%s ", $2 }') \
        == "$AGENT_CAPABILITIES 1 2 " ]]
}

# ---- what happens to it -----------------------------------------------------------------------------------------------

# The agents cannot meet until both have the new ones; the guest is alone until then, by the backup's promise, and served.
the_keys_are_changed() {
    say "new keys for both hosts"
    check "they are made" make_keys_of_hosts new-keys
    check "host b stops its agent" operate_system b systemctl stop $AGENT
    expect "the guest goes on alone" 5 operator_reads 'ALONE' a status
    check "host a gets its keys" install_keys a new-keys
    check "host b gets its keys" install_keys b new-keys
    check "host b starts its agent" operate_system b systemctl start $AGENT
    expect "host a, with the old key, is turned away" 20 journal_of b $AGENT --grep='the peer refused our certificate'
    check "the guest is served" guest_answers_there
    check "host a starts its agent anew" operate_system a systemctl restart $AGENT
    expect "host b is its backup again" 0 operator_reads 'may take over from checkpoint' b rejoin
    expect "the guest is protected" $PROTECTION_SECONDS has_guest_with_backup a
}

a_new_version_is_installed() {
    say "a new version, on host b first"
    make_next_version "$DEB" "$HOSTS_DIR/next.deb"
    upgrade b
    check "the operator asks whether the backup is ready" operator_reads 'would promote *true' b promote --check
    check "and moves the guest" operate a switchover --reason maintenance --yes
    expect "it is protected there" $PROTECTION_SECONDS has_guest_with_backup b
    say "host a likewise"
    upgrade a
    expect "the guest is protected" $PROTECTION_SECONDS has_guest_with_backup b
}

# As the runbook says of a backup: upgrade HOST
upgrade() {
    check "host $1 stops its agent" operate_system "$1" systemctl stop $AGENT
    check "and its proxy" operate_system "$1" systemctl stop $PROXY
    rm "$(root_of "$1")"/root/holdfast_*.deb
    cp "$HOSTS_DIR/next.deb" "$(root_of "$1")/root/holdfast_next.deb"
    check "it installs the new version" apt_installs "$1"
    check "it has that" says next inside "$1" dpkg-query --show holdfast
    check "it starts its proxy" operate_system "$1" systemctl start $PROXY
    check "and its agent" operate_system "$1" systemctl start $AGENT
    check "it is the backup" operator_reads 'may take over from checkpoint' "$1" rejoin
}

# Without a backup that would take over, of a guest that is in the control group of its agent, which has restored it.
the_agent_dies_and_its_guest_outlives_it() {
    local qemu
    say "the agent of host b dies, which has the guest, and host a is stopped"
    check "host a stops its agent" operate_system a systemctl stop $AGENT
    expect "the guest is served alone" 5 operator_reads 'ALONE' b status
    qemu=$(qemu_of b)
    inside b systemctl kill --signal=KILL --kill-whom=main $AGENT
    expect "systemd starts the agent again" 20 restarts_reach b $AGENT 1
    expect "the guest is served" 20 guest_answers_there
    check "it has outlived its agent" is_text "$qemu" qemu_of b
    check "the log is in the journal" operator_sees 'AUDIT' b journalctl --unit $AGENT --lines 20
    check "host a starts its agent" operate_system a systemctl start $AGENT
    check "it is the backup" operator_reads 'may take over from checkpoint' a rejoin
    expect "the guest is protected" $PROTECTION_SECONDS has_guest_with_backup b
}

the_power_fails() {
    let_clients_run $((1000 + RANDOM % 1000))
    TERM_BEFORE=$(figure_of b .agent.term)
    say "the power of host b fails, which has the guest"
    cut_power_of b
    tell_workload_of_failover "$(now_micros)" "$(now_micros)"
    expect_take_over a 20
    let_clients_run 2000
    say "host b is switched on"
    switch_on b
    expect "its programs start by themselves, and it is the backup" 0 operator_reads 'may take over from checkpoint' b rejoin
    expect "the guest is protected" $PROTECTION_SECONDS has_guest_with_backup a
    let_clients_run 1000
}

# ---- the stage ----------------------------------------------------------------------------------------------------------

guest_image() { readlink -f "${XDG_CACHE_HOME:-/var/cache}/holdfast/guest/current"; }

# The one that install.md shows, and host b's as it says how that differs; with the library that it speaks of:
# configuration_of HOST
configuration_of() {
    awk '/^```/ { inside = /yaml/; next } inside' "$GUIDE" | sed "s|qemu-system-x86_64,|env, LD_PRELOAD=$TRACKER, &|" | if [[ $1 == a ]]; then cat; else
        sed -e 's/^host: a/host: b/; s/role: primary/role: backup/; s|/a\.|/b.|' \
            -e "s/listen: ${REPLICATION_ADDRESS[a]}/listen: ${REPLICATION_ADDRESS[b]}/" \
            -e "s/peer: ${REPLICATION_ADDRESS[b]}/peer: ${REPLICATION_ADDRESS[a]}/"
    fi
}

# Standard input as a file of a host: write_to HOST MODE PATH
write_to() { install -D --mode="$2" /dev/stdin "$(root_of "$1")$3"; }

# On the machine of whoever sits before the lab: make_keys_of_hosts DIRECTORY
make_keys_of_hosts() { (cd "$HOSTS_DIR" && operate_anywhere keys --directory "$1" a b); }

# install_keys HOST DIRECTORY
install_keys() {
    cp -r "$HOSTS_DIR/$2" "$(root_of "$1")/root"
    operate_system "$1" install --owner=holdfast --group=holdfast --mode=600 "$2"/{ca.crt,"$1".crt,"$1".key} /etc/holdfast/keys
}

# With the file's name left to the shell, as people do.
apt_installs() {
    local said exit_code=0
    said=$("$(way_to "$1")" sh -c 'apt install --yes ./holdfast_*.deb' 2>&1 < /dev/null) || exit_code=$?
    note_command "$exit_code" "$said" apt install './holdfast_*.deb'
    printf '%s\n' "$said"
    return $exit_code
}

# What a program of the system's says: operator_sees REGEX HOST COMMAND...
operator_sees() { says "$1" operate_system "${@:2}"; }

# A way to a host for whoever sits before the lab, as for root at its console: open_way_into HOST
open_way_into() {
    cat > "$(way_to "$1")" << SHELL
#!/bin/sh
exec nsenter --target ${MACHINE_INIT[$1]} --cgroup --mount --pid --net --ipc --uts --root --wd \\
    env --ignore-environment --chdir=/root HOME=/root PATH=$MACHINE_PATH LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "\$@"
SHELL
    chmod +x "$(way_to "$1")"
}

# Whether the host has the guest, behind a wall that is PROTECTED, and the other one may take over.
has_guest_with_backup() {
    host_says "$1" '.proxy.state == "PROTECTED" and .agent.role == "primary"' \
        && host_says "$(peer_of "$1")" .agent.may_promote
}

# The QEMU that runs the guest, or waits, by its number here: qemu_of HOST
qemu_of() { ip netns pids "$(namespace_of "$1")" | xargs --no-run-if-empty ps --no-headers -o pid,comm | awk '/qemu/ { print $1 }'; }

main "$@"
