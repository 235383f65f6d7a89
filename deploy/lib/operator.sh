# shellcheck shell=bash disable=SC2034,SC2154 # the scripts that source this use, and set, some of the variables
# The operator, whom the scripts play, with the commands of runbook.md; runbook.sh looks whether each of those was carried out, and
# said what the runbook shows. Needs messages.sh, build.sh, lab.sh and hosts.sh.
#
# Every command leaves a line in deploy/target/commands/SCRIPT.jsonl: the `command` as the runbook writes it, its `exit_code`, and
# what it `said` to the operator.

readonly COMMANDS=$TARGET/commands
readonly COMMANDS_OF_SCRIPT=$COMMANDS/${SCRIPT_NAME%.sh}.jsonl

# What earlier runs of this script have carried out counts no more.
begin_commands() {
    mkdir -p "$COMMANDS"
    : > "$COMMANDS_OF_SCRIPT"
}

# A way to a host for whoever sits before the lab: a program that without arguments is a shell there, and with them runs a command.
# `holdfast --guest redis` means the guest of the lab: open_way_to HOST
open_way_to() {
    local programs=$HOSTS_DIR/$1/bin
    mkdir -p "$programs"
    cat > "$programs/holdfast" << SHELL
#!/bin/sh
if [ "\${1-} \${2-}" = "--guest $GUEST_NAME" ]; then
    shift 2
    set -- --config "$(config_of "$1")" "\$@"
fi
JAVA_HOME="$JDK_25" exec "$(holdfast_of "$1")" "\$@"
SHELL
    cat > "$(way_to "$1")" << SHELL
#!/bin/sh
export PATH="$programs:\$PATH" PS1='$1\$ '
[ \$# -gt 0 ] || set -- bash --norc
exec ip netns exec "$(namespace_of "$1")" "\$@"
SHELL
    chmod +x "$programs/holdfast" "$(way_to "$1")"
}

way_to() { printf '%s/on-%s' "$HOSTS_DIR" "$1"; }

# Runs a command of Holdfast's on a host, and ends as it does: operate HOST COMMAND OPTION...
operate() {
    local host=$1 said exit_code=0
    shift
    said=$("$(way_to "$host")" holdfast --guest "$GUEST_NAME" "$@" 2>&1 < /dev/null) || exit_code=$?
    note_command "$exit_code" "$said" holdfast --guest "$GUEST_NAME" "$@"
    printf '%s\n' "$said"
    return $exit_code
}

# The same of one that needs no host: operate_anywhere COMMAND OPTION...
operate_anywhere() {
    local said exit_code=0
    said=$(JAVA_HOME=$JDK_25 "$HOLDFAST" "$@" 2>&1 < /dev/null) || exit_code=$?
    note_command "$exit_code" "$said" holdfast "$@"
    return $exit_code
}

# What the operator does, and what comes of it is looked at afterwards: command_of_operator HOST COMMAND OPTION...
command_of_operator() { operate "$@" > /dev/null || warn "holdfast $2 has failed"; }

# What the operator only looks at; runbook.sh judges it: look HOST COMMAND OPTION...
look() { operate "$@" > /dev/null || true; }

# What a command says, whatever its exit code: operator_reads REGEX HOST COMMAND OPTION...
operator_reads() {
    local regex=$1 said
    shift
    said=$(operate "$@") || true
    [[ $said =~ $regex ]]
}

# What a command says that fails: operator_is_refused REGEX HOST COMMAND OPTION...
operator_is_refused() {
    local regex=$1 said
    shift
    ! said=$(operate "$@") && [[ $said =~ $regex ]]
}

# Does what installing a package does for the operator: what runs goes on as it is. install_next_version_on HOST
install_next_version_on() {
    OTHER_HOLDFAST[$1]=$NEXT_HOLDFAST
    open_way_to "$1"
}

# Runs a program of the system's on a host, and ends as it does: operate_system HOST COMMAND...
operate_system() {
    local host=$1 said exit_code=0
    shift
    said=$("$(way_to "$host")" "$@" 2>&1 < /dev/null) || exit_code=$?
    note_command "$exit_code" "$said" "$@"
    printf '%s\n' "$said"
    return $exit_code
}

# Does what systemd does for the operator who asks it, which is noted where there is one (installation.sh):
# service HOST start|stop|restart proxy|agent
service() {
    local host=$1 action=$2 what=$3
    [[ $action == start ]] || stop_holdfast "$host" "$what"
    [[ $action == stop ]] || start_holdfast "$host" "$what"
}

# note_command EXIT_CODE SAID WORD...
note_command() {
    local exit_code=$1 said=$2 word command=''
    shift 2
    for word in "$@"; do
        # At a terminal the operator answers instead.
        [[ $word != --yes ]] || continue
        [[ $word != *' '* ]] || word="\"$word\""
        command+="${command:+ }$word"
    done
    jq --null-input --compact-output --arg command "$(as_installed <<< "$command")" --argjson exit_code "$exit_code" \
        --arg said "$(as_installed <<< "$said")" '{$command, $exit_code, $said}' \
        | flock "$COMMANDS_OF_SCRIPT" tee --append "$COMMANDS_OF_SCRIPT" > /dev/null
}

# Paths of the lab as they are on a host with the package: as_installed, a filter
as_installed() {
    sed -e "s|$HOSTS_DIR/[ab]/run|/run/holdfast/$GUEST_NAME|g" -e "s|$HOSTS_DIR/[ab]/state|/var/lib/holdfast/$GUEST_NAME|g" \
        -e "s|$HOSTS_DIR/keys|/etc/holdfast|g" -e "s|$HOSTS_DIR/||g" -e "s|$LAB-[ab]|$GUEST_NAME|g"
}
