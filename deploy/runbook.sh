#!/usr/bin/env bash
# Checks that runbook.md and install.md tell what happens: that each command in them was carried out by a script that plays the
# operator (faults.sh, uplink.sh, installation.sh), ended as it says there, and said what is shown, but for numbers with their units,
# addresses and names of hosts.
#
#   runbook.sh                  after those scripts
#
# A command follows the prompt "$ ", "a$ " or "b$ " in a block of ```console, its output follows it, and then its exit code, if not 0,
# as "[exit code 1]". "..." stands for whatever was left out.
#
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
# shellcheck source=lib/checks.sh
source "$REPOSITORY/deploy/lib/checks.sh"
# shellcheck source=lib/operator.sh
source "$REPOSITORY/deploy/lib/operator.sh"

readonly DOCUMENTS=(install.md runbook.md)

main() {
    [[ ${1:-} != --help && ${1:-} != -h ]] || { print_help && exit 0; }
    (($# == 0)) || die_of_usage "unknown argument $1"
    install_missing_packages jq
    local document shown
    CARRIED_OUT=$(cat "$COMMANDS"/*.jsonl 2> /dev/null) || true
    [[ -n $CARRIED_OUT ]] || die "no commands in $COMMANDS; run faults.sh, uplink.sh and installation.sh first"
    for document in "${DOCUMENTS[@]}"; do
        say "$document"
        while IFS= read -r shown; do
            check "line $(jq --raw-output '"\(.at): \(.command)"' <<< "$shown")" was_carried_out_so "$shown"
        done < <(commands_of "$REPOSITORY/deploy/$document")
    done
    conclude
}

# One JSON object each: at which line, command, exit_code, and the lines that it shows: commands_of DOCUMENT
commands_of() {
    jq --null-input --raw-input --compact-output '
        reduce inputs as $line ({at: 0, inside: false, commands: []};
            .at += 1
            | if $line | startswith("```") then .inside = ($line == "```console")
              elif .inside | not then .
              elif $line | test("^[ab]?\\$ ") then
                  .commands += [{at, command: ($line | sub("^[ab]?\\$ "; "")), exit_code: 0, shows: []}]
              elif $line | test("^\\[exit code \\d+\\]$") then
                  .commands[-1].exit_code = ($line | capture("(?<code>\\d+)").code | tonumber)
              else .commands[-1].shows += [$line] end)
        | .commands[]' "$1"
}

# was_carried_out_so JSON, as of commands_of; says what is different
was_carried_out_so() {
    local trouble
    trouble=$(jq --slurp --raw-output --argjson shown "$1" '
        # Reasons are for people, and whoever plays the operator has other ones.
        def without_reason: sub("--reason (\"[^\"]*\"|\\S+)"; "--reason TEXT");
        def shape:
            gsub("\\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\\b"; "MAC") | gsub("\\b[0-9a-f]{16}\\b"; "ID")
            | gsub("\\d+([.,:]\\d+)*"; "N") | gsub("N (B|KiB|MiB|us|ms|s)\\b"; "N")
            | gsub("host [ab]\\b"; "host X") | gsub("/[ab]\\b"; "/X") | gsub("^( *(owner|host)) +[ab]$"; "\(.) X")
            | gsub(" +"; " ") | rtrimstr(" ");
        def is_like($line): (shape | split("...")) as $parts
            | ($line | shape) as $said
            | ($said | startswith($parts[0])) and ($said | endswith($parts[-1])) and all($parts[]; . as $part | $said | contains($part));
        ($shown.command | without_reason) as $command
        | map(select(.command | without_reason == $command)) as $runs
        | ($runs | map(select(.exit_code == $shown.exit_code))) as $alike
        | if $runs == [] then "no script has carried it out"
          elif $alike == [] then "its exit code was \($runs | map(.exit_code) | unique | join(" or ")), not \($shown.exit_code)"
          else ($alike | map(.said | split("\n")) | add) as $said
              | $shown.shows[] | select(. != "...") | . as $line
              | select(any($said[]; . as $other | $line | is_like($other)) | not)
              | "it never said: \(.)" end' <<< "$CARRIED_OUT") || return 1
    [[ -z $trouble ]] || { echo "$trouble" && return 1; }
}

main "$@"
