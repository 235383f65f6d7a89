# shellcheck shell=bash disable=SC2034,SC2154 # the scripts that source this use, and set, some of the variables
# A small data centre out of network namespaces, with names of its own for every run:
#
#       client 10.7.0.1            business segment 10.7.0.0/24, fd07::/64
#          |
#     [ switch: a kernel bridge ]
#       |    |            |    |
#      up0  mgmt0        up0  mgmt0      up0: where the proxy sends the guest's frames; no address
#      host a 10.7.0.2   host b 10.7.0.3
#      tap0  rep0 ------ rep0  tap0      rep0: replication segment 10.9.0.0/30; tap0: the guest's NIC
#
# With an arbiter, `arb0` of each host leads to a place of its own, 10.8.0.0/24, in which it answers.
#
# Needs messages.sh. The functions stop the script when something cannot be set up.

LAB=hf$$
readonly LAB
readonly CLIENT_ADDRESS=10.7.0.1
readonly GUEST_ADDRESS=10.7.0.10
# As guest/qemu-command.sh has it.
readonly GUEST_MAC=52:54:00:07:00:10
declare -rA BUSINESS_ADDRESS=([a]=10.7.0.2 [b]=10.7.0.3)
declare -rA REPLICATION_ADDRESS=([a]=10.9.0.1 [b]=10.9.0.2)
readonly ARBITER_ADDRESS=10.8.0.1
declare -rA ARBITER_SEGMENT_ADDRESS=([a]=10.8.0.2 [b]=10.8.0.3)
readonly LAB_PLACES=(client switch a b arbiter)

namespace_of() { printf '%s-%s' "$LAB" "$1"; }

# Runs a command in a place of the lab: in_lab PLACE COMMAND...
in_lab() {
    local place=$1
    shift
    ip netns exec "$(namespace_of "$place")" "$@"
}

# Starts a command in a place of the lab, in the background: start_in_lab PLACE LOG COMMAND...
# Its process id is in STARTED_PID. A session of its own keeps the terminal's Ctrl-C away from it.
start_in_lab() {
    local namespace log=$2
    namespace=$(namespace_of "$1")
    shift 2
    setsid ip netns exec "$namespace" "$@" < /dev/null >> "$log" 2>&1 &
    STARTED_PID=$!
    # Bash would report the death of its own jobs, and here they die on purpose.
    disown $!
}

create_lab() {
    local place
    for place in "${LAB_PLACES[@]}"; do
        ip netns add "$(namespace_of "$place")"
        ip -n "$(namespace_of "$place")" link set lo up
    done
    create_switch
    plug_in client eth0 port-client
    give_address client eth0 $CLIENT_ADDRESS/24 fd07::1/64
    for place in a b; do
        plug_in "$place" up0 "port-$place"
        leave_to_the_proxy "$place" up0
        plug_in "$place" mgmt0 "port-$place-mgmt"
        give_address "$place" mgmt0 "${BUSINESS_ADDRESS[$place]}/24"
        ip -n "$(namespace_of "$place")" tuntap add tap0 mode tap
        leave_to_the_proxy "$place" tap0
    done
    ip -n "$(namespace_of a)" link add rep0 type veth peer name rep0 netns "$(namespace_of b)"
    give_address a rep0 "${REPLICATION_ADDRESS[a]}/30"
    give_address b rep0 "${REPLICATION_ADDRESS[b]}/30"
}

# A real etcd, with its data in HOSTS_DIR.
create_arbiter() {
    local place
    ip -n "$(namespace_of arbiter)" link add arbiter0 type bridge forward_delay 0 stp_state 0
    give_address arbiter arbiter0 $ARBITER_ADDRESS/24
    for place in a b; do
        ip -n "$(namespace_of "$place")" link add arb0 type veth peer name "port-$place" netns "$(namespace_of arbiter)"
        ip -n "$(namespace_of arbiter)" link set "port-$place" master arbiter0 up
        give_address "$place" arb0 "${ARBITER_SEGMENT_ADDRESS[$place]}/24"
    done
    start_in_lab arbiter "$HOSTS_DIR/etcd.log" etcd --data-dir "$HOSTS_DIR/etcd" \
        --listen-client-urls "http://$ARBITER_ADDRESS:2379" --advertise-client-urls "http://$ARBITER_ADDRESS:2379" \
        --listen-peer-urls http://127.0.0.1:2380
    wait_for 20 etcd_answers || die "etcd does not answer: $(tail -n 20 "$HOSTS_DIR/etcd.log")"
}

etcd_answers() {
    printf 'GET /health HTTP/1.0\r\n\r\n' | in_lab arbiter socat -t 2 - "TCP:$ARBITER_ADDRESS:2379" 2> /dev/null \
        | grep -q '"health":"true"'
}

# For one proxy in front of both hosts, which stands on host b: a cable from the guest's NIC on host a to it.
#
#       host a: tap0 -- cable0 (a kernel bridge) -- wire0 ------ wire0 :host b
wire_hosts_inline() {
    local a
    a=$(namespace_of a)
    ip -n "$a" link add wire0 type veth peer name wire0 netns "$(namespace_of b)"
    leave_to_the_proxy b wire0
    leave_to_the_proxy a wire0
    ip -n "$a" link add cable0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0
    ip -n "$a" link set cable0 addrgenmode none
    ip -n "$a" link set cable0 up
    ip -n "$a" link set tap0 master cable0
    ip -n "$a" link set wire0 master cable0
}

# For a proxy on either host, each in front of both, of which one stands by: a way from each guest's NIC to both proxies.
#
#       host a: tap0 -- cable0 -+- near1 ------ near0 :host a          host b: tap0 -- cable0 -+- near1 ------ near0 :host b
#                               `- wire0 ------ wire0 :host b                                  `- wire1 ------ wire1 :host a
#
# The bridges let nothing through from one proxy to the other, or both together would make a loop, and learn no addresses
# from them, or a guest would go on sending to the one that is dead.
wire_hosts_with_standby() {
    local host cable
    for host in a b; do
        if [[ $host == a ]]; then cable=wire0; else cable=wire1; fi
        ip -n "$(namespace_of $host)" link add $cable type veth peer name $cable netns "$(namespace_of "$(peer_of $host)")"
        leave_to_the_proxy "$(peer_of $host)" $cable
        ip -n "$(namespace_of $host)" link add near0 type veth peer name near1
        leave_to_the_proxy $host near0
        ip -n "$(namespace_of $host)" link add cable0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0
        ip -n "$(namespace_of $host)" link set cable0 addrgenmode none up
        ip -n "$(namespace_of $host)" link set tap0 master cable0
        plug_in_for_a_proxy $host $cable
        plug_in_for_a_proxy $host near1
    done
}

plug_in_for_a_proxy() {
    leave_to_the_proxy "$1" "$2"
    ip -n "$(namespace_of "$1")" link set "$2" master cable0
    ip -n "$(namespace_of "$1")" link set "$2" type bridge_slave isolated on learning off
}

create_switch() {
    in_lab switch sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    ip -n "$(namespace_of switch)" link add switch0 type bridge forward_delay 0 stp_state 0
    ip -n "$(namespace_of switch)" link set switch0 up
}

# A cable from a place's new interface to a new port of the switch: plug_in PLACE INTERFACE PORT
plug_in() {
    ip -n "$(namespace_of "$1")" link add "$2" type veth peer name "$3" netns "$(namespace_of switch)"
    ip -n "$(namespace_of switch)" link set "$3" master switch0 up
    turn_offloads_off_for_pcap "$1" "$2"
    turn_offloads_off_for_pcap switch "$3"
}

give_address() {
    local place=$1 interface=$2 address
    shift 2
    # An IPv6 address is usable at once, without a second of waiting for objections.
    in_lab "$place" sysctl -qw "net.ipv6.conf.$interface.accept_dad=0"
    ip -n "$(namespace_of "$place")" link set "$interface" up
    for address in "$@"; do
        ip -n "$(namespace_of "$place")" address add "$address" dev "$interface"
    done
}

# An interface that the host's own stack keeps out of, as the proxy demands.
leave_to_the_proxy() {
    ip -n "$(namespace_of "$1")" link set "$2" addrgenmode none
    ip -n "$(namespace_of "$1")" link set "$2" up
    turn_offloads_off_for_pcap "$1" "$2"
}

# What pcap captures must be complete: without this a checksum is left for a device that does not exist.
turn_offloads_off_for_pcap() {
    [[ $PORT != pcap ]] || in_lab "$1" ethtool -K "$2" tx off tso off gso off gro off > /dev/null
}

# All processes that live in a place, whoever started them; nothing if the place is gone.
processes_in() { ip netns pids "$(namespace_of "$1")" 2> /dev/null || true; }

# All processes in a place at once: signal_everything_in PLACE SIGNAL
signal_everything_in() {
    local pids
    mapfile -t pids < <(processes_in "$1")
    ((${#pids[@]} == 0)) || kill "-$2" "${pids[@]}" 2> /dev/null || true
}

# Kills all processes in a place at once, without warning, and returns when they are gone.
kill_everything_in() {
    local pids pid
    mapfile -t pids < <(processes_in "$1")
    ((${#pids[@]} > 0)) || return 0
    kill -KILL "${pids[@]}" 2> /dev/null || true
    for pid in "${pids[@]}"; do
        wait_for 10 is_gone "$pid" || warn "process $pid does not die"
    done
}

# A process that has ended, even if nobody has asked for its exit code yet.
is_gone() {
    local state
    state=$(sed -n 's/^State:[[:space:]]*\([A-Z]\).*/\1/p' "/proc/$1/status" 2> /dev/null) || return 0
    [[ -z $state || $state == [ZX] ]]
}

# Removes all of the lab; may be called at any time, and more than once.
destroy_lab() {
    local place
    for place in "${LAB_PLACES[@]}"; do
        kill_everything_in "$place"
        ip netns delete "$(namespace_of "$place")" 2> /dev/null || true
    done
}
