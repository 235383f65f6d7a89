#!/usr/bin/env bash
# Tests the agents for Pacemaker (src/main/dist/pacemaker) by the conventions of their own projects, and against a real proxy
# and agent of Holdfast: that the fence agent cuts off the guest, over a real SSH server, and claims nothing that it has not
# seen; and that the resource agent starts, watches and stops the programs (ocf-tester).
#
#   pacemaker.sh     as root, on Debian 12 with a JDK 25
#
# Installs missing Debian packages and builds what is missing. No cluster runs, and no QEMU. Everything happens in network
# namespaces of its own and is removed at the end, whatever happens. Logs are in deploy/target/pacemaker-logs. The last
# line is "N passed, N failed". Exit code 0 if none failed.

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
# shellcheck source=lib/checks.sh
source "$REPOSITORY/deploy/lib/checks.sh"

readonly EXPECTED_METADATA=$REPOSITORY/deploy/src/test/pacemaker/fence_holdfast.xml
readonly FENCE_SCHEMAS=/usr/share/cluster/relaxng
readonly OCF_SCHEMAS=/usr/share/resource-agents
readonly GUEST_NETWORK_ADDRESS=10.6.0.1

# OCF's words for exit codes.
readonly OCF_SUCCESS=0 OCF_ERR_GENERIC=1 OCF_ERR_UNIMPLEMENTED=3 OCF_ERR_INSTALLED=5 OCF_ERR_CONFIGURED=6 OCF_NOT_RUNNING=7

main() {
    (($# == 0)) || { [[ $1 == --help || $1 == -h ]] && print_help && exit 0; } || die_of_usage "unknown argument $1"
    require_root
    install_missing_packages "${LAB_PACKAGES[@]}" "${PACEMAKER_PACKAGES[@]}"
    prepare_build_tools
    build_if_needed

    begin_with_logs_in "$REPOSITORY/deploy/target/pacemaker-logs"
    say "host a with a proxy and an SSH server, a guest that answers pings, and host b that fences"
    prepare_files
    wire_hosts
    start_ssh_server
    the_fence_agent_is_like_others
    it_says_what_it_can_reach
    it_touches_nobody_else
    it_cuts_the_guest_off
    it_needs_the_seal_on_disk
    it_believes_nobody_but_the_wall
    it_fails_when_it_reaches_nobody
    the_resource_agent_is_like_others
    it_keeps_the_programs_running
    the_owner_is_fenced_under_its_own_agent
    the_patient_fence_has_ended
    conclude
}

# ---- the fence agent ----------------------------------------------------------------------------------------------

# As `make check` of fence-agents has it.
the_fence_agent_is_like_others() {
    say "the fence agent is like others"
    "$AGENTS/fence_holdfast" -o metadata > "$HOSTS_DIR/metadata.xml"
    expect "its metadata are those that were checked in" 0 cmp "$HOSTS_DIR/metadata.xml" "$EXPECTED_METADATA"
    expect "they keep to the schema of fence agents" 0 \
        xmllint --noout --relaxng "$FENCE_SCHEMAS/metadata.rng" "$HOSTS_DIR/metadata.xml"
    expect "they make a schema for a cluster's configuration" 0 makes_cluster_schema
    expect "they are the same through stdin" 0 same_metadata_through_stdin
    expect "it knows no unfencing that a cluster would have to do first" 0 grep -q 'name="on" automatic="0"' "$HOSTS_DIR/metadata.xml"
}

makes_cluster_schema() {
    xsltproc "$FENCE_SCHEMAS/fence2rng.xsl" "$HOSTS_DIR/metadata.xml" \
        | sed -e 's/ rha:description=/ description=/g' -e 's/ rha:name=/ name=/g' | xmllint --nsclean --noout -
}

same_metadata_through_stdin() { "$AGENTS/fence_holdfast" <<< action=metadata | cmp - "$EXPECTED_METADATA"; }

it_says_what_it_can_reach() {
    say "it says what it can reach"
    start_holdfast a proxy
    wait_for 20 wall_is CLOSED || die "the proxy does not answer: $(tail -n 20 "$(log_of a proxy)")"
    fence validate-all
    expect_outcome "its options are valid" 0
    fence monitor
    expect_outcome "the proxy can be reached" 0
    fence status
    expect_outcome "a closed wall is on: its engine needs nobody's leave" 0 'Status: ON'
    fence_without_plug list-status
    expect_outcome "it lists the guests of the host" 0 '^redis,a,on$'
    fence off
    expect_outcome "a wall that never had a term cannot be fenced" 1 'has never had a term'
}

# Here, and where it is to believe nobody, a script answers for Holdfast: with what the real proxy has just said, but for one
# thing. It remembers whether it was asked to seal.
it_touches_nobody_else() {
    say "it touches nobody else"
    owned_and_open 1
    answer_as '.guest = "other"' 'null'
    refused_untouched "a file that is not named like its guest" "that wall is guest other's"
    answer_as . 'null'
    refused_untouched "another host than the one meant" "that wall is host a's, not b's" --holdfast-host=b
    answer_as '.placement = "inline"' 'null'
    refused_untouched "a proxy in front of both hosts" 'would cut off both'
    refused_untouched "what cannot be a guest's name" 'cannot be the name of a guest' --plug="x;touch $HOSTS_DIR/hacked"
    expect "nothing was run by that name" 0 test ! -e "$HOSTS_DIR/hacked"
    fence off --plug=nobody
    expect_outcome "a guest that is not there is an error" 1 'no answer about guest nobody .*nobody.yaml'
    expect "the wall is ALONE, and the guest answers" 0 guest_answers_ping
}

# refused_untouched WHAT REGEX OPTION...
refused_untouched() {
    local what=$1 why=$2
    shift 2
    fence_fake off "$@"
    expect_outcome "$what is refused" 1 "$why"
    expect "and was not asked to seal" 0 test ! -e "$FAKE/sealed"
}

it_cuts_the_guest_off() {
    local began=$SECONDS
    say "it cuts the guest off"
    fence off --delay=1
    expect_outcome "off succeeds" 0 'Success: Powered OFF'
    expect "it was delayed" 0 test $((SECONDS - began)) -ge 2
    expect "the wall is SEALED, and says by whom" 0 wall_says '.state == "SEALED" and (.because | test("fence_holdfast on"))'
    expect "the guest is not heard" 0 guest_is_silent
    fence status
    expect_outcome "its status is off" 2 'Status: OFF'
    fence_by_stdin on
    expect_outcome "on succeeds through stdin" 0 'until a term newer than 1/promotion/a owns it'
    expect "on has opened nothing (INV-7)" 0 guest_is_silent
    expect "the fenced term cannot own the wall" 0 hello_is_refused 1
    owned_and_open 2
    expect "a newer term can, and the guest answers" 5 guest_answers_ping
    fence_by_stdin status
    expect_outcome "its status is on, through stdin" 0 'Status: ON'
    fence_by_stdin reboot
    expect_outcome "reboot is off, through stdin" 0 'Success: Rebooted'
    expect "the guest is not heard then" 0 guest_is_silent
    kill_holdfast a proxy
    fence off
    expect_outcome "a proxy that is dead proves nothing" 1 'does not answer'
    fence monitor
    expect_outcome "nor can it be reached" 1 'does not answer'
    start_holdfast a proxy
    expect "a new proxy is SEALED from its start" 20 wall_is SEALED
    expect "the fenced term cannot own it either" 0 hello_is_refused 2
}

# A seal that is lost with the proxy would let the same term go on.
it_needs_the_seal_on_disk() {
    say "it needs the seal on disk"
    owned_and_open 3
    mv "$HOSTS_DIR/a/state" "$HOSTS_DIR/a/state.away"
    touch "$HOSTS_DIR/a/state"
    fence off
    expect_outcome "off fails when the seal cannot be kept" 1 TermNotKept
    expect "although the wall is SEALED for now" 0 wall_is SEALED
    fence off
    expect_outcome "it fails for the second time, too" 1 TermNotKept
    rm "$HOSTS_DIR/a/state"
    mv "$HOSTS_DIR/a/state.away" "$HOSTS_DIR/a/state"
    fence off
    expect_outcome "it succeeds when it can be kept" 0
}

it_believes_nobody_but_the_wall() {
    say "it believes nobody but the wall"
    answer_as . 'null'
    fence_fake off
    expect_outcome "the script is as good as the real thing" 0
    answer_as '.state = "ALONE"' 'null'
    fence_fake off
    expect_outcome "a wall that is open after the seal is a failure" 1 'its wall is ALONE'
    answer_as '.state = "AJAR"' 'null'
    fence_fake status
    expect_outcome "so is a state that nobody knows" 1 'not known here: AJAR'
    answer_as '.owner = "b"' 'null'
    fence_fake off
    expect_outcome "so is a host without the term, whose agent is silent" 1 'it is not the owner of term 3'
    answer_as '.owner = "b"' '{term: 3, claim: "promotion", owner: "b", role: "backup", may_promote: false}'
    fence_fake off
    expect_outcome "a backup that cannot take over is off" 0
    answer_as '.owner = "b"' '{term: 3, claim: "promotion", owner: "b", role: "backup", may_promote: true}'
    fence_fake off
    expect_outcome "one that is armed is not" 1 'it is an armed backup'
    answer_as . '{term: 4, claim: "promotion", owner: "a", role: "primary"}'
    fence_fake off
    expect_outcome "nor a host whose agent has a newer term than was sealed" 1 'its agent has term 4/promotion/a'
    answer_as . '{term: 3, claim: "alone", owner: "a", role: "primary"}'
    fence_fake off
    expect_outcome "nor one whose agent has another term of that number" 1 'its agent has term 3/alone/a'
    answer_as . 'null'
    echo '{"state":"SEALED","quiet":false}' > "$FAKE/seal"
    fence_fake off --power-timeout=1
    expect_outcome "frames that may be on their way are a failure" 1 'may be on their way still'
    answer_as . 'null'
    echo 'all is well' > "$FAKE/status"
    fence_fake off
    expect_outcome "so is an answer that is none" 1 'no answer about guest redis'
    answer_as '{guest, host, placement, state}' 'null'
    fence_fake off
    expect_outcome "so is half an answer" 1
    rm "$FAKE/status"
    mkfifo "$FAKE/status"
    fence_fake off --shell-timeout=1
    expect_outcome "so is one that does not come" 1 'timed out'
    # Pacemaker has the library's limits switched off. This takes its time, while other checks go on.
    PCMK_service=pacemaker-fenced OUT=$HOSTS_DIR/patient fence_fake off &
    PATIENT=$!
}

it_fails_when_it_reaches_nobody() {
    say "it fails when it reaches nobody"
    fence off --ssh-options="-o UserKnownHostsFile=/dev/null"
    expect_outcome "an SSH server that nobody knows is not believed" 1 'Host key verification failed'
    kill "$SSH_SERVER"
    wait_for 5 is_gone "$SSH_SERVER"
    fence off
    expect_outcome "no SSH server, no success" 1 'cannot run anything on 10.7.0.2'
    in_lab b "$AGENTS/fence_holdfast" -o off -n redis > "$OUT" 2>&1 && RC=$? || RC=$?
    expect_outcome "an address must be given: the fence must not be this host" 1 'have to enter fence address'
    start_ssh_server
}

# ---- the resource agent -------------------------------------------------------------------------------------------

the_resource_agent_is_like_others() {
    say "the resource agent is like others"
    kill_holdfast a proxy
    rm -rf "$HOSTS_DIR/a/state"/*
    "$AGENTS/ocf/holdfast" meta-data > "$HOSTS_DIR/resource.xml"
    expect "its metadata keep to the DTD of OCF" 0 valid_resource_metadata
    expect "its proxy passes ocf-tester" 0 passes_ocf_tester proxy
    expect "its agent passes ocf-tester" 0 passes_ocf_tester agent
}

valid_resource_metadata() { (cd $OCF_SCHEMAS && xmllint --noout --valid - < "$HOSTS_DIR/resource.xml"); }

passes_ocf_tester() {
    in_lab a env JAVA_HOME="$JDK_25" ocf-tester -n redis -o config="$CONFIGS/redis.yaml" -o program="$1" -o holdfast="$HOLDFAST" \
        -o log_directory="$HOSTS_DIR/a" -o pid_directory="$HOSTS_DIR/a/run" "$AGENTS/ocf/holdfast" \
        >> "$HOSTS_DIR/ocf-tester.log" 2>&1
}

it_keeps_the_programs_running() {
    local bystander
    say "it keeps the programs running"
    resource proxy frobnicate
    expect_outcome "an unknown action is not implemented" $OCF_ERR_UNIMPLEMENTED
    resource backup validate-all
    expect_outcome "there are two programs" $OCF_ERR_CONFIGURED "program is proxy or agent, not 'backup'"
    resource proxy validate-all OCF_RESKEY_config=redis.yaml
    expect_outcome "the configuration has an absolute path" $OCF_ERR_CONFIGURED 'absolute path'
    sed 's/^guest:.*/guest: No Name/' "$(config_of a)" > "$HOSTS_DIR/a/wrong.yaml"
    resource proxy start OCF_RESKEY_config="$HOSTS_DIR/a/wrong.yaml"
    expect_outcome "a configuration that is wrong is wrong on this host only" $OCF_ERR_INSTALLED 'wrong.yaml:1'
    sed 's/guest-port: tap0/guest-port: tap9/' "$(config_of a)" > "$HOSTS_DIR/a/unplugged.yaml"
    resource proxy start OCF_RESKEY_config="$HOSTS_DIR/a/unplugged.yaml"
    expect_outcome "a program that ends at once has not started" $OCF_ERR_GENERIC 'has ended: .*tap9'
    sleep 60 &
    bystander=$!
    echo $bystander > "$HOSTS_DIR/a/run/redis-proxy.pid"
    resource proxy monitor
    expect_outcome "somebody else with its number is not it" $OCF_NOT_RUNNING
    resource proxy stop
    expect_outcome "stop leaves that one alone" $OCF_SUCCESS
    expect "it still runs" 0 kill -0 $bystander
    kill $bystander
    resource proxy start
    expect_outcome "the proxy starts" $OCF_SUCCESS
    kill -STOP "$(pid_of proxy)"
    resource proxy monitor
    expect_outcome "one that hangs is ill" $OCF_ERR_GENERIC 'and does not answer'
    resource proxy stop OCF_RESKEY_CRM_meta_timeout=1500
    expect_outcome "it can be stopped all the same" $OCF_SUCCESS
    resource proxy start
    kill -KILL "$(pid_of proxy)"
    resource proxy monitor
    expect_outcome "one that was killed does not run" $OCF_NOT_RUNNING
    resource proxy start
    resource agent start
    expect_outcome "both run" $OCF_SUCCESS
}

# The real thing: an agent that owns the wall under its term, and lives.
the_owner_is_fenced_under_its_own_agent() {
    say "the owner is fenced under its own agent"
    expect "the agent owns the wall" 10 wall_says '.owned and .term == 1 and .owner == "a"'
    fence off
    expect_outcome "off succeeds" 0
    sleep 2
    expect "its agent has not got the wall back" 0 wall_says '.state == "SEALED" and .term == 1'
    resource agent stop
    expect_outcome "the agent stops" $OCF_SUCCESS
    resource proxy stop
    expect_outcome "the proxy stops" $OCF_SUCCESS
    expect "neither is left" 0 no_holdfast_in_a
}

no_holdfast_in_a() { ! pgrep -f "io.holdfast.cli.Holdfast --config $CONFIGS/redis.yaml" > /dev/null; }

# ---- how they are called --------------------------------------------------------------------------------------------

# The options that all calls have, and the plug, as arguments: fence ACTION OPTION...
fence() {
    local action=$1
    shift
    fence_without_plug "$action" --plug=$GUEST_NAME --holdfast-path="$HOLDFAST" "$@"
}

# The same to the script that answers for Holdfast.
fence_fake() {
    local action=$1
    shift
    fence_without_plug "$action" --plug=$GUEST_NAME --holdfast-path="$FAKE/holdfast" "$@"
}

# As an operator calls it; its output is in OUT, its exit code in RC.
fence_without_plug() {
    local action=$1
    shift
    RC=0
    in_lab b "$AGENTS/fence_holdfast" -o "$action" --ip="${BUSINESS_ADDRESS[a]}" --identity-file="$HOSTS_DIR/ssh/key" \
        --ssh-options="$SSH_OPTIONS" --config-dir="$CONFIGS" --holdfast-path="$HOLDFAST" "$@" < /dev/null > "$OUT" 2>&1 || RC=$?
    note "fence $action $*"
}

# As Pacemaker calls it, with the plug under its former name.
fence_by_stdin() {
    RC=0
    printf '%s\n' "action=$1" "ip=${BUSINESS_ADDRESS[a]}" "port=$GUEST_NAME" nodename=host-a "identity_file=$HOSTS_DIR/ssh/key" \
        "ssh_options=$SSH_OPTIONS" "config_dir=$CONFIGS" "holdfast_path=$HOLDFAST" "holdfast_host=a" \
        | PCMK_service=pacemaker-fenced in_lab b "$AGENTS/fence_holdfast" > "$OUT" 2>&1 || RC=$?
    note "fence through stdin $1"
}

# As Pacemaker calls it: resource PROGRAM ACTION NAME=VALUE...
resource() {
    local program=$1 action=$2
    shift 2
    RC=0
    in_lab a env JAVA_HOME="$JDK_25" OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE="redis-$program" OCF_RESKEY_program="$program" \
        OCF_RESKEY_config="$CONFIGS/redis.yaml" OCF_RESKEY_holdfast="$HOLDFAST" OCF_RESKEY_log_directory="$HOSTS_DIR/a" \
        OCF_RESKEY_pid_directory="$HOSTS_DIR/a/run" "$@" "$AGENTS/ocf/holdfast" "$action" < /dev/null > "$OUT" 2>&1 || RC=$?
    note "resource $program $action $*"
}

the_patient_fence_has_ended() {
    expect "a fence that Pacemaker does not limit has a limit" 40 is_gone "$PATIENT"
    expect "and fails" 0 grep -q 'timed out' "$HOSTS_DIR/patient"
}

note() { { printf '%s: exit code %s\n' "$1" "$RC" && cat "$OUT"; } >> "$HOSTS_DIR/calls.log"; }

# What the last call came to: expect_outcome TEXT CODE [REGEX of its output]
expect_outcome() {
    expect "$1" 0 came_to "$2" "${3:-}"
    came_to "$2" "${3:-}" || detail "        exit code $RC, not $2: $(cat "$OUT")"
}

came_to() { ((RC == $1)) && { [[ -z $2 ]] || grep -q -E -e "$2" "$OUT"; }; }

pid_of() { cat "$HOSTS_DIR/a/run/redis-$1.pid"; }

# ---- what they are called on ----------------------------------------------------------------------------------------

# CONFIGS is what /etc/holdfast is on a host, and AGENTS what is unpacked there; both for everybody to read.
prepare_files() {
    CONFIGS=$HOSTS_DIR/a/etc
    AGENTS=$HOSTS_DIR/pacemaker
    FAKE=$HOSTS_DIR/fake
    OUT=$HOSTS_DIR/out
    make_host a
    mkdir -p "$CONFIGS" "$FAKE"
    chmod 755 "$HOSTS_DIR"
    cp -r "$(dirname "$HOLDFAST_LIB")/pacemaker" "$AGENTS"
    print_config > "$(config_of a)"
    ln -s "$(config_of a)" "$CONFIGS/redis.yaml"
    print_fake_holdfast > "$FAKE/holdfast"
    chmod 755 "$FAKE/holdfast"
}

# Of a primary whose guest QEMU does not run.
print_config() {
    cat << YAML
guest: $GUEST_NAME
host: a
runtime-directory: $HOSTS_DIR/a/run
state-directory: $HOSTS_DIR/a/state
proxy:
  nics: [{guest-port: tap0, uplink: up0}]
agent:
  role: primary
  link:
    listen: 127.0.0.1:7700
    peer: 127.0.0.1:7701
    insecure: true
  qemu:
    qmp: $HOSTS_DIR/a/run/qmp.sock
    memory: $(ram_of a)
    incoming: $HOSTS_DIR/a/run/incoming.sock
    command: ["false"]
YAML
}

# Host a between the guest and the network, both of them only ends of a cable: place `client` is the guest, and host b the
# network.
wire_hosts() {
    local place
    for place in client a b; do
        ip netns add "$(namespace_of $place)"
        ip -n "$(namespace_of $place)" link set lo up
    done
    plug_into_a tap0 client guest0
    plug_into_a up0 b net0
    give_address client guest0 10.6.0.10/24
    give_address b net0 $GUEST_NETWORK_ADDRESS/24
    ip -n "$(namespace_of a)" link add mgmt0 type veth peer name mgmt0 netns "$(namespace_of b)"
    give_address a mgmt0 "${BUSINESS_ADDRESS[a]}/24"
    give_address b mgmt0 "${BUSINESS_ADDRESS[b]}/24"
}

# A cable from one of the proxy's ports to another place: plug_into_a PORT PLACE INTERFACE
plug_into_a() {
    ip -n "$(namespace_of a)" link add "$1" type veth peer name "$3" netns "$(namespace_of "$2")"
    leave_to_the_proxy a "$1"
    turn_offloads_off_for_pcap "$2" "$3"
}

# Knows a key, and finds the Java runtime; nothing of this machine's own configuration.
start_ssh_server() {
    local ssh=$HOSTS_DIR/ssh
    mkdir -p "$ssh" /run/sshd
    [[ -e $ssh/key ]] || ssh-keygen -q -t ed25519 -N '' -f "$ssh/key"
    [[ -e $ssh/host ]] || ssh-keygen -q -t ed25519 -N '' -f "$ssh/host"
    printf '%s %s\n' "${BUSINESS_ADDRESS[a]}" "$(cut -d ' ' -f 1,2 "$ssh/host.pub")" > "$ssh/known"
    printf '%s\n' "ListenAddress ${BUSINESS_ADDRESS[a]}" "HostKey $ssh/host" "AuthorizedKeysFile $ssh/key.pub" \
        'StrictModes no' 'UsePAM no' 'PidFile none' 'PasswordAuthentication no' "SetEnv JAVA_HOME=$JDK_25" > "$ssh/config"
    SSH_OPTIONS="-o UserKnownHostsFile=$ssh/known"
    start_in_lab a "$HOSTS_DIR/a/sshd.log" /usr/sbin/sshd -D -e -f "$ssh/config"
    SSH_SERVER=$STARTED_PID
    wait_for 10 in_lab b socat -T 0.2 -u "TCP:${BUSINESS_ADDRESS[a]}:22" OPEN:/dev/null 2> /dev/null \
        || die "the SSH server does not answer: $(cat "$HOSTS_DIR/a/sshd.log")"
}

# Answers with a file for each command, and remembers that it was asked to seal.
print_fake_holdfast() {
    cat << 'SH'
#!/bin/sh
# holdfast --config FILE COMMAND ...
here=$(dirname "$0")
[ "$3" != seal ] || touch "$here/sealed"
cat "$here/$3"
SH
}

# What the script says: the real proxy's status, changed by a jq filter, and an agent's; null for one that does not answer.
answer_as() {
    ask_holdfast a proxy | jq --compact-output "{proxy: ($1), agent: ($2 // {error: \"nobody listens\"})}" > "$FAKE/status"
    echo '{"state":"SEALED","quiet":true}' > "$FAKE/seal"
    rm -f "$FAKE/sealed"
}

# ---- the wall -------------------------------------------------------------------------------------------------------

wall_says() { ask_holdfast a proxy | jq --exit-status "$1" > /dev/null; }
wall_is() { wall_says ".state == \"$1\""; }

# tell_wall COMMAND ARGUMENTS, as JSON
tell_wall() {
    printf '{"execute":"%s","arguments":%s}\n' "$1" "$2" \
        | socat -t 2 - "UNIX-CONNECT:$HOSTS_DIR/a/run/proxy.sock" | tail -n 1
}

say_hello() { tell_wall hello "{\"term\":$1,\"claim\":\"promotion\",\"owner\":\"a\",\"bound\":false}"; }

hello_is_refused() { say_hello "$1" | jq --exit-status '.error.class == "StaleTerm"' > /dev/null; }

# As an engine does that serves alone: owned_and_open TERM
owned_and_open() {
    local incarnation
    incarnation=$(say_hello "$1" | jq --raw-output '.return.incarnation')
    tell_wall open "{\"incarnation\":\"$incarnation\",\"term\":$1,\"reason\":\"a test\"}" \
        | jq --exit-status '.return.state == "ALONE"' > /dev/null || die "the wall does not open under term $1"
}

guest_answers_ping() { in_lab b ping -q -c 1 -W 1 10.6.0.10 > /dev/null; }
guest_is_silent() { ! in_lab b ping -q -c 3 -i 0.2 -W 1 10.6.0.10 > /dev/null; }

main "$@"
