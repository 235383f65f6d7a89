# shellcheck shell=bash disable=SC2034,SC2154 # the scripts that source this use, and set, some of the variables
# A clean Debian 12 that runs its own systemd, in namespaces of its own for all that Linux has them for: units are tried as they
# are, with the capabilities, system calls and files that they get from a real manager.
#
# Needs messages.sh. MACHINE_DIR is where its files are; remove_machine takes all of it away.

readonly MACHINE_SUITE=bookworm
# No Java. `man` and bash's completion are what people have.
readonly MACHINE_PACKAGES=(systemd systemd-sysv iproute2 nftables ethtool libpcap0.8 man-db)
readonly MACHINE_PATH=/usr/sbin:/usr/bin:/sbin:/bin
# A root that is older than this lacks too many of Debian's corrections to be called clean.
readonly MACHINE_MAX_AGE_DAYS=7
MACHINE_UNSHARE='' MACHINE_INIT=''

# Makes a Debian, unless the last one is not old: make_debian_if_needed FILE
make_debian_if_needed() {
    [[ -z $(find "$1" -mtime -$MACHINE_MAX_AGE_DAYS 2> /dev/null) ]] || return 0
    say "a clean Debian ($MACHINE_SUITE)"
    mkdir -p "${1%/*}"
    mmdebstrap --quiet --variant=essential --include="$(IFS=, && echo "${MACHINE_PACKAGES[*]}")" \
        --dpkgopt='path-include=/usr/share/man/*' $MACHINE_SUITE "$1.new.tar" >&2 || die "mmdebstrap has failed"
    mv "$1.new.tar" "$1"
}

# Unpacks it: create_machine FILE
create_machine() {
    mkdir -p "$MACHINE_DIR/root"
    tar --directory="$MACHINE_DIR/root" --extract --file="$1" --exclude='./dev/*'
    echo machine > "$MACHINE_DIR/root/etc/hostname"
    : > "$MACHINE_DIR/root/etc/machine-id"
    ln -sf /dev/null "$MACHINE_DIR/root/etc/systemd/system/console-getty.service"
}

# Starts it, and returns when it is up.
boot_machine() {
    local hierarchy
    hierarchy=$(findmnt --noheadings --output TARGET --types cgroup2 | head -n 1)
    [[ -n $hierarchy ]] || die "no cgroup2 is mounted, which systemd needs"
    MACHINE_CGROUP=$hierarchy/holdfast-machine-$$
    mkdir "$MACHINE_CGROUP"
    setsid bash -c "$(declare -f enter_machine become_init); enter_machine \"\$@\"" \
        machine "$MACHINE_CGROUP" "$MACHINE_DIR/root" "$MACHINE_PATH" < /dev/null > "$MACHINE_DIR/boot.log" 2>&1 &
    MACHINE_UNSHARE=$!
    disown $MACHINE_UNSHARE
    wait_for 10 find_init || die "the machine does not start: $(cat "$MACHINE_DIR/boot.log")"
    wait_for 60 is_up || die "the machine does not come up: $(cat "$MACHINE_DIR/boot.log")"
}

# In a group of its own first, which is the root of all groups for what it starts: enter_machine CGROUP ROOT PATH
enter_machine() {
    echo $BASHPID > "$1/cgroup.procs"
    exec unshare --cgroup --mount --pid --net --ipc --uts --fork --kill-child --propagation private \
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
    MACHINE_INIT=$(pgrep --parent "$MACHINE_UNSHARE") && [[ $(cat "/proc/$MACHINE_INIT/comm") == systemd ]]
}

is_up() { inside systemctl is-system-running 2> /dev/null | grep -q -e running -e degraded; }

# Runs a command in the machine: inside COMMAND...
inside() {
    nsenter --target "$MACHINE_INIT" --cgroup --mount --pid --net --ipc --uts --root --wd \
        env --ignore-environment PATH=$MACHINE_PATH LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@" < /dev/null
}

# Ends all that runs in it. Idempotent.
remove_machine() {
    if [[ -n $MACHINE_INIT ]]; then
        kill -KILL "$MACHINE_INIT" 2> /dev/null || true
    fi
    if [[ -n $MACHINE_UNSHARE ]]; then
        wait_for 10 no_process_is_left || warn "a process of the machine does not end"
        find "$MACHINE_CGROUP" -depth -type d -exec rmdir {} + 2> /dev/null || true
    fi
    rm -rf "$MACHINE_DIR"
}

no_process_is_left() { ! kill -0 "$MACHINE_UNSHARE" 2> /dev/null && [[ ! -s $MACHINE_CGROUP/cgroup.procs ]]; }
