#!/usr/bin/env bash
# Makes what is installed on a host, out of the distribution: deploy/target/holdfast-VERSION-linux-ARCHITECTURE.tar.gz, to be
# unpacked anywhere, and deploy/target/holdfast_VERSION_ARCHITECTURE.deb. Both bring a Java runtime along, as small as Holdfast
# needs it, and the caches with which it starts fast.
#
#   package.sh     as root (the caches are made in a network namespace), on Debian 12 with a JDK 25
#
# Makes them only if something has changed of which they are made, and builds the distribution if need be. Prints the two paths.

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

readonly DEBIAN=$REPOSITORY/deploy/src/main/deb
ARCHITECTURE=$(dpkg --print-architecture)
readonly ARCHITECTURE
# A time that is before the build would not fit the caches, which know when the jars were made.
unset SOURCE_DATE_EPOCH

main() {
    [[ ${1:-} != --help && ${1:-} != -h ]] || { print_help && exit 0; }
    (($# == 0)) || die_of_usage "unknown argument $1"
    require_root
    prepare_build_tools
    build_if_needed
    is_warm || die "the caches could not be made; see above"
    VERSION=${DISTRIBUTION##*/holdfast-}
    DEB_VERSION=${VERSION/-/\~}
    HOME_NAME=holdfast-$VERSION-linux-$ARCHITECTURE
    TAR=$TARGET/$HOME_NAME.tar.gz
    DEB=$TARGET/holdfast_${DEB_VERSION}_$ARCHITECTURE.deb
    ! packages_are_stale || make_packages
    printf '%s\n' "$TAR" "$DEB"
}

# The package for Debian is made last.
packages_are_stale() {
    [[ -e $TAR && -e $DEB ]] || return 0
    [[ -n $(find "$REPOSITORY"/{CHANGELOG.md,NOTICE,deploy/{package.sh,control-protocol.md,pacemaker.md,examples}} "$DEBIAN" \
        "$DISTRIBUTION" -newer "$DEB" -print -quit) ]]
}

make_packages() {
    WORK=$(mktemp -d "$TARGET/package.XXXXXX")
    trap 'rm -rf "$WORK"' EXIT
    HOLDFAST_HOME=$WORK/$HOME_NAME
    cp -r --preserve=timestamps "$DISTRIBUTION" "$HOLDFAST_HOME"
    pack_tar
    pack_deb
}

pack_tar() {
    say "${TAR##*/}"
    tar --directory="$WORK" --owner=0 --group=0 --numeric-owner --create "$HOME_NAME" | gzip --fast > "$TAR"
}

pack_deb() {
    local root=$WORK/deb
    say "${DEB##*/}"
    put_files_in_place "$root"
    install -d "$root/DEBIAN"
    sed -e "s/@VERSION@/$DEB_VERSION/; s/@ARCHITECTURE@/$ARCHITECTURE/" \
        -e "s/@INSTALLED_KIB@/$(du --summarize --apparent-size "$root" | cut -f 1)/" "$DEBIAN/control" > "$root/DEBIAN/control"
    install -m 755 "$DEBIAN"/{postinst,prerm,postrm} "$root/DEBIAN"
    (cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort --zero-terminated | xargs -0 md5sum) \
        > "$root/DEBIAN/md5sums"
    # xz would take a minute for a tenth less.
    dpkg-deb --root-owner-group -Zgzip -z3 --build "$root" "$DEB" >&2
}

# Where Debian wants it: put_files_in_place ROOT
put_files_in_place() {
    local root=$1 share=$1/usr/share documents=$1/usr/share/doc/holdfast
    install -d "$root"/usr/{bin,sbin,lib/{holdfast,systemd/system,sysusers.d,ocf/resource.d/holdfast}} \
        "$share"/{holdfast,man/man1,bash-completion/completions,lintian/overrides} "$documents/examples" "$root/etc/holdfast"
    install -d -m 700 "$root/etc/holdfast/keys"

    mv "$HOLDFAST_HOME"/{bin,lib,runtime} "$root/usr/lib/holdfast"
    ln -s ../lib/holdfast/bin/holdfast "$root/usr/bin/holdfast"
    mv "$HOLDFAST_HOME"/{prometheus,grafana,guest} "$share/holdfast"
    sed '1{ /^#!/d }' "$HOLDFAST_HOME/share/bash-completion/completions/holdfast" > "$share/bash-completion/completions/holdfast"
    mv "$HOLDFAST_HOME"/share/man/man1/*.1 "$share/man/man1"
    mv "$HOLDFAST_HOME"/systemd/*.service "$root/usr/lib/systemd/system"
    mv "$HOLDFAST_HOME/systemd/holdfast.sysusers" "$root/usr/lib/sysusers.d/holdfast.conf"
    mv "$HOLDFAST_HOME/pacemaker/fence_holdfast" "$root/usr/sbin"
    mv "$HOLDFAST_HOME/pacemaker/ocf/holdfast" "$root/usr/lib/ocf/resource.d/holdfast"

    mv "$HOLDFAST_HOME"/{install,runbook}.md "$documents"
    install -m 644 "$REPOSITORY"/deploy/{control-protocol,pacemaker}.md "$documents"
    mv "$HOLDFAST_HOME/share/schemas" "$documents"
    mv "$HOLDFAST_HOME/conf/example.yaml" "$documents/examples"
    install -m 644 "$REPOSITORY"/deploy/examples/* "$documents/examples"
    install -m 644 "$DEBIAN/copyright" "$REPOSITORY/NOTICE" "$documents"
    print_changelog | gzip --best --no-name > "$documents/changelog.gz"
    gzip --best --no-name --stdout "$REPOSITORY/CHANGELOG.md" > "$documents/CHANGELOG.md.gz"
    install -m 644 "$DEBIAN/lintian-overrides" "$share/lintian/overrides/holdfast"
    gzip --best --no-name "$share"/man/man1/*.1
    find "$root" -type f ! -perm /111 -exec chmod 644 {} +
}

# As Debian's tools read it; CHANGELOG.md beside it is for people.
print_changelog() {
    printf 'holdfast (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.gz.\n\n -- %s  %s\n' \
        "$DEB_VERSION" "$(sed -n 's/^Maintainer: //p' "$DEBIAN/control")" "$(date --rfc-email)"
}

main "$@"
