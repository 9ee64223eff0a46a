"""What a contestant is asked for, and what it gives back."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Terms:
    """What is the same for every pair of a round.

    `cpu` is a list of cores as `taskset` reads it. With `http2`, callers and app speak HTTP/2 in the clear.
    """

    cpu: str = "0"
    workers: int = 1
    http2: bool = False


@dataclass(frozen=True)
class Side:
    """One sidecar of a pair: its process and the file its records go to (none if it keeps none)."""

    pid: int
    records: Path | None


@dataclass(frozen=True)
class Ends:
    """Addresses and identities of a pair: at `near` it takes requests, at `far` from whoever proves to be `web`."""

    near: str
    far: str
    web: object
    orders: object
    bundle: Path


@dataclass(frozen=True)
class Running:
    """A pair. `between` is the ALPN protocol that the two sidecars speak with each other."""

    at: Ends
    between: str
    client: Side
    server: Side
    programs: tuple

    @property
    def entry(self):
        """Where the app of the client connects."""
        return self.at.near

    @property
    def sides(self):
        """Both, by name."""
        return {"client": self.client, "server": self.server}


def ends(case):
    """New addresses, and SVIDs that also have a common name, for peers that look at nothing else."""
    web = case.trust_domain.svid("web", subject="/CN=web")
    orders = case.trust_domain.svid("orders", subject="/CN=orders")
    return Ends(case.address(), case.address(), web, orders, case.trust_domain.bundle)
