# shellcheck shell=bash disable=SC2034,SC2154 # the scripts that source this use, and set, some of the variables
# The distribution and the guest image, made when they are missing or older than their sources.
# Needs messages.sh and packages.sh; REPOSITORY is the root of the sources.

readonly TARGET=$REPOSITORY/deploy/target
readonly DEMO_LIB=$TARGET/demo-lib
readonly BUILD_STAMP=$TARGET/.built-for-demo

# Sets HOLDFAST to the command, and HOLDFAST_LIB to the directory of its jars.
build_if_needed() {
    if build_is_stale; then
        say "building Holdfast (a minute or two)"
        (cd "$REPOSITORY" && mvn -B -q -DskipTests package < /dev/null >&2) || die "the build failed; see above"
        mark_build_as_fresh
    fi
    local commands=("$TARGET"/holdfast-*/holdfast-*/bin/holdfast)
    HOLDFAST=${commands[0]}
    [[ -x $HOLDFAST ]] || die "the build made no $HOLDFAST"
    HOLDFAST_LIB=$(dirname "$(dirname "$HOLDFAST")")/lib
    is_warm || "$(dirname "$HOLDFAST")/holdfast-warm-up" || warn "no warm-up: every start will take longer"
}

is_warm() {
    [[ -e $HOLDFAST_LIB/proxy.aot \
        && -z $(find "$HOLDFAST_LIB" -name '*.jar' -newer "$HOLDFAST_LIB/proxy.aot" -print -quit) ]]
}

# To be said after a complete build that was made in another way.
mark_build_as_fresh() { touch "$BUILD_STAMP"; }

build_is_stale() {
    [[ -e $BUILD_STAMP && -d $DEMO_LIB ]] || return 0
    [[ -n $(find "$REPOSITORY"/pom.xml "$REPOSITORY"/*/pom.xml "$REPOSITORY"/*/src/main "$REPOSITORY"/*/src/{demo,jmh} \
        -newer "$BUILD_STAMP" -type f -print -quit 2> /dev/null) ]]
}

build_guest_image() {
    "$REPOSITORY/deploy/guest/build-image.sh" >&2 || die "the guest image could not be made; see above"
}
