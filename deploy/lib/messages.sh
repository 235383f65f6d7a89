# shellcheck shell=bash disable=SC2034,SC2154 # the scripts that source this use, and set, some of the variables
# What the scripts in this folder say. People read standard error; standard output is left to the result.

readonly SCRIPT_NAME=${0##*/}

# A step that begins, with the seconds since the script's start.
say() { printf '%s%6ss%s  %s\n' "$(colour 2)" "$(seconds_since_start)" "$(colour 0)" "$*" >&2; }

# A line that belongs to the step above.
detail() { printf '        %s\n' "$*" >&2; }

# A line that replaces itself, for progress; only where there is a terminal to do so.
progress() { [[ ! -t 2 ]] || printf '\r\033[K        %s' "$*" >&2; }
end_progress() { [[ ! -t 2 ]] || printf '\r\033[K' >&2; }

warn() { printf '%s: %s\n' "$SCRIPT_NAME" "$*" >&2; }

die() {
    warn "$*"
    exit 1
}

# Wrong use of a script: exit code 2, as of all commands here.
die_of_usage() {
    warn "$* (see --help)"
    exit 2
}

# Prints the comment block at the top of the script as its help.
print_help() { sed -n '2,/^$/{ /^#/!d; s/^# \{0,1\}//; p }' "$0"; }

colour() { [[ ! -t 2 ]] || printf '\033[%sm' "$1"; }

now_micros() { printf '%s' "${EPOCHREALTIME//[!0-9]/}"; }

SCRIPT_START_MICROS=$(now_micros)
readonly SCRIPT_START_MICROS

seconds_since_start() {
    local tenths=$((($(now_micros) - SCRIPT_START_MICROS) / 100000))
    printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# Runs a command until it succeeds: wait_for SECONDS COMMAND...
wait_for() {
    local deadline=$(($(now_micros) + $1 * 1000000))
    shift
    until "$@"; do
        (($(now_micros) < deadline)) || return 1
        sleep 0.02
    done
}
