#!/usr/bin/env bash
# Prints the QEMU command line of a guest that Holdfast can protect, one argument a line.
#
#   mapfile -t command < <(qemu-command.sh --name redis --ip 10.7.0.10/24)
#   setsid "${command[@]}" &
#
# The command of the primary's guest and of the waiting backup are the same but for host paths; the agent adds
# `-incoming defer` to start the one that waits. What must be equal on both hosts: --memory, --mac, --cpus, and the image.
#
#   --name NAME         guest's name (default: guest)
#   --memory MIB        guest memory in MiB, at least 96 (default: 96)
#   --cpus N            virtual processors (default: 1)
#   --accel NAME        tcg, or kvm where the host can (default: tcg)
#   --runtime-dir DIR   where the sockets go (default: /run/holdfast/NAME)
#   --ram FILE          guest memory as a file, on tmpfs (default: /dev/shm/NAME.ram)
#   --qmp SOCKET        QMP for the agent (default: DIR/qmp.sock)
#   --monitor SOCKET    QMP for people, because a QMP socket serves one client at a time (default: DIR/monitor.sock)
#   --serial FILE       what the guest says on its console (default: DIR/console.log)
#   --tap NAME          tap interface, which must exist and be up (default: tap0)
#   --mac MAC           of the guest's NIC (default: 52:54:00:07:00:10)
#   --ip ADDRESS/LEN    guest's IPv4 address (default: 10.7.0.10/24)
#   --ip6 ADDRESS/LEN   guest's IPv6 address (default: fd07::10/64)
#   --gateway ADDRESS   guest's IPv4 gateway (default: none)
#   --gateway6 ADDRESS  guest's IPv6 gateway (default: none)
#   --offloads on|off   whether the guest leaves segments and checksums to its NIC; off for port pcap (default: on)
#   --preload FILE      a library for QEMU, as holdfast-track.so (default: none)
#   --kernel-words TEXT more for the guest's kernel command line (default: none)
#   --image DIR         what build-image.sh made (default: ${XDG_CACHE_HOME:-/var/cache}/holdfast/guest/current)
#   -- ARGUMENT...      appended as they are
set -euo pipefail

name=guest memory=96 cpus=1 accel=tcg
runtime_dir='' ram='' qmp='' monitor='' serial=''
tap=tap0 mac=52:54:00:07:00:10 ip=10.7.0.10/24 ip6=fd07::10/64 gateway='' gateway6='' kernel_words='' offloads=on preload=''
image=${XDG_CACHE_HOME:-/var/cache}/holdfast/guest/current

usage() {
    printf 'qemu-command: %s\n' "$1" >&2
    exit 2
}

while [[ $# -gt 0 ]]; do
    option=$1
    shift
    [[ $option != -- ]] || break
    [[ $# -gt 0 ]] || usage "$option needs a value"
    case $option in
        --name) name=$1 ;;
        --memory) memory=$1 ;;
        --cpus) cpus=$1 ;;
        --accel) accel=$1 ;;
        --runtime-dir) runtime_dir=$1 ;;
        --ram) ram=$1 ;;
        --qmp) qmp=$1 ;;
        --monitor) monitor=$1 ;;
        --serial) serial=$1 ;;
        --tap) tap=$1 ;;
        --mac) mac=$1 ;;
        --ip) ip=$1 ;;
        --ip6) ip6=$1 ;;
        --gateway) gateway=$1 ;;
        --gateway6) gateway6=$1 ;;
        --kernel-words) kernel_words=$1 ;;
        --offloads) offloads=$1 ;;
        --preload) preload=$1 ;;
        --image) image=$1 ;;
        *) usage "unknown option $option" ;;
    esac
    shift
done

runtime_dir=${runtime_dir:-/run/holdfast/$name}
ram=${ram:-/dev/shm/$name.ram}
qmp=${qmp:-$runtime_dir/qmp.sock}
monitor=${monitor:-$runtime_dir/monitor.sock}
serial=${serial:-$runtime_dir/console.log}

# One address space layout for all boots; RAM of one guest is compared with another's in tests. Without a test of the timer, which
# an emulated processor that has to wait for a real one fails now and then.
kernel_line="console=ttyS0 quiet nokaslr no_timer_check hf.ip=$ip hf.ip6=$ip6"
[[ -z $gateway ]] || kernel_line+=" hf.gw=$gateway"
[[ -z $gateway6 ]] || kernel_line+=" hf.gw6=$gateway6"
[[ -z $kernel_words ]] || kernel_line+=" $kernel_words"

[[ $offloads == on || $offloads == off ]] || usage "--offloads is on or off, not $offloads"

# pcap must see frames that are complete: no checksum or segment may be left for a device to finish.
offloads_off=csum=off,gso=off,guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off
offloads_off+=,host_tso4=off,host_tso6=off,host_ecn=off,host_ufo=off
# No VLAN filter in the device: QEMU forgets its table when it loads the device's state (virtio_net_set_features), and a
# restored guest would get no tagged frame any more.
nic="virtio-net-pci,id=nic0,netdev=n0,mac=$mac,romfile=,ctrl_vlan=off"
[[ $offloads == on ]] || nic+=,$offloads_off

# shellcheck disable=SC2054 # the commas are QEMU's
arguments=(
    qemu-system-x86_64
    -name "guest=$name"
    # The machine's clock stands still while the guest is paused, so a guest loses that time: its real-time clock is read
    # once, at boot, and nothing here sets it later.
    -M pc,memory-backend=ram0 -accel "$accel" -cpu qemu64 -m "${memory}M"
    # Room for a second processor: under tcg, QEMU before 8.1 leaves out the memory barriers of a machine that can have only
    # one, although its devices run in other threads. A notification gets lost now and then, and the network stands still
    # (QEMU commit c914d46d0a: tcg: Do not elide memory barriers for !CF_PARALLEL in system mode).
    -smp "$cpus,maxcpus=$((cpus > 1 ? cpus : 2))"
    # The agent maps this file: it is the guest's memory.
    -object "memory-backend-file,id=ram0,size=${memory}M,mem-path=$ram,share=on"
    -nodefaults -no-user-config -display none -serial "file:$serial"
    -qmp "unix:$qmp,server=on,wait=off"
    -qmp "unix:$monitor,server=on,wait=off"
    # Frames go through user space (vhost=off), so that a stopped guest has handed over all its output. No boot ROM: the
    # kernel comes from here.
    -netdev "tap,id=n0,ifname=$tap,script=no,downscript=no,vhost=off"
    -device "$nic"
    -device pvpanic-pci,id=panic0
    # A guest that ended itself stays there, stopped, so that an agent that did not look can tell it from a crash.
    -action shutdown=pause,panic=pause
    -kernel "$image/vmlinuz" -initrd "$image/initramfs" -append "$kernel_line"
    "$@"
)
[[ -z $preload ]] || arguments=(env "LD_PRELOAD=$preload" "${arguments[@]}")
printf '%s\n' "${arguments[@]}"
