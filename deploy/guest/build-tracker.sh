#!/usr/bin/env bash
# Builds holdfast-track.so, with which the agent finds changed memory faster, and prints where it is. Prints nothing if there
# is no compiler: then the agent compares all memory.
#
#   build-tracker.sh          for QEMU's LD_PRELOAD; see holdfast-track.c
set -euo pipefail

SOURCE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)/holdfast-track.c
CACHE_DIR=${XDG_CACHE_HOME:-/var/cache}/holdfast/guest

if ! compiler=$(command -v cc); then
    printf 'tracker: no C compiler (apt-get install gcc libc6-dev): changed memory will be found by comparison\n' >&2
    exit 0
fi
built=$CACHE_DIR/holdfast-track-$(sha256sum "$SOURCE" | cut -c1-16).so
if [[ ! -e $built ]]; then
    mkdir -p "$CACHE_DIR"
    temporary=$(mktemp "$CACHE_DIR/.track.XXXXXX")
    trap 'rm -f "$temporary"' EXIT
    "$compiler" -O2 -Wall -Wextra -Werror -shared -fPIC -o "$temporary" "$SOURCE" >&2
    chmod 755 "$temporary"
    mv "$temporary" "$built"
fi
printf '%s\n' "$built"
