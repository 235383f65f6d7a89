# shellcheck shell=bash disable=SC2034,SC2154 # the scripts that source this use, and set, some of the variables
# Holdfast and the guest on the two hosts of the lab. Needs lab.sh and build.sh.
#
# Everything that belongs to a host is in HOSTS_DIR/<host>: config.yaml, run (sockets), state (term), logs.

readonly GUEST_NAME=redis
readonly GUEST_BOOT_SECONDS=120
readonly PROTECTION_SECONDS=60

# How patient the agents are with each other; a script may change it before it writes configurations.
HEARTBEAT=100ms
HEARTBEATS_MISSED=5
GRACE=300ms
# The room for held frames, and how they are captured; the same.
WALL_LIMIT=256MiB
PORT=auto
GUEST_MEMORY_MIB=96
# What is expected of the guest when its backup is rehearsed, as the configuration has it; nothing more than an answer.
REHEARSAL=''
# Where the proxies stand: one beside the guest on each host, or one on host b in front of both. And in reverse mode, when
# clients' requests reach the guest, and which of its ports are held all the same, with commas between them.
PLACEMENT=beside
ADMISSION=free
HELD_PORTS=''
# Who says which host may have the guest, as in the configuration; empty for nobody.
ARBITER=''
# Inline: whether a proxy stands by on the host that does not have the wall; and which host has it, or neither by its
# configuration once the uplink was taken.
STANDBY=false
WALL_AT=b

# Process ids by host and program, as in a-proxy.
declare -A HOLDFAST_PIDS=()
# The command of a host that has another version than what was built.
declare -A OTHER_HOLDFAST=()

ram_of() { printf '/dev/shm/%s-%s.ram' "$LAB" "$1"; }
config_of() { printf '%s/%s/config.yaml' "$HOSTS_DIR" "$1"; }
holdfast_of() { printf '%s' "${OTHER_HOLDFAST[$1]:-$HOLDFAST}"; }
log_of() { printf '%s/%s/%s.log' "$HOSTS_DIR" "$1" "$2"; }
peer_of() { if [[ $1 == a ]]; then printf b; else printf a; fi; }

# What a host was at the very first start. Inline its guest's port is called so for ever.
first_role_of() { if [[ $1 == a ]]; then printf primary; else printf backup; fi; }

# The directories of a host that has never run: make_host HOST
make_host() { mkdir -p "$HOSTS_DIR/$1/run" "$HOSTS_DIR/$1/state"; }

# QEMU's command line on a host, one argument a line.
qemu_command_of() {
    local offloads=on
    [[ $PORT != pcap ]] || offloads=off
    "$REPOSITORY/deploy/guest/qemu-command.sh" \
        --name "$GUEST_NAME" --memory "$GUEST_MEMORY_MIB" --runtime-dir "$HOSTS_DIR/$1/run" --serial "$(log_of "$1" console)" \
        --ram "$(ram_of "$1")" --tap tap0 --ip "$GUEST_ADDRESS/24" --gateway "$CLIENT_ADDRESS" \
        --offloads "$offloads" --preload "$("$REPOSITORY/deploy/guest/build-tracker.sh")"
}

# What the agents know each other by, in KEYS; made once for all hosts.
make_keys() {
    KEYS=$HOSTS_DIR/keys
    [[ -e $KEYS ]] || JAVA_HOME=$JDK_25 "$HOLDFAST" keys --directory "$KEYS" a b > /dev/null || die "no keys were made"
}

# write_config HOST ROLE MODE INTERVAL
write_config() {
    local host=$1 role=$2 mode=$3 interval=$4
    local run=$HOSTS_DIR/$host/run
    make_keys
    {
        printf 'guest: %s\nhost: %s\n' "$GUEST_NAME" "$host"
        printf 'runtime-directory: %s\nstate-directory: %s\n' "$run" "$HOSTS_DIR/$host/state"
        ! has_proxy "$host" || print_proxy_section "$host" "$mode"
        print_agent_section "$host" "$role" "$interval"
    } > "$(config_of "$host")"
}

# Whether a proxy stands on a host.
has_proxy() { [[ $PLACEMENT == beside || $STANDBY == true || $1 == b ]]; }

# The host whose proxy sends for a guest that runs on this one.
host_of_proxy_for() { if has_proxy "$1"; then printf '%s' "$1"; else printf b; fi; }

# print_proxy_section HOST MODE
print_proxy_section() {
    local nic
    case $PLACEMENT-$STANDBY-$1 in
        beside-*) nic='{guest-port: tap0, uplink: up0}' ;;
        inline-false-*) nic='{primary: wire0, backup: tap0, uplink: up0}' ;;
        inline-true-a) nic='{primary: near0, backup: wire1, uplink: up0}' ;;
        inline-true-b) nic='{primary: wire0, backup: near0, uplink: up0}' ;;
    esac
    cat << YAML
proxy:
  placement: $PLACEMENT
  mode: $2
  port: $PORT
  nics: [$nic]
  wall-limit: $WALL_LIMIT
  reverse:
    admission: $ADMISSION
${HELD_PORTS:+    held-ports: [$HELD_PORTS]
}  http: 127.0.0.1:9601
YAML
}

# print_agent_section HOST ROLE INTERVAL
print_agent_section() {
    local host=$1 role=$2 interval=$3 run=$HOSTS_DIR/$1/run wall='wall: local'
    [[ $PLACEMENT == beside || $WALL_AT == "$host" ]] || wall='wall: peer'
    [[ $wall != 'wall: peer' && $STANDBY == false ]] || wall+='
  guest-ports: [tap0]'
    cat << YAML
agent:
  role: $role
  $wall
  interval: $interval
  heartbeat: $HEARTBEAT
  missed-heartbeats: $HEARTBEATS_MISSED
  grace: $GRACE
${ARBITER:+  arbiter: $ARBITER
}  link:
    listen: ${REPLICATION_ADDRESS[$host]}:7700
    peer: ${REPLICATION_ADDRESS[$(peer_of "$host")]}:7700
    certificate: $KEYS/$host.crt
    key: $KEYS/$host.key
    authority: $KEYS/ca.crt
  qemu:
    qmp: $run/qmp.sock
    memory: $(ram_of "$host")
    incoming: $run/incoming.sock
    command: $(qemu_command_of "$host" | jq --raw-input --null-input --compact-output '[inputs]')
${REHEARSAL:+  rehearsal: $REHEARSAL
}  http: 127.0.0.1:9602
YAML
}

start_guest() {
    local command
    mapfile -t command < <(qemu_command_of "$1")
    start_in_lab "$1" "$(log_of "$1" qemu)" "${command[@]}"
}

# start_holdfast HOST proxy|agent [CONFIG]
start_holdfast() {
    start_in_lab "$1" "$(log_of "$1" "$2")" \
        env JAVA_HOME="$JDK_25" "$(holdfast_of "$1")" --config "${3:-$(config_of "$1")}" "$2"
    HOLDFAST_PIDS[$1-$2]=$STARTED_PID
}

# kill_holdfast HOST proxy|agent
kill_holdfast() {
    kill -KILL "${HOLDFAST_PIDS[$1-$2]}"
    wait_for 5 is_gone "${HOLDFAST_PIDS[$1-$2]}" || die "the $2 of host $1 does not die"
}

# Ends a proxy or agent in an orderly way: stop_holdfast HOST proxy|agent
stop_holdfast() {
    kill -TERM "${HOLDFAST_PIDS[$1-$2]}"
    wait_for 30 is_gone "${HOLDFAST_PIDS[$1-$2]}" || die "the $2 of host $1 does not end"
}

# Stops the script when a proxy or agent of a host has ended by itself, rather than wait for it.
check_holdfast_runs() {
    local what
    for what in proxy agent; do
        [[ $what == agent ]] || has_proxy "$1" || continue
        if is_gone "${HOLDFAST_PIDS[$1-$what]}"; then
            die "the $what on host $1 has ended: $(tail -n 20 "$(log_of "$1" "$what")")"
        fi
    done
}

# What `holdfast status` says on a host, without starting a Java program for it; null for who does not answer.
status_of() {
    printf '{"proxy":%s,"agent":%s}' "$(ask_holdfast "$1" proxy)" "$(ask_holdfast "$1" agent)"
}

# ask_holdfast HOST proxy|agent
ask_holdfast() {
    local answer
    answer=$(printf '{"execute":"status"}\n' | socat -t 2 - "UNIX-CONNECT:$HOSTS_DIR/$1/run/$2.sock" 2> /dev/null \
        | jq --compact-output 'select(.return).return') || true
    printf '%s' "${answer:-null}"
}

# The version of what runs on a host, as its greeting says: running_version_of HOST proxy|agent
running_version_of() {
    socat -t 2 - "UNIX-CONNECT:$HOSTS_DIR/$1/run/$2.sock" < /dev/null 2> /dev/null | jq --raw-output '.holdfast.version'
}

# What a host's agent is now: role_of HOST
role_of() { ask_holdfast "$1" agent | jq --raw-output '.role // "nobody"'; }
is_primary() { [[ $(role_of "$1") == primary ]]; }

# The backup has confirmed a full checkpoint of the guest that runs on this host.
is_protected() {
    check_holdfast_runs "$1"
    check_holdfast_runs "$(peer_of "$1")"
    status_of "$1" | jq --exit-status '.proxy.state == "PROTECTED"' > /dev/null
}

wait_for_protection() {
    wait_for $PROTECTION_SECONDS is_protected "$1" \
        || die "host $1 is not protected after $PROTECTION_SECONDS s: $(status_of "$1")"
}

# guest_answers HOST, where it runs
guest_answers() {
    check_holdfast_runs "$1"
    [[ $PLACEMENT == beside ]] || check_holdfast_runs "$(peer_of "$1")"
    [[ $(in_lab client timeout 2 redis-cli -h "$GUEST_ADDRESS" ping 2> /dev/null) == PONG ]]
}

wait_for_guest() {
    wait_for $GUEST_BOOT_SECONDS guest_answers "$1" || die "the guest does not answer after $GUEST_BOOT_SECONDS s"
}

# A host that runs the guest: start_primary HOST
start_primary() {
    start_guest "$1"
    ! has_proxy "$1" || start_holdfast "$1" proxy
    start_holdfast "$1" agent
}

# A host that waits; its agent starts a QEMU of its own. The term on its disk, if any, stays: start_backup HOST
start_backup() {
    forget_guest_of "$1"
    ! has_proxy "$1" || start_holdfast "$1" proxy
    start_holdfast "$1" agent
}

# What is gone when a host has died, all but its disk: forget_guest_of HOST
forget_guest_of() {
    rm -rf "${HOSTS_DIR:?}/$1/run" "$(ram_of "$1")"
    make_host "$1"
}

# What a run has to tell of the guest's protection, read from a host while it is alive, as one JSON object.
# frames_discarded: what the wall holds now, and what nobody will ever see if the host dies now.
figures_of() {
    jq --null-input --compact-output \
        --argjson proxy "$(ask_holdfast "$(host_of_proxy_for "$1")" proxy)" --argjson agent "$(ask_holdfast "$1" agent)" '{
        epochs: $proxy.epoch,
        frames_held: $proxy.counters.held,
        frames_discarded: $proxy.held_frames,
        pause_p50_ms: $agent.pause_p50_ms}'
}

# How the proxy in front of both hosts has reconciled clients, as one JSON object; empty where there is none.
reverse_figures() {
    [[ $PLACEMENT == inline ]] || { printf '{}' && return; }
    ask_holdfast b proxy | jq --compact-output '.reverse | {
        diverged: .diverged_flows, serial_retries: .further_attempts, catchup_ms: .catch_up_ms}'
}

# How the promoted host noticed that its peer was dead.
detection_of() { status_of "$1" | jq --raw-output '.agent.detected_by // "unknown"'; }

remove_guest_memory() { rm -rf /dev/shm/"$LAB"-*; }

# For the logs, when something went wrong: what both hosts and the switch say before and after somebody has tried to
# reach the guest, and whether it moves.
note_state_of_hosts() {
    local look
    for look in before after; do
        note_host a $look
        note_host b $look
        in_lab switch bridge fdb show > "$HOSTS_DIR/switch-$look.log" 2>&1 || true
        {
            in_lab client ip neighbour
            in_lab client ip -s link
            in_lab client timeout 5 redis-cli -h "$GUEST_ADDRESS" ping
        } > "$HOSTS_DIR/client-$look.log" 2>&1 || true
    done
}

# note_host HOST WHEN
note_host() {
    local command
    {
        status_of "$1"
        in_lab "$1" ip -s link
        {
            printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"query-status"}'
            for command in 'info registers' 'info lapic' 'info pic' 'info network'; do
                printf '{"execute":"human-monitor-command","arguments":{"command-line":"%s"}}\n' "$command"
            done
        } | timeout 2 socat -t 1 - "UNIX-CONNECT:$HOSTS_DIR/$1/run/monitor.sock"
    } > "$HOSTS_DIR/$1/state-$2.log" 2>&1 || true
}
