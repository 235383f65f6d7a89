# shellcheck shell=bash disable=SC2034,SC2154 # the scripts that source this use, and set, some of the variables
# The distribution and the guest image, made when they are missing or older than their sources.
# Needs messages.sh and packages.sh; REPOSITORY is the root of the sources.

readonly TARGET=$REPOSITORY/deploy/target
readonly DEMO_LIB=$TARGET/demo-lib
# What `jdeps --print-module-deps` says of the jars, but for java.desktop, of which parts of libraries speak that Holdfast does not
# use (java.beans in Jackson, AWT in JNA). java.sql is for the time of a frame in pcap4j.
readonly RUNTIME_MODULES=(
    java.base java.logging java.management java.naming java.net.http java.sql java.xml jdk.jfr jdk.management jdk.unsupported
)
readonly NEXT_VERSION=99.0.0
readonly BUILD_STAMP=$TARGET/.built-for-demo

# Sets DISTRIBUTION to its directory, HOLDFAST to the command, and HOLDFAST_LIB to the directory of its jars.
build_if_needed() {
    if build_is_stale; then
        say "building Holdfast (a minute or two)"
        (cd "$REPOSITORY" && mvn -B -q -DskipTests package < /dev/null >&2) || die "the build failed; see above"
        mark_build_as_fresh
    fi
    local directories=("$TARGET"/holdfast-*/holdfast-*/)
    DISTRIBUTION=${directories[0]%/}
    HOLDFAST=$DISTRIBUTION/bin/holdfast
    HOLDFAST_LIB=$DISTRIBUTION/lib
    [[ -x $HOLDFAST ]] || die "the build made no $HOLDFAST"
    add_runtime_if_needed
    is_warm || "$DISTRIBUTION/bin/holdfast-warm-up" || warn "no warm-up: every start will take longer"
}

# The Java runtime that is shipped with it, so that what is tested is what is installed: that of the JDK, as small as Holdfast
# needs it.
add_runtime_if_needed() {
    local runtime=$DISTRIBUTION/runtime
    [[ ! $runtime -nt $JDK_25/release ]] || return 0
    rm -rf "$runtime"
    "$JDK_25/bin/jlink" --add-modules "$(IFS=, && echo "${RUNTIME_MODULES[*]}")" --strip-debug --no-header-files \
        --no-man-pages --generate-cds-archive --output "$runtime" >&2 || die "jlink made no Java runtime; see above"
    # Of the two archives, that for compressed references is used, by every heap below 32 GB.
    rm -f "$runtime"/lib/server/classes_nocoops*.jsa
}

# The Java runtime knows best whether a cache fits; the jars' times are the same after every build.
is_warm() { [[ -e $HOLDFAST_LIB/proxy.aot ]] && HOLDFAST_JAVA_OPTS=-XX:AOTMode=on "$HOLDFAST" --version > /dev/null 2>&1; }

# The version after the one that was built, in a new directory: it has another number, and the protocol of its link is one higher.
# Nothing else is different, but that it has no caches. Sets NEXT_HOLDFAST to its command: build_next_version DIRECTORY
build_next_version() {
    local next=$1 sources=$1/sources classes=$1/classes agent cli protocol protocols_file
    mkdir -p "$next/lib" "$classes"
    cp -r "$DISTRIBUTION/bin" "$next"
    ln -s "$DISTRIBUTION/runtime" "$next"
    ln -s "$HOLDFAST_LIB"/*.jar "$next/lib"

    cp -r "$REPOSITORY/checkpoint-agent/src/main/java" "$sources"
    protocols_file=$sources/io/holdfast/agent/link/LinkMessage.java
    protocol=$(sed -n 's/^ *int PROTOCOL = \([0-9]*\);$/\1/p' "$protocols_file")
    [[ -n $protocol ]] || die "no protocol of the link in $protocols_file"
    sed -i "s/ PROTOCOL = $protocol;/ PROTOCOL = $((protocol + 1));/" "$protocols_file"
    agent=$(cd "$HOLDFAST_LIB" && echo checkpoint-agent-*.jar)
    (cd "$classes" && "$JDK_25/bin/jar" --extract --file "$HOLDFAST_LIB/$agent")
    # The compiler has written the constant into all who name it.
    grep --recursive --files-with-matches --word-regexp --null PROTOCOL "$sources" \
        | xargs -0 "$JDK_25/bin/javac" -proc:none -implicit:none -sourcepath "$classes" \
            -cp "$classes:$HOLDFAST_LIB/*" -d "$classes" || die "no next version; see above"
    rm -r "$classes/META-INF"
    rm "$next/lib/$agent"
    "$JDK_25/bin/jar" --create --file "$next/lib/$agent" --manifest <(printf 'Implementation-Version: %s\n' "$NEXT_VERSION") \
        -C "$classes" .

    cli=$(cd "$HOLDFAST_LIB" && echo deploy-*.jar)
    mkdir -p "$sources/io/holdfast/cli"
    printf 'version=%s\n' "$NEXT_VERSION" > "$sources/io/holdfast/cli/version.properties"
    cp --remove-destination "$HOLDFAST_LIB/$cli" "$next/lib"
    "$JDK_25/bin/jar" --update --file "$next/lib/$cli" -C "$sources" io/holdfast/cli/version.properties
    rm -r "$sources" "$classes"
    NEXT_HOLDFAST=$next/bin/holdfast
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
