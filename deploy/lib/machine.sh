# shellcheck shell=bash disable=SC2034,SC2154 # the scripts that source this use, and set, some of the variables
# Clean Debian 12 machines that run their own systemd, in namespaces of their own for all that Linux has them for: units are tried
# as they are, with the capabilities, system calls and files that they get from a real manager.
#
# Needs messages.sh. MACHINE_DIR is where their files are; remove_machines takes all of it away.

readonly MACHINE_SUITE=bookworm
# No Java. `man` and bash's completion are what people have; QEMU is what the package recommends.
readonly MACHINE_PACKAGES=(
    systemd systemd-sysv dbus apt iproute2 nftables ethtool libpcap0.8 qemu-system-x86 man-db
)
readonly MACHINE_PATH=/usr/sbin:/usr/bin:/sbin:/bin
# A root that is older than this lacks too many of Debian's corrections to be called clean.
readonly MACHINE_MAX_AGE_DAYS=7
# By machine: its first process, here; who started that; and the group of all its processes.
declare -A MACHINE_INIT=() MACHINE_UNSHARE=() MACHINE_CGROUP=()

# Makes a Debian, unless the last one is not old and has the same packages: make_debian_if_needed FILE
make_debian_if_needed() {
    [[ -z $(find "$1" -mtime -$MACHINE_MAX_AGE_DAYS 2> /dev/null) || $(cat "$1.packages" 2> /dev/null) != "${MACHINE_PACKAGES[*]}" ]] \
        || return 0
    say "a clean Debian ($MACHINE_SUITE)"
    mkdir -p "${1%/*}"
    mmdebstrap --quiet --variant=essential --include="$(IFS=, && echo "${MACHINE_PACKAGES[*]}")" \
        --dpkgopt='path-include=/usr/share/man/*' $MACHINE_SUITE "$1.new.tar" >&2 || die "mmdebstrap has failed"
    mv "$1.new.tar" "$1"
    echo "${MACHINE_PACKAGES[*]}" > "$1.packages"
}

# The root of a machine's files: root_of MACHINE
root_of() { printf '%s/%s/root' "$MACHINE_DIR" "$1"; }

# Unpacks a Debian for it: create_machine MACHINE FILE
create_machine() {
    local root
    root=$(root_of "$1")
    mkdir -p "$root"
    tar --directory="$root" --extract --file="$2" --exclude='./dev/*'
    echo "$1" > "$root/etc/hostname"
    : > "$root/etc/machine-id"
    ln -sf /dev/null "$root/etc/systemd/system/console-getty.service"
}

# Starts it, and returns when it is up. NAMESPACE is a network namespace for it to live in, by name; without one it gets a new one:
# boot_machine MACHINE [NAMESPACE]
boot_machine() {
    local machine=$1 hierarchy network=(--net) log=$MACHINE_DIR/$1/boot.log
    [[ -z ${2:-} ]] || network=()
    hierarchy=$(findmnt --noheadings --output TARGET --types cgroup2 | head -n 1)
    [[ -n $hierarchy ]] || die "no cgroup2 is mounted, which systemd needs"
    MACHINE_CGROUP[$machine]=$hierarchy/holdfast-machine-$$-$machine
    mkdir "${MACHINE_CGROUP[$machine]}"
    setsid ${2:+nsenter --net="/run/netns/$2"} \
        bash -c "$(declare -f enter_machine become_init); enter_machine \"\$@\"" machine \
        "${MACHINE_CGROUP[$machine]}" "$(root_of "$machine")" "$MACHINE_PATH" "${network[@]}" < /dev/null > "$log" 2>&1 &
    MACHINE_UNSHARE[$machine]=$!
    disown $!
    wait_for 10 find_init "$machine" || die "machine $machine does not start: $(cat "$log")"
    wait_for 60 is_up "$machine" || die "machine $machine does not come up: $(cat "$log")"
}

# In a group of its own first, which is the root of all groups for what it starts: enter_machine CGROUP ROOT PATH [OPTION...]
enter_machine() {
    echo $BASHPID > "$1/cgroup.procs"
    exec unshare --cgroup --mount --pid --ipc --uts "${@:4}" --fork --kill-child --propagation private \
        bash -c "$(declare -f become_init); become_init \"\$@\"" init "$2" "$3"
}

# The first process in the machine's namespaces: become_init ROOT PATH
become_init() {
    set -eu
    local root=$1 device
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for device in null zero full random urandom tty net/tun; do
        install -D /dev/null "$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
    mkdir "$root/dev/shm" "$root/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    exec chroot "$root" env --ignore-environment container=machine PATH="$2" /lib/systemd/systemd --unit=multi-user.target
}

find_init() {
    MACHINE_INIT[$1]=$(pgrep --parent "${MACHINE_UNSHARE[$1]}") && [[ $(cat "/proc/${MACHINE_INIT[$1]}/comm") == systemd ]]
}

# Also with a unit that has failed, of which it says so by its exit code.
is_up() { [[ $(inside "$1" systemctl is-system-running 2> /dev/null) =~ ^(running|degraded)$ ]]; }

# Runs a command in a machine: inside MACHINE COMMAND...
inside() {
    nsenter --target "${MACHINE_INIT[$1]}" --cgroup --mount --pid --net --ipc --uts --root --wd \
        env --ignore-environment PATH=$MACHINE_PATH LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "${@:2}" < /dev/null
}

# Ends all that runs in it, at once and without a word to it, as when the power fails; its files stay. Idempotent:
# cut_power_of MACHINE
cut_power_of() {
    [[ -n ${MACHINE_UNSHARE[$1]:-} ]] || return 0
    # All processes of a namespace die with the first.
    [[ -z ${MACHINE_INIT[$1]:-} ]] || kill -KILL "${MACHINE_INIT[$1]}" 2> /dev/null || true
    wait_for 10 no_process_is_left_of "$1" || warn "a process of machine $1 does not end"
    find "${MACHINE_CGROUP[$1]}" -depth -type d -exec rmdir {} + 2> /dev/null || true
    unset "MACHINE_INIT[$1]" "MACHINE_UNSHARE[$1]" "MACHINE_CGROUP[$1]"
}

# journal_of MACHINE UNIT OPTION...; fails if it has no such entry
journal_of() { [[ -n $(inside "$1" journalctl --quiet --no-pager --unit="$2" --lines=1 "${@:3}") ]]; }

# restarts_are MACHINE UNIT NUMBER
restarts_are() { (($(restarts_of "$1" "$2") == $3)); }

# At least so many, for a watchdog may have found a busy machine's program dead as well: restarts_reach MACHINE UNIT NUMBER
restarts_reach() { (($(restarts_of "$1" "$2") >= $3)); }

# restarts_of MACHINE UNIT
restarts_of() { inside "$1" systemctl show --value --property=NRestarts "$2"; }

# main_process_of MACHINE UNIT
main_process_of() { inside "$1" systemctl show --value --property=MainPID "$2"; }

no_process_is_left_of() { ! kill -0 "${MACHINE_UNSHARE[$1]}" 2> /dev/null && [[ ! -s ${MACHINE_CGROUP[$1]}/cgroup.procs ]]; }

# Idempotent.
remove_machines() {
    local machine
    for machine in "${!MACHINE_UNSHARE[@]}"; do
        cut_power_of "$machine"
    done
    rm -rf "$MACHINE_DIR"
}

# The same package under a higher number, after a command has changed the directory with what is in it:
# make_next_version DEB FILE [COMMAND...]
make_next_version() {
    local content
    content=$(mktemp -d "$MACHINE_DIR/next.XXXXXX")
    dpkg-deb --raw-extract "$1" "$content"
    sed -i 's/^Version: .*/&+next/' "$content/DEBIAN/control"
    (($# == 2)) || "${@:3}" "$content"
    dpkg-deb --root-owner-group -Znone --build "$content" "$2" > /dev/null
    rm -r "$content"
}
