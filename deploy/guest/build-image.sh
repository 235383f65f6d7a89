#!/usr/bin/env bash
# Makes the demonstration guest, a kernel and an initramfs with Redis in it, out of Debian packages.
#
#   build-image.sh [CACHE_DIR]        default: ${XDG_CACHE_HOME:-/var/cache}/holdfast/guest
#
# The packages are downloaded and unpacked, never installed. The result is CACHE_DIR/current/{vmlinuz,initramfs,PACKAGES};
# it is made anew only when a package version or this folder's scripts change. Images that nobody asked for in a week are
# removed. Several runs at once are safe.
# Needs: apt, dpkg-deb, cpio, gzip. Does not need root.
set -euo pipefail

SOURCE_DIR=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly SOURCE_DIR
readonly CACHE_DIR=${1:-${XDG_CACHE_HOME:-/var/cache}/holdfast/guest}

# What a virtio NIC, VLANs on it and a report of panics need, in the order in which they load.
readonly MODULES=(
    virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci
    failover net_failover virtio_net
    llc stp mrp garp 8021q
    pvpanic pvpanic-pci
)

say() { printf 'guest image: %s\n' "$*"; }

die() {
    printf 'guest image: %s\n' "$*" >&2
    exit 1
}

# The packages that `package` depends on, directly or not, as real packages.
dependencies_of() {
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
        "$1" | grep '^[a-z0-9]' | sort -u
}

# Prints one line "package version" for everything that goes into the image.
choose_packages() {
    local kernel
    # The meta package names the kernel that Debian ships today.
    kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
    [[ -n $kernel ]] || return 1
    # redis-tools carries the server's program too. Of its dependencies only libraries are of use here, and of two
    # packages with the same library (libelogind0 stands in for libsystemd0) only the usual one.
    dependencies_of redis-tools | grep '^lib' | grep -vx libelogind0 \
        | xargs apt-cache policy "$kernel" busybox-static redis-tools \
        | awk '/^[^ ]/ { package = $1; sub(":.*", "", package) }
               $1 == "Candidate:" && $2 != "(none)" && !(package in seen) { seen[package]; print package, $2 }'
}

for tool in apt-get apt-cache dpkg-deb cpio gzip flock; do
    command -v "$tool" > /dev/null || die "needs $tool, which is not installed"
done
[[ $(dpkg --print-architecture) == amd64 ]] || die "only amd64 is supported"

mkdir -p "$CACHE_DIR"
exec 9> "$CACHE_DIR/.lock"
flock 9

packages=$(choose_packages) || {
    say "the package lists are empty: updating them"
    apt-get update -qq || die "cannot update the package lists"
    packages=$(choose_packages) || die "linux-image-cloud-amd64 is unknown to apt; add Debian's main section"
}
key=$({ printf '%s\n' "$packages"; cat "$SOURCE_DIR/build-image.sh" "$SOURCE_DIR"/{init,random-service}; } | sha256sum | cut -c1-16)

if [[ -f $CACHE_DIR/$key/initramfs ]]; then
    say "$CACHE_DIR/$key is up to date"
else
    build=$(mktemp -d "$CACHE_DIR/.build.XXXXXX")
    trap 'rm -rf "$build"' EXIT
    mkdir "$build"/{packages,unpacked,root,image}

    say "downloading $(wc -l <<< "$packages") packages"
    mapfile -t pinned < <(tr ' ' '=' <<< "$packages")
    (cd "$build/packages" && apt-get download -qq -o APT::Sandbox::User=root "${pinned[@]}") \
        || die "download failed; see above"

    say "unpacking"
    for package in "$build"/packages/*.deb; do
        dpkg-deb --extract "$package" "$build/unpacked"
    done
    unpacked=$build/unpacked
    root=$build/root

    mkdir -p "$root"/{bin,dev,proc,sys,tmp,lib/modules,lib64}
    install -m 755 "$SOURCE_DIR/init" "$root/init"
    install -m 755 "$SOURCE_DIR/random-service" "$root/bin/random-service"
    install -m 755 "$unpacked/bin/busybox" "$root/bin/busybox"
    for applet in $("$unpacked/bin/busybox" --list); do
        [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
    done

    install -m 755 "$unpacked/usr/bin/redis-check-rdb" "$root/bin/redis-server"
    # The unpacked loader resolves the unpacked libraries, so that nothing of the building host gets in.
    loader=$unpacked/lib64/ld-linux-x86-64.so.2
    [[ -e $loader ]] || loader=$unpacked/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    "$loader" --library-path "$unpacked/lib/x86_64-linux-gnu:$unpacked/usr/lib/x86_64-linux-gnu" \
        --list "$root/bin/redis-server" > "$build/libraries"
    awk -v prefix="$unpacked/" 'index($3, prefix) == 1 && $1 ~ /^lib/ { print $3 }' "$build/libraries" | while read -r library; do
        install -m 644 "$library" "$root/lib/$(basename "$library")"
    done
    install -m 755 "$loader" "$root/lib64/ld-linux-x86-64.so.2"
    if grep -q -e 'not found' -e "=> /lib/" "$build/libraries"; then
        die "redis-server needs a library that is in none of the packages: $(grep -e 'not found' -e '=> /lib/' "$build/libraries")"
    fi

    for module in "${MODULES[@]}"; do
        file=$(find "$unpacked/lib/modules" -name "$module.ko" -print -quit)
        [[ -n $file ]] || die "the kernel package has no module $module.ko"
        install -m 644 "$file" "$root/lib/modules/$module.ko"
        echo "$module"
    done > "$root/lib/modules/order"

    say "packing"
    cp "$unpacked"/boot/vmlinuz-* "$build/image/vmlinuz"
    (cd "$root" && find . -print0 | sort -z | cpio --null --create --format=newc --owner=0:0 --reproducible --quiet) \
        | gzip -9 --no-name > "$build/image/initramfs"
    printf '%s\n' "$packages" > "$build/image/PACKAGES"
    rm -rf "${CACHE_DIR:?}/$key"
    mv "$build/image" "$CACHE_DIR/$key"
fi

# `current` changes in one step, so that a guest never boots a kernel with another one's modules.
ln -sfn "$key" "$CACHE_DIR/.current.new"
mv -T "$CACHE_DIR/.current.new" "$CACHE_DIR/current"
touch "$CACHE_DIR/$key"
find "$CACHE_DIR" -mindepth 1 -maxdepth 1 -type d -mtime +7 -exec rm -rf {} +

say "ready: $CACHE_DIR/current ($(head -1 "$CACHE_DIR/current/PACKAGES" | cut -d' ' -f1)," \
    "initramfs $(($(stat -Lc %s "$CACHE_DIR/current/initramfs") / 1024)) KiB)"
