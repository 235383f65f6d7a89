#!/usr/bin/env bash
# Tests what is installed (package.sh): the Debian package in a clean Debian without any Java, with its own systemd as the manager
# of the units. Nothing is pretended: the proxy holds and releases frames under the user, capabilities, system calls and files
# that its unit leaves it, dies and comes back; the agent starts a guest's process in namespaces of its own, and the guest
# outlives it; the package is upgraded under both, removed and purged.
#
#   package-test.sh [--debian]     as root, on Debian 12 with a JDK 25
#
#   --debian     only make the clean Debian, for a test later
#
# Installs missing Debian packages and builds what is missing. Everything happens in namespaces of its own and is removed at the
# end, whatever happens. The clean Debian is kept for a week in deploy/target/debian.tar. Logs are in deploy/target/package-logs.
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
# shellcheck source=lib/machine.sh
source "$REPOSITORY/deploy/lib/machine.sh"
# shellcheck source=lib/checks.sh
source "$REPOSITORY/deploy/lib/checks.sh"

readonly PROXY=holdfast-proxy@redis.service AGENT=holdfast-agent@redis.service
readonly DEBIAN=$TARGET/debian.tar LOGS=$TARGET/package-logs
# What `systemd-analyze security` may find at most, times ten: 0 is nothing, 100 is everything.
readonly PROXY_EXPOSURE=20 AGENT_EXPOSURE=36
# proc(5) CapBnd: CAP_DAC_OVERRIDE is bit 1, CAP_NET_ADMIN 12, CAP_NET_RAW 13, CAP_SYS_PTRACE 19, CAP_SYS_ADMIN 21.
readonly PROXY_CAPABILITIES=0000000000003000 AGENT_CAPABILITIES=0000000000281002
readonly STARTS=10

main() {
    local lintian
    case ${1:-} in
        '' | --debian) ;;
        --help | -h) print_help && exit 0 ;;
        *) die_of_usage "unknown argument $1" ;;
    esac
    require_root
    install_missing_packages "${LAB_PACKAGES[@]}" "${MACHINE_TOOLS[@]}"
    make_debian_if_needed "$DEBIAN"
    [[ ${1:-} != --debian ]] || exit 0
    prepare_build_tools
    MACHINE_DIR=$(mktemp -d /tmp/holdfast-machine.XXXXXX)
    trap clean_up_machine EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM

    say "the packages"
    DEB=$("$REPOSITORY/deploy/package.sh" | tail -n 1)
    lintian --allow-root "$DEB" > "$MACHINE_DIR/lintian.log" 2>&1 &
    lintian=$!
    create_machine "$DEBIAN"
    boot_machine
    it_installs
    the_command_works
    the_units_are_in_order
    the_proxy_holds_and_releases
    the_proxy_dies_and_comes_back
    what_it_says_is_in_the_journal
    the_agent_runs_and_its_guest_outlives_it
    a_wrong_configuration_ends_it
    it_is_upgraded_under_what_runs
    it_is_removed_and_purged
    wait $lintian || true # It has had the time.
    check "lintian finds no error, and nothing to warn of" is_text '' cat "$MACHINE_DIR/lintian.log"
    conclude
}

clean_up_machine() {
    local exit_code=$?
    trap '' HUP INT TERM
    trap - EXIT
    set +e
    mkdir -p "$LOGS"
    [[ -z $MACHINE_INIT ]] || inside journalctl --no-pager --output=short-precise > "$LOGS/journal.log" 2> /dev/null
    remove_machine
    exit "$exit_code"
}

# What `expect` shows when something is not as expected.
show_hosts() { inside journalctl --quiet --no-pager --lines=8 --output=cat | sed 's/^/                /' >&2; }

# ---- what is installed ----------------------------------------------------------------------------------------------

it_installs() {
    say "installing ${DEB##*/}"
    cp "$DEB" "$MACHINE_DIR/root/root/holdfast.deb"
    check "it installs" inside dpkg --install /root/holdfast.deb
    check "there is no other Java" inside test ! -e /usr/lib/jvm
    check "keys are the user's alone" is_text "700 holdfast" inside stat --format='%a %U' /etc/holdfast/keys
    write_configuration redis
}

# A guest with a proxy, and an agent that waits for the other host: write_configuration GUEST
write_configuration() {
    cat > "$MACHINE_DIR/root/etc/holdfast/$1.yaml" << YAML
guest: $1
host: a
proxy:
  nics: [{guest-port: tap0, uplink: up0}]
agent:
  role: backup
  link:
    listen: 127.0.0.1:7700
    peer: 127.0.0.1:7701
    certificate: /etc/holdfast/keys/a.crt
    key: /etc/holdfast/keys/a.key
    authority: /etc/holdfast/keys/ca.crt
  qemu:
    command: [/usr/local/bin/guest]
YAML
}

the_command_works() {
    say "the command"
    check "it brings its Java along" says "^holdfast .*(Java 25" inside holdfast --version
    check "its caches fit" inside env HOLDFAST_JAVA_OPTS=-XX:AOTMode=on holdfast --version
    check "status says that nobody listens" fails_with 4 'is the proxy running' inside holdfast --guest redis status
    check "doctor says what is missing" fails_with 1 qemu inside holdfast --guest redis doctor
    check "there is a manual" says 'holdfast-status' inside man --where holdfast-status
    check "bash completes it" inside bash -c '. /usr/share/bash-completion/completions/holdfast && complete -p holdfast'
    check "an unknown format of logs is refused" fails_with 2 'may be text or json' \
        inside env HOLDFAST_LOG_FORMAT=xml holdfast --version
    detail "status takes $(median_start_millis) ms, the median of $STARTS"
}

median_start_millis() {
    local began
    for ((start = 0; start < STARTS; start++)); do
        began=$(now_micros)
        inside holdfast --guest redis status > /dev/null 2>&1 || true
        echo $((($(now_micros) - began) / 1000))
    done | sort --numeric-sort | sed -n "$((STARTS / 2))p"
}

the_units_are_in_order() {
    say "the units"
    check "systemd has nothing against them" is_text '' inside systemd-analyze verify $PROXY $AGENT
    check "the proxy's exposure is at most $PROXY_EXPOSURE of 100" \
        says 'Overall exposure' inside systemd-analyze security --no-pager --threshold=$PROXY_EXPOSURE $PROXY
    check "the agent's exposure is at most $AGENT_EXPOSURE of 100" \
        says 'Overall exposure' inside systemd-analyze security --no-pager --threshold=$AGENT_EXPOSURE $AGENT
}

# ---- the proxy ------------------------------------------------------------------------------------------------------

the_proxy_holds_and_releases() {
    say "the proxy under its unit"
    plug_in_cables
    check "it starts, and says when it is ready" inside systemctl start $PROXY
    check "it is a user of its own" is_text holdfast user_of $PROXY
    check "it can do what packets need, and nothing else" process_has $PROXY CapBnd $PROXY_CAPABILITIES
    check "it can use that" process_has $PROXY CapEff $PROXY_CAPABILITIES
    check "system calls are filtered" process_has $PROXY Seccomp 2
    check "what it starts gets no more" process_has $PROXY NoNewPrivs 1
    check "the host's stack gets nothing from the port" says 'policy drop' inside nft list ruleset
    own_the_wall 1
    send_frame
    expect "the guest's frame is held" 10 wall_says '.held_frames == 1'
    check "nothing has left" frames_left_are 0
    commit
    expect "it leaves with the commit" 10 frames_left_are 1
}

the_proxy_dies_and_comes_back() {
    say "the proxy dies with a frame in the wall, and comes back"
    own_the_wall 1
    send_frame
    expect "the guest's frame is held" 10 wall_says '.held_frames == 1'
    inside systemctl kill --signal=KILL --kill-whom=main $PROXY
    expect "systemd starts it again" 20 restarts_are $PROXY 1
    expect "its wall is shut" 20 wall_says '.state == "CLOSED" and .held_frames == 0'
    check "the frame has not left" frames_left_are 1
    expect "it says that nobody counted what was held" 5 audit_has proxy-died 'nobody counted it'

    own_the_wall 1
    send_frame
    expect "the guest's frame is held" 10 wall_says '.held_frames == 1'
    drop_in watchdog WatchdogSec=3s # A shorter patience, for the sake of those who wait for this test.
    inside systemctl restart $PROXY
    check "it is ready after a restart by order" wall_says '.state == "CLOSED"'
    check "that frame has not left either" frames_left_are 1
    expect "it says how many it has discarded" 5 audit_has proxy-ended 'it was told to: 1 frames'

    inside systemctl kill --signal=STOP --kill-whom=main $PROXY
    expect "systemd ends it when it gives no sign of life" 40 journal_of $PROXY --grep='Watchdog timeout'
    expect "and starts it again" 20 restarts_are $PROXY 1
    expect "its wall is shut" 20 wall_says '.state == "CLOSED"'
    inside systemctl kill --signal=QUIT --kill-whom=main $PROXY
    expect "SIGQUIT, which the watchdog sends, makes it say what it does" 10 \
        journal_of $PROXY --grep='Full thread dump'
}

what_it_says_is_in_the_journal() {
    say "the journal"
    check "a warning is one there" journal_of $PROXY --priority=4..4 --grep='^AuditLog: AUDIT'
    check "news are not" journal_of $PROXY --priority=6..6 --grep='^HoldfastProxy: guest redis on host a'
    drop_in json Environment=HOLDFAST_LOG_FORMAT=json
    inside systemctl restart $PROXY
    check "one may have it as JSON" last_line_is_json
    rm -r "$MACHINE_DIR/root/etc/systemd/system/$PROXY.d"
    inside systemctl daemon-reload
}

last_line_is_json() {
    inside journalctl --quiet --unit=$PROXY --output=cat --grep='"guest redis on host a' | tail -n 1 \
        | jq --exit-status '.level == "INFO" and (.formattedMessage | test("wall CLOSED"))'
}

# ---- the agent ------------------------------------------------------------------------------------------------------

# In the guest's place a script does what QEMU and a rehearsal do: it opens a tap, in a network of its own, and covers the memory
# and a directory as SpareDirectory does. Then it waits.
the_agent_runs_and_its_guest_outlives_it() {
    local child
    say "the agent under its unit"
    cat > "$MACHINE_DIR/root/usr/local/bin/guest" << 'SCRIPT'
#!/bin/sh
set -eu
cd /dev/shm
setpriv --pdeathsig KILL unshare --net --mount --propagation private -- sh -euc '
    mkdir lower upper work
    echo here > lower/file
    echo its-own > own-memory
    echo memory > memory
    echo 1000 > /proc/self/oom_score_adj
    mount -t overlay rehearsal -o lowerdir=lower,upperdir=upper,workdir=work /run/holdfast
    mount --bind own-memory memory
    ip tuntap add tap0 mode tap
    cat /run/holdfast/file memory
    ip -br link show tap0' > /dev/shm/rehearsed 2>&1 || echo "failed: $?" >> /dev/shm/rehearsed
sleep 600 &
echo $! > /dev/shm/child
wait
SCRIPT
    chmod 755 "$MACHINE_DIR/root/usr/local/bin/guest"
    check "keys are made" inside holdfast keys --directory /root/keys a b
    inside install --owner=holdfast --group=holdfast --mode=600 /root/keys/ca.crt /root/keys/a.crt /root/keys/a.key \
        /etc/holdfast/keys
    check "it starts, and says when it is ready" inside systemctl start $AGENT
    check "it can do what it starts needs, and nothing else" process_has $AGENT CapBnd $AGENT_CAPABILITIES
    expect "the guest's process can do what a rehearsal does" 20 rehearsed
    child=$(inside cat /dev/shm/child)
    inside systemctl kill --signal=KILL --kill-whom=main $AGENT
    expect "systemd starts the agent again" 20 restarts_are $AGENT 1
    check "the guest's process has outlived it" inside test -e "/proc/$child/exe"
    expect "both are in the status" 20 agent_answers
}

rehearsed() {
    [[ $(inside head --lines=2 /dev/shm/rehearsed) == here$'\n'its-own ]] && inside grep -q '^tap0' /dev/shm/rehearsed
}

agent_answers() { inside holdfast --guest redis status 2>&1 | grep '^  agent .*role: backup' > /dev/null; }

a_wrong_configuration_ends_it() {
    say "a configuration that is wrong"
    printf 'guest: broken\nhost: a\nproxi: {}\n' > "$MACHINE_DIR/root/etc/holdfast/broken.yaml"
    check "its proxy does not start" fails_with 1 '' inside systemctl start holdfast-proxy@broken
    check "it says why" journal_of holdfast-proxy@broken --grep='proxi'
    check "it is not tried again" restarts_are holdfast-proxy@broken 0
    rm "$MACHINE_DIR/root/etc/holdfast/broken.yaml"
}

# ---- the package's life ---------------------------------------------------------------------------------------------

it_is_upgraded_under_what_runs() {
    local proxy_before frames_before
    say "an upgrade while a guest is behind the wall"
    make_next_version
    proxy_before=$(inside systemctl show --value --property=MainPID $PROXY)
    own_the_wall 1
    send_frame
    expect "the guest's frame is held" 10 wall_says '.held_frames == 1'
    frames_before=$(frames_left)
    check "the upgrade says what goes on as it was" says "go on with version .*$PROXY" inside dpkg --install /root/next.deb
    check "the proxy is the same process" \
        is_text "$proxy_before" inside systemctl show --value --property=MainPID $PROXY
    check "the frame is still held" wall_says '.held_frames == 1'
    check "the new command speaks with it" says '^  wall  *PROTECTED' inside holdfast --guest redis status
    check "it still shows its figures" says '^holdfast_held_frames' page /metrics
    check "it still knows its commands" tell_wall flows '{}'
    commit
    expect "the frame leaves with the commit" 10 frames_left_are $((frames_before + 1))
    check "the configuration is as it was" inside test -e /etc/holdfast/redis.yaml
    inside systemctl restart $PROXY
    expect "the new version takes over after a restart" 20 wall_says '.state == "CLOSED"'
}

# The same, under a higher number, and with other names for its jars, as a real one has.
make_next_version() {
    local content=$MACHINE_DIR/next
    dpkg-deb --raw-extract "$DEB" "$content"
    sed -i 's/^Version: .*/&+next/' "$content/DEBIAN/control"
    for jar in "$content"/usr/lib/holdfast/lib/*.jar; do
        mv "$jar" "${jar%.jar}-next.jar"
    done
    rm "$content"/usr/lib/holdfast/lib/*.aot "$content/DEBIAN/md5sums"
    dpkg-deb --root-owner-group -Znone --build "$content" "$MACHINE_DIR/root/root/next.deb" > /dev/null
    rm -r "$content"
}

it_is_removed_and_purged() {
    say "removing it"
    check "it is not removed under a guest" fails_with 1 "stop first:.*$PROXY" inside dpkg --remove holdfast
    inside systemctl stop $AGENT $PROXY
    check "it is removed when nothing runs" inside dpkg --remove holdfast
    check "the command is gone" inside test ! -e /usr/bin/holdfast -a ! -e /usr/lib/holdfast
    check "the configuration and the term stay" inside test -e /etc/holdfast/redis.yaml -a -e /var/lib/holdfast/redis/wall-term
    check "it is purged" inside dpkg --purge holdfast
    check "nothing of it is left" inside test ! -e /etc/holdfast -a ! -e /var/lib/holdfast
}

# ---- the stage ------------------------------------------------------------------------------------------------------

# guest0 === tap0 [proxy] up0 === net0, and a neighbour for the guest's datagrams, so that one is one frame.
plug_in_cables() {
    local pair
    inside bash -c "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"
    for pair in tap0:guest0 up0:net0; do
        inside ip link add "${pair%:*}" type veth peer name "${pair#*:}"
        inside ip link set "${pair%:*}" up
        inside ip link set "${pair#*:}" up
    done
    inside ip addr add 10.5.0.1/24 dev guest0
    inside ip neigh add 10.5.0.2 lladdr 52:54:00:00:00:02 dev guest0
}

send_frame() { inside bash -c 'echo frame > /dev/udp/10.5.0.2/9'; }

frames_left() { inside cat /sys/class/net/net0/statistics/rx_packets; }
frames_left_are() { [[ $(frames_left) == "$1" ]]; }

# As an engine does that protects its guest: own_the_wall TERM
own_the_wall() {
    tell_wall hello "{\"term\":$1,\"claim\":\"promotion\",\"owner\":\"a\",\"bound\":false}" > /dev/null \
        || die "the wall refuses its owner"
    commit
}

# With the packaged command.
commit() {
    local epoch
    epoch=$(inside holdfast --guest redis barrier --json | jq .epoch)
    inside holdfast --guest redis commit "$epoch" > /dev/null || warn "epoch $epoch was not committed"
}

# tell_wall COMMAND ARGUMENTS
tell_wall() {
    printf '{"execute":"%s","arguments":%s}\n' "$1" "$2" \
        | socat -t 5 - "UNIX-CONNECT:/proc/$MACHINE_INIT/root/run/holdfast/redis/proxy.sock" \
        | jq --slurp --exit-status 'map(select(.return)) | .[0].return'
}

# wall_says FILTER
wall_says() { tell_wall status '{}' 2> /dev/null | jq --exit-status "$1" > /dev/null; }

page() { nsenter --target "$MACHINE_INIT" --net socat -t 5 - TCP:127.0.0.1:9601 <<< "GET $1 HTTP/1.0"$'\r\n\r'; }

# audit_has EVENT REGEX
audit_has() {
    jq --slurp --exit-status --arg event "$1" --arg reason "$2" \
        'any(.[]; .event == $event and (.reason | test($reason)))' "$MACHINE_DIR/root/var/lib/holdfast/redis/audit.jsonl" \
        > /dev/null
}

# Fails if it has no such entry: journal_of UNIT OPTION...
journal_of() { inside journalctl --quiet --no-pager --unit="$1" "${@:2}" | grep -q .; }

restarts_are() { [[ $(inside systemctl show --value --property=NRestarts "$1") == "$2" ]]; }

# A setting more for the proxy's unit: drop_in NAME SETTING
drop_in() {
    inside mkdir -p "/etc/systemd/system/$PROXY.d"
    printf '[Service]\n%s\n' "$2" > "$MACHINE_DIR/root/etc/systemd/system/$PROXY.d/$1.conf"
    inside systemctl daemon-reload
}

# process_has UNIT FIELD VALUE, of /proc/PID/status
process_has() {
    local found
    found=$(inside cat "/proc/$(main_process_of "$1")/status" | awk -v field="$2:" '$1 == field { print $2 }')
    [[ $found == "$3" ]] || { echo "$2 is $found" && return 1; }
}

user_of() { inside stat --format=%U "/proc/$(main_process_of "$1")"; }

main_process_of() { inside systemctl show --value --property=MainPID "$1"; }

# says REGEX COMMAND...
says() {
    local said
    said=$("${@:2}" 2>&1) || { echo "$said" && return 1; }
    grep -q -e "$1" <<< "$said" || { echo "$said" && return 1; }
}

# is_text TEXT COMMAND...
is_text() {
    local said
    said=$("${@:2}" 2>&1)
    [[ $said == "$1" ]] || { echo "$said" && return 1; }
}

# fails_with EXIT_CODE REGEX COMMAND...
fails_with() {
    local said exit_code=0
    said=$("${@:3}" 2>&1) || exit_code=$?
    if ((exit_code != $1)) || ! grep -q -e "$2" <<< "$said"; then
        echo "exit code $exit_code: $said"
        return 1
    fi
}

main "$@"
