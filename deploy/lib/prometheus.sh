# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # the scripts that source this use, and set, some of the variables
# A real Prometheus beside the lab's client, with the example configuration and the rules of deploy/prometheus, only faster; and
# what it has stored, opened again. Needs messages.sh, lab.sh and hosts.sh; PROMETHEUS_DIR is the directory of its data.
#
# PROMETHEUS_DIR/run.json tells of the last run: `from` and `to` in seconds of the epoch, and all rules as they were evaluated;
# PROMETHEUS_DIR/console.html is the console at its end.

readonly PROMETHEUS_PORT=9090
# Where Debian's package has them.
readonly CONSOLE_LIBRARIES=/usr/share/doc/prometheus/examples/console_libraries

# Scrapes and evaluates once a second, from now on: start_prometheus
start_prometheus() {
    mkdir -p "$PROMETHEUS_DIR/data"
    print_prometheus_config > "$PROMETHEUS_DIR/prometheus.yaml"
    open_prometheus client "$PROMETHEUS_DIR" $CLIENT_ADDRESS
    PROMETHEUS_PID=$STARTED_PID
    PROMETHEUS_SINCE=$(date +%s)
}

# The example, with the lab's addresses, and without the proxies that an inline lab does not have and any alertmanager.
print_prometheus_config() {
    local host edits=()
    for host in a b; do
        has_proxy "$host" || edits+=(-e "/'$host\.example\.net:9601'/,+1d")
        edits+=(-e "s/'$host\.example\.net:/'${BUSINESS_ADDRESS[$host]}:/")
    done
    sed "${edits[@]}" -e '/^alerting:/,/^$/d' \
        -e 's/^\( *\(scrape\|evaluation\)_interval:\) .*/\1 1s/' \
        -e "s|^  - \(holdfast\..*\.yaml\)|  - $REPOSITORY/deploy/prometheus/\1|" \
        "$REPOSITORY/deploy/prometheus/prometheus.yaml"
}

# Starts a Prometheus on what a directory has, as STARTED_PID, and waits until it can be asked: open_prometheus PLACE DIR ADDRESS
open_prometheus() {
    start_in_lab "$1" "$2/prometheus.log" prometheus --config.file "$2/prometheus.yaml" --storage.tsdb.path "$2/data" \
        --web.listen-address "$3:$PROMETHEUS_PORT" --log.level warn \
        --web.console.templates "$REPOSITORY/deploy/prometheus/consoles" --web.console.libraries "$CONSOLE_LIBRARIES"
    wait_for 30 prometheus_answers "$1" "$3" || die "Prometheus does not start: $(tail -n 5 "$2/prometheus.log")"
}

prometheus_answers() { ask_prometheus "$1" "$2" /-/ready > /dev/null 2>&1; }

# The body of an answer: ask_prometheus PLACE ADDRESS PATH
# Its end of the connection stays open meanwhile: Prometheus stops working for whoever hangs up.
ask_prometheus() {
    local answer
    answer=$(printf 'GET %s HTTP/1.0\r\n\r\n' "$3" | in_lab "$1" socat -t 5 -,ignoreeof "TCP:$2:$PROMETHEUS_PORT" | tr -d '\r')
    [[ $answer == HTTP/*' 200 '* ]] && sed '1,/^$/d' <<< "$answer"
}

# What a reverse proxy does for a host whose metrics are on loopback: lets Prometheus reach them. It dies with the host.
publish_metrics_of() {
    local port
    for port in 9601 9602; do
        start_in_lab "$1" "$(log_of "$1" metrics)" \
            socat "TCP-LISTEN:$port,bind=${BUSINESS_ADDRESS[$1]},fork,reuseaddr" "TCP:127.0.0.1:$port"
    done
}

# Ends it in an orderly way, so that all that it knows is on disk, and writes down when that was.
stop_prometheus() {
    local rules
    rules=$(ask_prometheus client $CLIENT_ADDRESS /api/v1/rules) || die "Prometheus does not tell its rules"
    jq --compact-output --argjson from "$PROMETHEUS_SINCE" --argjson to "$(date +%s)" \
        '{$from, $to, rules: [.data.groups[].rules[]]}' <<< "$rules" > "$PROMETHEUS_DIR/run.json"
    ask_prometheus client $CLIENT_ADDRESS /consoles/holdfast.html > "$PROMETHEUS_DIR/console.html" \
        || die "Prometheus does not make the console: $(tail -n 5 "$PROMETHEUS_DIR/prometheus.log")"
    kill -TERM "$PROMETHEUS_PID"
    wait_for 10 is_gone "$PROMETHEUS_PID" || die "Prometheus does not end"
}
