#!/usr/bin/env bash
# Checks that the dashboard (deploy/grafana), the console and the rules (deploy/prometheus) show a running pair: takes every
# expression of each, puts in what Grafana or a browser would, and has a real Prometheus evaluate it over what it has scraped of a guest behind the wall
# and of one in reverse mode. Each must be evaluated without an error and read only metrics that were scraped; each panel must
# show something of the mode that it is about, which for those in the row "Reverse mode" is that one.
#
#   dashboard.sh [OPTION...]        as root, on Debian 12 with a JDK 25
#
#   --wall DIR         what demo.sh --prometheus DIR has left, after a failover
#   --reverse DIR      the same of demo.sh --mode reverse
#                      What is not given is made first, in deploy/target/dashboard
#
# Installs missing Debian packages and builds what is missing. The last line is "N passed, N failed". Exit code 0 if none failed.

# shellcheck source-path=SCRIPTDIR
set -euo pipefail

REPOSITORY=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
readonly REPOSITORY
# shellcheck source=lib/messages.sh
source "$REPOSITORY/deploy/lib/messages.sh"
# shellcheck source=lib/packages.sh
source "$REPOSITORY/deploy/lib/packages.sh"
# shellcheck source=lib/lab.sh
source "$REPOSITORY/deploy/lib/lab.sh"
# shellcheck source=lib/hosts.sh
source "$REPOSITORY/deploy/lib/hosts.sh"
# shellcheck source=lib/prometheus.sh
source "$REPOSITORY/deploy/lib/prometheus.sh"
# shellcheck source=lib/checks.sh
source "$REPOSITORY/deploy/lib/checks.sh"

readonly DASHBOARD=$REPOSITORY/deploy/grafana/dashboards/holdfast.json
readonly CONSOLE=$REPOSITORY/deploy/prometheus/consoles/holdfast.html
readonly MADE=$REPOSITORY/deploy/target/dashboard
# As Grafana has it, for a scrape each second: four of them.
readonly RATE_INTERVAL=4s
# Panels that are rightly empty in a run of the demonstration, which rehearses nothing.
readonly MAY_BE_EMPTY='Last rehearsal'
readonly REVERSE_ROW='Reverse mode'
readonly MODES=(wall reverse)

# By mode: where its data is, and in which place of the lab a Prometheus answers for it.
declare -A DATA=() PLACE=([wall]=a [reverse]=b)

main() {
    parse_options "$@"
    require_root
    install_missing_packages jq socat iproute2 "${ALERT_PACKAGES[@]}"
    make_missing_data

    WORK=$(mktemp -d /tmp/holdfast-demo.XXXXXX)
    trap clean_up EXIT
    local mode
    for mode in "${MODES[@]}"; do open_data_of "$mode"; done
    check_rules
    check_panels
    check_console
    check "the failover was told of" tells_of_the_failover
    check "and has paged nobody" paged_nobody
    conclude
}

parse_options() {
    while (($# > 0)); do
        [[ $1 != --help && $1 != -h ]] || { print_help && exit 0; }
        [[ $1 =~ ^--(wall|reverse)$ ]] || die_of_usage "unknown option $1"
        (($# > 1)) || die_of_usage "$1 needs a value"
        [[ -e $2/run.json ]] || die_of_usage "$2 is of no finished run of demo.sh --prometheus"
        DATA[${1#--}]=$2
        shift 2
    done
}

make_missing_data() {
    local mode
    for mode in "${MODES[@]}"; do
        [[ -z ${DATA[$mode]:-} ]] || continue
        say "a demonstration in $mode mode, watched by Prometheus"
        DATA[$mode]=$MADE/$mode
        "$REPOSITORY/deploy/demo.sh" --mode "$mode" --prometheus "${DATA[$mode]}" > /dev/null \
            || die "the demonstration in $mode mode has failed"
    done
}

clean_up() {
    local exit_code=$?
    set +e
    destroy_lab
    rm -rf "$WORK"
    exit "$exit_code"
}

# ---- what was scraped --------------------------------------------------------------------------------------------------

# Works on a copy, in which nothing is scraped any more: open_data_of MODE
open_data_of() {
    local mode=$1 place=${PLACE[$1]}
    mkdir "$WORK/$mode"
    cp -r "${DATA[$mode]}"/{data,run.json} "$WORK/$mode"
    : > "$WORK/$mode/prometheus.yaml"
    ip netns add "$(namespace_of "$place")"
    ip -n "$(namespace_of "$place")" link set lo up
    open_prometheus "$place" "$WORK/$mode" 127.0.0.1
    names_scraped_in "$mode" > "$WORK/$mode/names"
}

from_of() { jq .from "$WORK/$1/run.json"; }
to_of() { jq .to "$WORK/$1/run.json"; }

# Of metrics, and of series that a rule has recorded: names_scraped_in MODE
names_scraped_in() {
    local seconds=$(($(to_of "$1") - $(from_of "$1")))
    evaluate "$1" instant "group by (__name__) (last_over_time({__name__!=\"\"}[${seconds}s]))" | jq --raw-output '.[].metric.__name__'
}

# What Prometheus answers, as JSON: evaluate MODE instant|range EXPRESSION
evaluate() {
    local when
    case $2 in
        instant) when=(--time "$(to_of "$1")") ;;
        range) when=(--start "$(from_of "$1")" --end "$(to_of "$1")" --step 1s) ;;
    esac
    in_lab "${PLACE[$1]}" promtool query "$2" --format json "${when[@]}" "http://127.0.0.1:$PROMETHEUS_PORT" "$3"
}

# ---- the rules ---------------------------------------------------------------------------------------------------------

check_rules() {
    local name expression
    say "the rules, as Prometheus has evaluated them"
    while IFS=$'\t' read -r name expression; do
        check "$name can be evaluated" is_evaluated_in_both_modes "$expression"
        check "$name reads what is scraped" reads_what_is_scraped_in "wall reverse" "$expression"
    done < <(jq --raw-output '.rules[] | [.name, .query] | @tsv' "$WORK/wall/run.json")
    check "no rule has ever failed" no_rule_has_failed
}

is_evaluated_in_both_modes() { evaluate wall instant "$1" > /dev/null && evaluate reverse instant "$1" > /dev/null; }

no_rule_has_failed() {
    ! jq --raw-output '.rules[] | select(.lastError) | "\(.name): \(.lastError)"' "$WORK"/*/run.json | grep .
}

tells_of_the_failover() {
    evaluate wall instant 'ALERTS{alertname="HoldfastTermChanged", alertstate="firing"}' | jq --exit-status 'length == 1'
}

paged_nobody() {
    local mode
    for mode in "${MODES[@]}"; do
        evaluate "$mode" range 'ALERTS{severity="page", alertstate="firing"}' | jq --exit-status 'length == 0' || return 1
    done
}

# ---- the dashboard -----------------------------------------------------------------------------------------------------

check_panels() {
    local row title how expression mode
    say "the dashboard, as Grafana would ask for it"
    while IFS=$'\t' read -r row title how expression; do
        mode=wall
        [[ $row != "$REVERSE_ROW" ]] || mode=reverse
        expression=$(as_grafana_asks "$expression")
        check "$title reads what is scraped" reads_what_is_scraped_in $mode "$expression"
        check "$title shows something" shows_something $mode "$title" "$how" "$expression"
    done < <(expressions_of_dashboard)
}

# Row (- for what is in none), title, instant or range, and expression, of panels, variables and annotations.
expressions_of_dashboard() {
    jq --raw-output '
        def asked: .title as $title | .targets[] | [$title, if .instant then "instant" else "range" end, .expr];
        def labels_asked: capture("^label_values\\((?<of>.*), *(?<label>\\w+)\\)$") | "count by (\(.label)) (\(.of))";
        (foreach .panels[] as $panel ({}; if $panel.type == "row" then {row: $panel.title, shown: $panel.panels}
            else .shown = [$panel] end) | .row as $row | .shown[] | [$row] + asked),
        (.templating.list[] | select(.type == "query") | ["-", "The variable " + .name, "range", (.query.query | labels_asked)]),
        (.annotations.list[] | ["-", "The annotation " + .name, "range", .expr])
        | @tsv' "$DASHBOARD"
}

as_grafana_asks() { sed "s/\$__rate_interval/$RATE_INTERVAL/g; s/\$guest/$GUEST_NAME/g; s/\$host/.*/g" <<< "$1"; }

# Whether all that an expression reads was there: reads_what_is_scraped_in "MODE..." EXPRESSION
reads_what_is_scraped_in() {
    local mode missing files=()
    for mode in $1; do files+=("$WORK/$mode/names"); done
    missing=$(comm -23 <(names_in "$2" | sort --unique) <(sort --unique "${files[@]}"))
    [[ -z $missing ]] || { echo "was never scraped or recorded: $missing" && return 1; }
}

# The metrics in an expression: words that are no function, keyword, label or time.
names_in() {
    sed --regexp-extended 's/\{[^}]*\}//g; s/\[[^]]*\]//g; s/\b(by|without|on|ignoring|group_left|group_right) *\([^)]*\)//g' <<< "$1" \
        | grep --only-matching --perl-regexp '(?<![\w:.])[a-zA-Z_:][\w:]*+(?!\s*\()' | grep --invert-match --line-regexp -E 'and|or|unless|offset|bool|by'
}

# ---- Prometheus' own console --------------------------------------------------------------------------------------------

check_console() {
    local expression
    say "the console, as Prometheus and a browser make it"
    check "the console finds the guest" console_says "<title>Holdfast: $GUEST_NAME</title>"
    check "and who serves it" console_says "<div>Host [ab] serves <strong>(PROTECTED|ALONE)</strong></div>"
    check "and that its clients are answered" console_says "<strong>are served</strong>"
    check "and whether it would outlive its host" console_says "<strong>would be (survived|its end)</strong>"
    check "and its term" console_says "<div>Term <strong>[1-9][0-9]*</strong></div>"
    while IFS= read -r expression; do
        check "${expression%%\{*}... of the console reads what is scraped" reads_what_is_scraped_in wall "$expression"
        check "${expression%%\{*}... of the console shows something" shows_something wall console range "$expression"
    done < <(expressions_of_console)
}

# console_says REGEX, at the end of the run
console_says() { grep --extended-regexp "$1" "${DATA[wall]}/console.html"; }

expressions_of_console() {
    sed -n "s/^ *\[\{0,1\}\"\(.*{GUEST}.*\)\"[],]*\$/\1/p" "$CONSOLE" \
        | sed "s/GUEST/guest='$GUEST_NAME'/g; s/RATE/$RATE_INTERVAL/g"
}

# shows_something MODE TITLE instant|range EXPRESSION
shows_something() {
    local answer
    answer=$(evaluate "$1" "$3" "$4") || { echo "$answer" && return 1; }
    [[ $2 != "$MAY_BE_EMPTY" ]] || return 0
    jq --exit-status 'any(.[] | if .values then .values[] else .value end; .[1] != "NaN")' <<< "$answer" > /dev/null \
        || { echo "nothing comes of $4" && return 1; }
}

main "$@"
