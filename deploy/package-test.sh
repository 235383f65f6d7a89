#!/usr/bin/env bash
# Tests what is installed (package.sh): the Debian package in a clean Debian without any Java, with its own systemd as the manager
# of the units. Nothing is pretended: the proxy holds and releases frames under the user, capabilities, system calls and files
# that its unit leaves it, dies and comes back; the package is upgraded under it, removed and purged. installation.sh has the agent.
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

readonly PROXY=holdfast-proxy@redis.service AGENT=holdfast-agent@redis.service GUEST=holdfast-guest@redis.service
readonly DEBIAN=$TARGET/debian.tar LOGS=$TARGET/package-logs
# What `systemd-analyze security` may find at most, times ten: 0 is nothing, 100 is everything.
readonly PROXY_EXPOSURE=20 AGENT_EXPOSURE=34 GUEST_EXPOSURE=24
# proc(5) CapBnd: CAP_NET_ADMIN is bit 12, CAP_NET_RAW 13.
readonly PROXY_CAPABILITIES=0000000000003000
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
    create_machine host "$DEBIAN"
    ROOT=$(root_of host)
    boot_machine host
    it_installs
    the_command_works
    the_units_are_in_order
    the_proxy_holds_and_releases
    the_proxy_dies_and_comes_back
    what_it_says_is_in_the_journal
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
    [[ -z ${MACHINE_INIT[host]:-} ]] || on_host journalctl --no-pager --output=short-precise > "$LOGS/journal.log" 2> /dev/null
    remove_machines
    exit "$exit_code"
}

# What `expect` shows when something is not as expected.
show_hosts() { on_host journalctl --quiet --no-pager --lines=8 --output=cat | sed 's/^/                /' >&2; }

on_host() { inside host "$@"; }

# ---- what is installed ----------------------------------------------------------------------------------------------

it_installs() {
    say "installing ${DEB##*/}"
    cp "$DEB" "$ROOT/root/holdfast.deb"
    check "it installs" on_host dpkg --install /root/holdfast.deb
    check "there is no other Java" on_host test ! -e /usr/lib/jvm
    check "keys are the user's alone" is_text "700 holdfast" on_host stat --format='%a %U' /etc/holdfast/keys
    write_configuration redis
}

# A guest with a proxy, and an agent that waits for the other host: write_configuration GUEST
write_configuration() {
    cat > "$ROOT/etc/holdfast/$1.yaml" << YAML
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
    check "it brings its Java along" says "^holdfast .*(Java 25" on_host holdfast --version
    check "its caches fit" on_host env HOLDFAST_JAVA_OPTS=-XX:AOTMode=on holdfast --version
    check "status says that nobody listens" fails_with 4 'is the proxy running' on_host holdfast --guest redis status
    check "doctor says what is missing" fails_with 1 qemu on_host holdfast --guest redis doctor
    check "there is a manual" says 'holdfast-status' on_host man --where holdfast-status
    check "bash completes it" on_host bash -c '. /usr/share/bash-completion/completions/holdfast && complete -p holdfast'
    check "an unknown format of logs is refused" fails_with 2 'may be text or json' \
        on_host env HOLDFAST_LOG_FORMAT=xml holdfast --version
    detail "status takes $(median_start_millis) ms, the median of $STARTS"
}

median_start_millis() {
    local began
    for ((start = 0; start < STARTS; start++)); do
        began=$(now_micros)
        on_host holdfast --guest redis status > /dev/null 2>&1 || true
        echo $((($(now_micros) - began) / 1000))
    done | sort --numeric-sort | sed -n "$((STARTS / 2))p"
}

the_units_are_in_order() {
    say "the units"
    check "systemd has nothing against them" is_text '' on_host systemd-analyze verify $PROXY $AGENT $GUEST
    check "the proxy's exposure is at most $PROXY_EXPOSURE of 100" \
        says 'Overall exposure' on_host systemd-analyze security --no-pager --threshold=$PROXY_EXPOSURE $PROXY
    check "the agent's exposure is at most $AGENT_EXPOSURE of 100" \
        says 'Overall exposure' on_host systemd-analyze security --no-pager --threshold=$AGENT_EXPOSURE $AGENT
    check "the guest's exposure is at most $GUEST_EXPOSURE of 100" \
        says 'Overall exposure' on_host systemd-analyze security --no-pager --threshold=$GUEST_EXPOSURE $GUEST
}

# ---- the proxy ------------------------------------------------------------------------------------------------------

the_proxy_holds_and_releases() {
    say "the proxy under its unit"
    plug_in_cables
    check "it starts, and says when it is ready" on_host systemctl start $PROXY
    check "it is a user of its own" is_text holdfast user_of $PROXY
    check "it can do what packets need, and nothing else" process_has $PROXY CapBnd $PROXY_CAPABILITIES
    check "it can use that" process_has $PROXY CapEff $PROXY_CAPABILITIES
    check "system calls are filtered" process_has $PROXY Seccomp 2
    check "what it starts gets no more" process_has $PROXY NoNewPrivs 1
    check "the host's stack gets nothing from the port" says 'policy drop' on_host nft list ruleset
    own_the_wall 1
    send_frame
    expect "the guest's frame is held" 10 wall_says '.held_frames == 1'
    check "nothing has left" frames_left_are 0
    commit
    expect "it leaves with the commit" 10 frames_left_are 1
}

the_proxy_dies_and_comes_back() {
    local restarts
    say "the proxy dies with a frame in the wall, and comes back"
    own_the_wall 1
    send_frame
    expect "the guest's frame is held" 10 wall_says '.held_frames == 1'
    on_host systemctl kill --signal=KILL --kill-whom=main $PROXY
    expect "systemd starts it again" 20 restarts_reach host $PROXY 1
    expect "its wall is shut" 20 wall_says '.state == "CLOSED" and .held_frames == 0'
    check "the frame has not left" frames_left_are 1
    expect "it says that nobody counted what was held" 5 audit_has proxy-died 'nobody counted it'

    own_the_wall 1
    send_frame
    expect "the guest's frame is held" 10 wall_says '.held_frames == 1'
    drop_in watchdog WatchdogSec=3s # A shorter patience, for the sake of those who wait for this test.
    on_host systemctl restart $PROXY
    check "it is ready after a restart by order" wall_says '.state == "CLOSED"'
    check "that frame has not left either" frames_left_are 1
    expect "it says how many it has discarded" 5 audit_has proxy-ended 'it was told to: 1 frames'

    restarts=$(restarts_of host $PROXY)
    on_host systemctl kill --signal=STOP --kill-whom=main $PROXY
    expect "systemd ends it when it gives no sign of life" 40 journal_of host $PROXY --grep='Watchdog timeout'
    expect "and starts it again" 20 restarts_reach host $PROXY $((restarts + 1))
    expect "its wall is shut" 20 wall_says '.state == "CLOSED"'
    on_host systemctl kill --signal=QUIT --kill-whom=main $PROXY
    expect "SIGQUIT, which the watchdog sends, makes it say what it does" 10 \
        journal_of host $PROXY --grep='Full thread dump'
}

what_it_says_is_in_the_journal() {
    say "the journal"
    expect "a warning is one there" 10 journal_of host $PROXY --priority=4..4 --grep='^AuditLog: AUDIT'
    check "news are not" journal_of host $PROXY --priority=6..6 --grep='^HoldfastProxy: guest redis on host a'
    drop_in json Environment=HOLDFAST_LOG_FORMAT=json
    on_host systemctl restart $PROXY
    expect "one may have it as JSON" 10 last_line_is_json
    rm -r "$ROOT/etc/systemd/system/$PROXY.d"
    on_host systemctl daemon-reload
}

last_line_is_json() {
    on_host journalctl --quiet --unit=$PROXY --output=cat --grep='"guest redis on host a' | tail -n 1 \
        | jq --exit-status '.level == "INFO" and (.formattedMessage | test("wall CLOSED"))'
}

a_wrong_configuration_ends_it() {
    say "a configuration that is wrong"
    printf 'guest: broken\nhost: a\nproxi: {}\n' > "$ROOT/etc/holdfast/broken.yaml"
    check "its proxy does not start" fails_with 1 '' on_host systemctl start holdfast-proxy@broken
    expect "it says why" 10 journal_of host holdfast-proxy@broken --grep='proxi'
    check "it is not tried again" restarts_are host holdfast-proxy@broken 0
    rm "$ROOT/etc/holdfast/broken.yaml"
}

# ---- the package's life ---------------------------------------------------------------------------------------------

it_is_upgraded_under_what_runs() {
    local proxy_before frames_before
    say "an upgrade while a guest is behind the wall"
    make_next_version "$DEB" "$ROOT/root/next.deb" rename_jars
    proxy_before=$(on_host systemctl show --value --property=MainPID $PROXY)
    own_the_wall 1
    send_frame
    expect "the guest's frame is held" 10 wall_says '.held_frames == 1'
    frames_before=$(frames_left)
    check "the upgrade says what goes on as it was" says "go on with version .*$PROXY" on_host dpkg --install /root/next.deb
    check "the proxy is the same process" \
        is_text "$proxy_before" on_host systemctl show --value --property=MainPID $PROXY
    check "the frame is still held" wall_says '.held_frames == 1'
    check "the new command speaks with it" says '^  wall  *PROTECTED' on_host holdfast --guest redis status
    check "it still shows its figures" says '^holdfast_held_frames' page /metrics
    check "it still knows its commands" tell_wall flows '{}'
    commit
    expect "the frame leaves with the commit" 10 frames_left_are $((frames_before + 1))
    check "the configuration is as it was" on_host test -e /etc/holdfast/redis.yaml
    on_host systemctl restart $PROXY
    expect "the new version takes over after a restart" 20 wall_says '.state == "CLOSED"'
}

# As a real one does; the caches know the names.
rename_jars() {
    for jar in "$1"/usr/lib/holdfast/lib/*.jar; do
        mv "$jar" "${jar%.jar}-next.jar"
    done
    rm "$1"/usr/lib/holdfast/lib/*.aot "$1/DEBIAN/md5sums"
}

it_is_removed_and_purged() {
    say "removing it"
    check "it is not removed under a guest" fails_with 1 "stop first:.*$PROXY" on_host dpkg --remove holdfast
    on_host systemctl stop $PROXY
    check "it is removed when nothing runs" on_host dpkg --remove holdfast
    check "the command is gone" on_host test ! -e /usr/bin/holdfast -a ! -e /usr/lib/holdfast
    check "the configuration and the term stay" on_host test -e /etc/holdfast/redis.yaml -a -e /var/lib/holdfast/redis/wall-term
    check "it is purged" on_host dpkg --purge holdfast
    check "nothing of it is left" on_host test ! -e /etc/holdfast -a ! -e /var/lib/holdfast
}

# ---- the stage ------------------------------------------------------------------------------------------------------

# guest0 === tap0 [proxy] up0 === net0, and a neighbour for the guest's datagrams, so that one is one frame.
plug_in_cables() {
    local pair
    on_host bash -c "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"
    for pair in tap0:guest0 up0:net0; do
        on_host ip link add "${pair%:*}" type veth peer name "${pair#*:}"
        on_host ip link set "${pair%:*}" up
        on_host ip link set "${pair#*:}" up
    done
    on_host ip addr add 10.5.0.1/24 dev guest0
    on_host ip neigh add 10.5.0.2 lladdr 52:54:00:00:00:02 dev guest0
}

send_frame() { on_host bash -c 'echo frame > /dev/udp/10.5.0.2/9'; }

frames_left() { on_host cat /sys/class/net/net0/statistics/rx_packets; }
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
    epoch=$(on_host holdfast --guest redis barrier --json | jq .epoch)
    on_host holdfast --guest redis commit "$epoch" > /dev/null || warn "epoch $epoch was not committed"
}

# tell_wall COMMAND ARGUMENTS
tell_wall() {
    printf '{"execute":"%s","arguments":%s}\n' "$1" "$2" \
        | socat -t 5 - "UNIX-CONNECT:/proc/${MACHINE_INIT[host]}/root/run/holdfast/redis/proxy.sock" \
        | jq --slurp --exit-status 'map(select(.return)) | .[0].return'
}

# wall_says FILTER
wall_says() { tell_wall status '{}' 2> /dev/null | jq --exit-status "$1" > /dev/null; }

page() { nsenter --target "${MACHINE_INIT[host]}" --net socat -t 5 - TCP:127.0.0.1:9601 <<< "GET $1 HTTP/1.0"$'\r\n\r'; }

# audit_has EVENT REGEX
audit_has() {
    jq --slurp --exit-status --arg event "$1" --arg reason "$2" \
        'any(.[]; .event == $event and (.reason | test($reason)))' "$ROOT/var/lib/holdfast/redis/audit.jsonl" \
        > /dev/null
}

# A setting more for the proxy's unit: drop_in NAME SETTING
drop_in() {
    on_host mkdir -p "/etc/systemd/system/$PROXY.d"
    printf '[Service]\n%s\n' "$2" > "$ROOT/etc/systemd/system/$PROXY.d/$1.conf"
    on_host systemctl daemon-reload
}

# process_has UNIT FIELD VALUE, of /proc/PID/status
process_has() {
    local found
    found=$(on_host cat "/proc/$(main_process_of host "$1")/status" | awk -v field="$2:" '$1 == field { print $2 }')
    [[ $found == "$3" ]] || { echo "$2 is $found" && return 1; }
}

user_of() { on_host stat --format=%U "/proc/$(main_process_of host "$1")"; }

main "$@"
