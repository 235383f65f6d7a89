# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the scripts that source this use, and set, some of the variables
# Who had the guest when, by what came over the wires: the judge of what a host sent that had lost it. Needs lab.sh and hosts.sh.
#
# The switch's ports are witnesses that no fault of a host reaches. A frame of the old owner's is known by its contents, and
# the epoch in which the guest sent it by the wall's own dump, in which every frame is when it is captured, long before it
# may leave.

readonly JUDGE_PACKAGES=(tcpdump tshark)

# What a frame is known by, but for its checksums: a dump finishes those that are left to a device, a wire does not.
readonly FRAME_FIELDS=(
    eth.dst eth.type vlan.id frame.len
    arp.opcode arp.src.proto_ipv4 arp.dst.proto_ipv4
    ip.id ip.dst ip.proto ipv6.dst icmp.type icmp.seq icmpv6.type
    tcp.srcport tcp.dstport tcp.seq_raw tcp.ack_raw tcp.flags tcp.len tcp.options.timestamp.tsval tcp.options.timestamp.tsecr)

# Begins to take down what a host with the guest sends, and what its peer does: watch_owner HOST
watch_owner() {
    local host=$1 peer socket
    peer=$(peer_of "$host")
    OWNER_DIR=$HOSTS_DIR/owner-$host-$(now_micros)
    WATCHED_SINCE=$(date --utc +%FT%T.%3NZ)
    mkdir "$OWNER_DIR"
    socket=$(printf '{"execute":"dump","arguments":{"filter":"outbound"}}\n' \
        | socat -t 2 - "UNIX-CONNECT:$HOSTS_DIR/$host/run/proxy.sock" | jq --raw-output 'select(.return).return.socket')
    [[ -n $socket ]] || die "the proxy of host $host gives no dump"
    # Outside of the lab: what happens to the host must not happen to its witness. It ends with the proxy.
    setsid socat -u "UNIX-CONNECT:$socket" "CREATE:$OWNER_DIR/dump.pcapng" < /dev/null 2> "$OWNER_DIR/dump.log" &
    WITNESS_PIDS=($!)
    disown $!
    wait_for 5 test -s "$OWNER_DIR/dump.pcapng" || die "the proxy of host $host dumps nothing"
    sleep 1 # What is held from before the dump leaves unseen.
    watch_port "$host"
    watch_port "$peer"
}

# watch_port HOST
watch_port() {
    start_in_lab switch "$OWNER_DIR/wire-$1.log" \
        tcpdump -i "port-$1" -Q in -U -w "$OWNER_DIR/wire-$1.pcap" ether src "$GUEST_MAC"
    WITNESS_PIDS+=("$STARTED_PID")
    wait_for 5 grep -q 'listening on' "$OWNER_DIR/wire-$1.log" || die "tcpdump does not start: $(cat "$OWNER_DIR/wire-$1.log")"
}

# Ends the watch that was begun last. Whoever watched is gone then, and what they saw is on disk.
dismiss_witnesses() {
    local pid
    kill "${WITNESS_PIDS[@]}" 2> /dev/null || true
    for pid in "${WITNESS_PIDS[@]}"; do
        wait_for 5 is_gone "$pid" || warn "process $pid does not end"
    done
}

# What a watch that is over has seen, as one JSON object: judge_owner HOST, which had the guest when it began
judge_owner() {
    local host=$1 peer restored taken_over
    peer=$(peer_of "$host")
    restored=$(epoch_restored_on "$peer")
    taken_over=$(frames_of "$OWNER_DIR/wire-$peer.pcap" | cut -f 1 | head -n 1)
    frames_of "$OWNER_DIR/dump.pcapng" > "$OWNER_DIR/dump.tsv"
    frames_of "$OWNER_DIR/wire-$host.pcap" > "$OWNER_DIR/wire.tsv"
    [[ -s $OWNER_DIR/wire.tsv ]] || die "nothing was seen of host $host: $(cat "$OWNER_DIR"/*.log)"
    judge_frames "${restored:-}" "${taken_over:-}" "$OWNER_DIR/dump.tsv" "$OWNER_DIR/wire.tsv" > "$OWNER_DIR/verdicts.tsv"
    show_verdicts
    jq --null-input --compact-output \
        --argjson uncommitted "$(grep -c '^uncommitted' "$OWNER_DIR/verdicts.tsv")" \
        --argjson late "$(grep -c '^late' "$OWNER_DIR/verdicts.tsv")" \
        --argjson conflicts "$(conflicts_on "$host" "$peer")" \
        '{old_owner_uncommitted_frames: $uncommitted, old_owner_late_frames: $late, conflicts: $conflicts}'
}

# The first of the frames that must not have left: why, when, and what they are.
show_verdicts() {
    local verdict
    grep '^uncommitted' "$OWNER_DIR/verdicts.tsv" | head -n 5 | while IFS= read -r verdict; do
        detail "restored from ${restored:-none}, taken over ${taken_over:-never}: ${verdict//$'\t'/ }"
    done || true
}

# The epoch at whose end a host has taken the guest over since; nothing if it has not: epoch_restored_on HOST
epoch_restored_on() {
    jq --raw-output --arg since "$WATCHED_SINCE" '
        select(.at >= $since and .event == "promotion").reason | capture("at checkpoint (?<epoch>[0-9]+)").epoch' \
        "$HOSTS_DIR/$1/state/audit.jsonl" 2> /dev/null | tail -n 1
}

# Time, comment and contents of each frame of the guest's, a line each: frames_of FILE
frames_of() {
    local field fields=(-e frame.time_epoch -e frame.comment)
    for field in "${FRAME_FIELDS[@]}"; do fields+=(-e "$field"); done
    # A capture that was cut off in the middle of a frame is complete up to there.
    tshark -r "$1" -n -Y "eth.src == $GUEST_MAC" -T fields -E occurrence=f "${fields[@]}" 2> "$1.tshark.log" || true
}

# A line for each frame of the old owner's that should not have been, and why: judge_frames RESTORED TAKEN_OVER DUMP WIRE
#
# Frames with the same contents count as the first of them: the second one tells nobody anything new. Announcements are made by
# the proxy itself, say nothing of the guest's state, and are in no dump, unless the guest says the same later.
judge_frames() {
    awk -F '\t' -v OFS='\t' -v restored="$1" -v taken_over="$2" '
        { contents = $0; sub(/^[^\t]*\t[^\t]*\t/, "", contents) }
        NR == FNR {
            if (match($2, /epoch [0-9]+/) && !(contents in epochs)) {
                epochs[contents] = substr($2, RSTART + 6, RLENGTH - 6)
                captured[contents] = $1
            }
            next
        }
        restored == "" { next }
        {
            dumped = contents in epochs && captured[contents] + 0 <= $1 + 0
            announcement = !dumped && ($7 != "" || $16 == 136) # ARP and RARP; a neighbour advertisement
            if (!announcement && (!dumped || epochs[contents] + 0 > restored + 0))
                print "uncommitted", dumped ? "epoch " epochs[contents] : "not in the dump", $0
            else if (taken_over != "" && $1 > taken_over + 0)
                print "late", announcement ? "announcement" : "epoch " epochs[contents], $0
        }' "$3" "$4"
}

# How often somebody else was found with the guest's addresses since: conflicts_on HOST...
conflicts_on() {
    local host files=()
    for host in "$@"; do files+=("$HOSTS_DIR/$host/state/audit.jsonl"); done
    cat "${files[@]}" 2> /dev/null | jq --slurp --arg since "$WATCHED_SINCE" 'map(select(
        .at >= $since and .event == "address-conflict" and (.reason | startswith("address conflict on")))) | length'
}
