#!/usr/bin/env python3
"""A replication engine in Python's standard library alone, and the class by which any other drives Holdfast's wall.

    python_engine.py SOCKET TERM OWNER STATE BACKUP [INTERVAL_MS]

SOCKET       the proxy's control socket, such as /run/holdfast/redis/proxy.sock
TERM, OWNER  the right to speak for the guest: a number that grows with every change of owner, and this host's name
STATE        the file that is the guest's state
BACKUP       where its checkpoints go; what is here, a failover would resume
INTERVAL_MS  between two checkpoints; default 50

Ends when the wall no longer obeys it; what it held by then stays held. See ../control-protocol.md.

As a module:

    with Wall("/run/holdfast/redis/proxy.sock") as wall:
        wall.hello(term=1, owner="a")
        barrier = wall.barrier()           # the guest is paused, and may go on afterwards
        ship_the_checkpoint()              # returns when the backup has said that it has all of it
        wall.commit(barrier, lease_seconds=0.5)
"""

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROTOCOL = 1

# A commit that takes longer than this to arrive may meet a backup that has given this engine up.
LEASE_SECONDS = 0.5


class Refusal(Exception):
    """The wall did not do what it was told, and nothing has changed."""

    def __init__(self, error: dict[str, str]) -> None:
        super().__init__(f"{error['class']}: {error['desc']}")
        self.error_class = error["class"]


@dataclass(frozen=True)
class Barrier:
    """The end of an epoch: what the guest has sent before may leave with its commit, and not earlier."""

    epoch: int
    at_limit: bool
    monotonic_nanos: int


class Wall:
    """One connection to a proxy. The wall belongs to it, and holds everything when it ends, however that comes."""

    def __init__(self, path: str | os.PathLike[str], timeout_seconds: float = 5) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_seconds)
        self._socket.connect(os.fspath(path))
        self._lines = self._socket.makefile("r", encoding="utf-8", newline="\n")
        self._wall: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.greeting: dict[str, Any] = self._receive()["holdfast"]
        if self.greeting["protocol"] != PROTOCOL:
            raise ConnectionError(f"{path} speaks protocol {self.greeting['protocol']}, not {PROTOCOL}")

    def __enter__(self) -> "Wall":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def hello(self, term: int, owner: str, claim: str = "promotion", **more: Any) -> dict[str, Any]:
        """Makes this connection the wall's engine."""
        answer = self.execute("hello", term=term, owner=owner, claim=claim, **more)
        self._wall = {"incarnation": answer["incarnation"], "term": answer["term"]}
        return answer

    def barrier(self) -> Barrier:
        """Closes the open epoch. Only while the guest is paused."""
        answer = self.execute("barrier", **self._wall)
        return Barrier(answer["epoch"], answer["at_limit"], answer["monotonic_nanos"])

    def commit(self, barrier: Barrier, lease_seconds: float) -> int:
        """Lets an epoch leave, once the backup itself has said that it has the whole checkpoint; returns the frontier."""
        lease_until = barrier.monotonic_nanos + round(lease_seconds * 1e9)
        return self.execute("commit", **self._wall, epoch=barrier.epoch, lease_until_nanos=lease_until)["frontier"]

    def open(self, reason: str) -> None:
        """Lets everything leave at once, unprotected, until the next barrier. An engine must have the right to."""
        self.execute("open", **self._wall, reason=reason)

    def suspend(self, reason: str) -> None:
        """Lets nothing leave until the next commit; for when the backup is lost."""
        self.execute("suspend", **self._wall, reason=reason)

    def execute(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Any command of the protocol; events that come in between are kept in `events`."""
        request = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        while "event" in (answer := self._receive()):
            self.events.append(answer)
        if "error" in answer:
            raise Refusal(answer["error"])
        return answer["return"]

    def _receive(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise ConnectionError("the proxy has ended the connection")
        return json.loads(line)


def checkpoints(wall: Wall, state: Path, backup: Path) -> Iterator[str]:
    """Takes one checkpoint after the other, and says of each what came of it. The order is the guarantee."""
    coming = backup.with_name(backup.name + ".new")
    while True:
        barrier = wall.barrier()  # A guest that can be paused is paused before this, and goes on after the copy.
        shutil.copyfile(state, coming)
        confirm(coming, backup)
        try:
            wall.commit(barrier, LEASE_SECONDS)
            yield f"epoch {barrier.epoch} may leave"
        except Refusal as refusal:
            if refusal.error_class != "LeaseExpired":
                raise
            yield f"epoch {barrier.epoch} came too late and stays held until the next: {refusal}"


def confirm(coming: Path, backup: Path) -> None:
    """The checkpoint is complete, and on disk, before it takes the place of the one that was good."""
    with coming.open("rb") as file:
        os.fsync(file.fileno())
    coming.replace(backup)


def main(arguments: list[str]) -> int:
    if len(arguments) not in (5, 6):
        print(__doc__, file=sys.stderr)
        return 2
    path, term, owner, state, backup = arguments[:5]
    interval_seconds = int(arguments[5] if len(arguments) > 5 else 50) / 1000
    try:
        with Wall(path) as wall:
            answer = wall.hello(int(term), owner)
            say(f"the wall is {answer['state']}, epoch {answer['epoch']} is open")
            for outcome in checkpoints(wall, Path(state), Path(backup)):
                say(outcome)
                time.sleep(interval_seconds)
    except (OSError, Refusal) as failure:
        say(str(failure))
    return 1


def say(text: str) -> None:
    print(f"python-engine: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
