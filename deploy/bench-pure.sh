#!/usr/bin/env bash
# Measures, with JMH, the parts that have no I/O, clock or thread: ring, wall, headers, checksums, and reverse mode's
# reconciler by the number of open connections, and what guards the guest's addresses. Needs no root.
#
#   bench-pure.sh [--out DIR] [-- ARGUMENT...]      with a JDK 25
#
#   --out DIR          where pure.json (JMH's format) and pure.txt go (default: deploy/target/bench)
#   -- ARGUMENT...     for JMH: a pattern of names, or all its options, as -f 3 -wi 5 -i 10 for figures to rely on
#
# Ends within three minutes: one process for each benchmark, and few short iterations.

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

out='' jmh_arguments=()

main() {
    parse_options "$@"
    prepare_build_tools
    build_if_needed
    # JMH takes an option once only.
    [[ " ${jmh_arguments[*]}" == *" -"* ]] || jmh_arguments+=(-f 1 -wi 2 -w 500ms -i 4 -r 500ms)
    # With the collector that the command has; and JMH needs what JDK 24 began to warn of.
    "$JDK_25/bin/java" --sun-misc-unsafe-memory-access=allow \
        -cp "$TARGET/jmh-classes:$TARGET/jmh-lib/*:$HOLDFAST_LIB/*" org.openjdk.jmh.Main \
        -jvmArgs "-XX:+UseSerialGC --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow" \
        -foe true -prof gc -rf json -rff "$out/pure.json" "${jmh_arguments[@]}" >&2
    table > "$out/pure.txt"
    cat "$out/pure.txt"
    say "pure.json and pure.txt are in $out"
}

parse_options() {
    while (($# > 0)); do
        case $1 in
            --help | -h) print_help && exit 0 ;;
            --)
                shift
                jmh_arguments=("$@")
                break
                ;;
            --out)
                (($# > 1)) || die_of_usage "$1 needs a value"
                out=$2
                shift 2
                ;;
            *) die_of_usage "unknown option $1" ;;
        esac
    done
    out=${out:-$TARGET/bench}
    mkdir -p "$out"
}

table() {
    jq --raw-output '.[] | [
            (.benchmark | split(".")[-2:] | join(".")), (.params // {} | to_entries | map(
                if .key == "frameBytes" then "of \(.value) bytes" else "\(.value) \(.key)" end) | join(" ")),
            (.primaryMetric.score, .primaryMetric.scoreError, .secondaryMetrics["gc.alloc.rate.norm"].score
                | if type == "number" then . * 100 | round / 100 else "-" end)
        ] | @tsv' "$out/pure.json" \
        | { printf 'benchmark\tparameter\tns/operation\t+-\tallocated bytes\n' && cat; } | column -t -s $'\t'
}

main "$@"
