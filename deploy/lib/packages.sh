# shellcheck shell=bash disable=SC2034,SC2154 # the scripts that source this use, and set, some of the variables
# What must be installed before anything can run: Debian packages, which are installed, and a JDK 25, which is asked for.

readonly LAB_PACKAGES=(
    qemu-system-x86 # the guest
    libpcap0.8      # the proxy's port
    iproute2 nftables ethtool
    jq socat redis-tools bsdextrautils # what talks and shows
    cpio gzip # the guest image
    gcc libc6-dev # guest/build-tracker.sh: with the library that it builds, the agent finds changed memory faster
)
readonly ARBITER_PACKAGES=(etcd-server)
readonly PACEMAKER_PACKAGES=(
    fence-agents resource-agents openssh-server # what the agents for Pacemaker need
    iputils-ping libxml2-utils xsltproc # what looks at them as their own projects do
)
readonly ALERT_PACKAGES=(prometheus) # promtool
readonly BROWSER_PACKAGES=(chromium chromium-driver) # what looks at the status page
readonly MACHINE_TOOLS=(mmdebstrap lintian) # what makes a clean Debian, and looks at a package
readonly TEST_PACKAGES=(
    man-db groff-base # the manual pages, as their readers see them
    redis-server tcpdump tshark iputils-ping busybox-static shellcheck pyflakes3
    "${ARBITER_PACKAGES[@]}" "${PACEMAKER_PACKAGES[@]}" "${ALERT_PACKAGES[@]}"
    "${BROWSER_PACKAGES[@]}" "${MACHINE_TOOLS[@]}"
)

# What builds Holdfast: any Maven from 3.8.7 on, and a JDK 25.
prepare_build_tools() {
    command -v mvn > /dev/null || install_missing_packages maven
    find_jdk_25
}

# Installs those of the packages named that are missing, and says which.
install_missing_packages() {
    local package missing=()
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]} > 0)) || return 0

    say "installing Debian packages: ${missing[*]}"
    command -v apt-get > /dev/null || die "there is no apt-get; install yourself: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 || die "apt-get update failed"
    apt-get install -y -qq --no-install-recommends "${missing[@]}" < /dev/null >&2 \
        || die "could not install: ${missing[*]}"
}

is_installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2> /dev/null) == installed ]]
}

# Sets JDK_25 to the home of a JDK 25 or newer, from JAVA_HOME, PATH or /usr/lib/jvm.
find_jdk_25() {
    local candidate
    for candidate in "${JAVA_HOME:-/nonexistent}" "$(home_of_java_in_path)" /usr/lib/jvm/*; do
        if [[ -x $candidate/bin/javac ]] && (($(major_version_of "$candidate") >= 25)); then
            JDK_25=$candidate
            return
        fi
    done
    warn "no JDK 25 in JAVA_HOME, PATH or /usr/lib/jvm, and Debian 12 has no package of it."
    die "Install for example temurin-25-jdk as https://adoptium.net/installation/linux/ says, and start again."
}

home_of_java_in_path() {
    local java
    java=$(command -v javac) && dirname "$(dirname "$(readlink -f "$java")")"
}

# Debian's and everybody else's `release` file has a line JAVA_VERSION="25.0.3".
major_version_of() {
    local version
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release" 2> /dev/null)
    printf '%d' "${version:-0}"
}

require_root() { ((EUID == 0)) || die "needs root, for network namespaces and taps"; }
