#!/usr/bin/env python3
"""Stands in the place of qemu-system-x86_64: starts it, and takes checkpoints of the guest behind Holdfast's wall.

    HOLDFAST_SOCKET=/run/holdfast/redis/proxy.sock HOLDFAST_TERM=1 HOLDFAST_OWNER=a \\
        HOLDFAST_CHECKPOINT=/mnt/backup/redis.checkpoint qemu_wrapper.py -m 128 -netdev tap,ifname=tap0,vhost=off,... ...

HOLDFAST_SOCKET      the control socket of the proxy whose guest port is the tap of these arguments
HOLDFAST_TERM        a number that grows with every change of owner
HOLDFAST_OWNER       this host's name
HOLDFAST_CHECKPOINT  a file that outlives this host. A failover resumes it: qemu-system-x86_64 ... -incoming 'exec:cat FILE',
                     and then `cont` on its monitor
HOLDFAST_INTERVAL    seconds between two checkpoints; default 0.2
QEMU                 default qemu-system-x86_64

Ends when QEMU does, with its exit code, and ends QEMU when the wall no longer obeys, or when it is told to end (SIGTERM).

What it does not do: the guest stands still while all of its memory is written (Holdfast's own agent writes what has changed), and
has to have no disk that it writes to. Nobody looks whether this host lives; who resumes the checkpoint must have made sure that it
does not, and says `hello` with a higher term to the wall there, and `open`.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from python_engine import Refusal, Wall, confirm

# Who takes the guest over by hand has taken longer to make sure that this host is dead.
LEASE_SECONDS = 5

# The file is local or on a network; a guest that writes to its memory meanwhile cannot hold it up, for it stands still.
NO_LIMIT_BYTES_PER_SECOND = 1 << 40
POLL_SECONDS = 0.005


class Monitor:
    """One connection to QEMU's monitor (QMP)."""

    def __init__(self, path: Path, qemu: subprocess.Popen[bytes]) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        while True:
            try:
                self._socket.connect(os.fspath(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if qemu.poll() is not None:
                    raise ConnectionError("QEMU has ended at once") from None
                time.sleep(POLL_SECONDS)
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._lines.readline()  # Its greeting.
        self.execute("qmp_capabilities")
        self.execute("migrate-set-parameters", **{"max-bandwidth": NO_LIMIT_BYTES_PER_SECOND})

    def execute(self, command: str, **arguments: Any) -> Any:
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while line := self._lines.readline():
            answer = json.loads(line)
            if "error" in answer:
                raise ConnectionError(f"QEMU refuses {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise ConnectionError("QEMU has ended")

    def write_state(self, file: Path) -> None:
        """Writes memory and devices of a guest that stands still."""
        self.execute("migrate", uri=f"exec:cat > {shlex.quote(os.fspath(file))}")
        while (status := self.execute("query-migrate")["status"]) != "completed":
            if status in ("failed", "cancelled"):
                raise ConnectionError(f"the guest's state is not written to {file}: {status}")
            time.sleep(POLL_SECONDS)


def take_checkpoint(wall: Wall, guest: Monitor, file: Path) -> None:
    """Pause, barrier, copy, resume, confirm, commit: the order is the guarantee."""
    coming = file.with_name(file.name + ".new")
    guest.execute("stop")
    barrier = wall.barrier()
    guest.write_state(coming)
    if not barrier.at_limit:  # Otherwise there is no room for what the guest would send.
        guest.execute("cont")
    confirm(coming, file)
    try:
        wall.commit(barrier, LEASE_SECONDS)
    except Refusal as refusal:
        if refusal.error_class != "LeaseExpired":
            raise
        print(f"qemu-wrapper: epoch {barrier.epoch} stays held until the next: {refusal}", file=sys.stderr, flush=True)
    if barrier.at_limit:
        guest.execute("cont")


def main(arguments: list[str]) -> int:
    environment = os.environ
    file = Path(environment["HOLDFAST_CHECKPOINT"])
    interval_seconds = float(environment.get("HOLDFAST_INTERVAL", "0.2"))
    with tempfile.TemporaryDirectory() as directory, Wall(environment["HOLDFAST_SOCKET"]) as wall:
        wall.hello(int(environment["HOLDFAST_TERM"]), environment["HOLDFAST_OWNER"])
        monitor = Path(directory, "monitor")
        command = [environment.get("QEMU", "qemu-system-x86_64"), *arguments, "-qmp", f"unix:{monitor},server=on,wait=off"]
        with subprocess.Popen(command) as qemu:
            signal.signal(signal.SIGTERM, lambda *_: qemu.terminate())
            try:
                guest = Monitor(monitor, qemu)
                while qemu.poll() is None:
                    take_checkpoint(wall, guest, file)
                    time.sleep(interval_seconds)
            except (OSError, Refusal) as failure:
                print(f"qemu-wrapper: {failure}", file=sys.stderr, flush=True)
            finally:
                qemu.terminate()
        return qemu.returncode


if __name__ == "__main__":
    missing = [name for name in ("SOCKET", "TERM", "OWNER", "CHECKPOINT") if f"HOLDFAST_{name}" not in os.environ]
    if missing:
        sys.exit(f"{__doc__}\nMissing: {', '.join('HOLDFAST_' + name for name in missing)}")
    sys.exit(main(sys.argv[1:]))
