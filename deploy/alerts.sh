#!/usr/bin/env bash
# Checks the example configuration and the rules for Prometheus (deploy/prometheus) with promtool: that they are valid, and
# that every alert has a case in which it fires and one in which it does not, and behaves so.
#
#   alerts.sh            on Debian 12; as root if promtool is missing
#
# Installs Debian's package prometheus if there is no promtool; its service is not needed. The last line is "N passed, N
# failed". Exit code 0 if none failed.

# shellcheck source-path=SCRIPTDIR
set -euo pipefail

REPOSITORY=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
readonly REPOSITORY
# shellcheck source=lib/messages.sh
source "$REPOSITORY/deploy/lib/messages.sh"
# shellcheck source=lib/packages.sh
source "$REPOSITORY/deploy/lib/packages.sh"
# shellcheck source=lib/checks.sh
source "$REPOSITORY/deploy/lib/checks.sh"

readonly RULES=(holdfast.rules.yaml holdfast.alerts.yaml)

main() {
    [[ ${1:-} != --help && ${1:-} != -h ]] || { print_help && exit 0; }
    (($# == 0)) || die_of_usage "unknown argument $1"
    command -v promtool > /dev/null || install_missing_packages "${ALERT_PACKAGES[@]}"
    cd "$REPOSITORY/deploy/prometheus"

    check "the scrape example is valid" promtool check config prometheus.yaml
    check "the rules are valid" promtool check rules "${RULES[@]}"
    local alert
    for alert in $(alerts); do
        check "$alert fires when it should, and only then" behaves "$alert"
    done
    check "all tests are of alerts that exist" all_tests_have_an_alert
    conclude
}

alerts() { sed -n 's/^ *- alert: *//p' holdfast.alerts.yaml; }

behaves() {
    local test=test/$1.yaml
    [[ -e $test ]] || { echo "there is no $test" && return 1; }
    has_both_cases "$1" "$test" && promtool test rules "$test"
}

# Whether some moment of the test expects the alert, and some other one does not: has_both_cases ALERT FILE
has_both_cases() {
    awk -v alert="$1" -v file="$2" '
        $1 == "alertname:" { current = $2 }
        $1 == "exp_alerts:" && current == alert { if ($2 == "[]") silent++; else firing++ }
        END {
            if (!firing) print file " has no case in which " alert " fires"
            if (!silent) print file " has no case in which " alert " does not fire"
            exit !(firing && silent)
        }' "$2"
}

all_tests_have_an_alert() {
    local strangers
    strangers=$(comm -13 <(alerts | sort) <(basename --suffix=.yaml test/*.yaml | sort))
    [[ -z $strangers ]] || { echo "no alert is called: $strangers" && return 1; }
}

main "$@"
