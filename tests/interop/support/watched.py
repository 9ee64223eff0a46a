"""A pair of which some requests are denied, for those who watch."""

from support import sidecar
from support.app import App
from support.load import Load


class Watched:
    """`web` may call all of `orders` but `/secret`."""

    def __init__(self, case):
        app = App(case)
        web = case.trust_domain.id(sidecar.WEB)
        policy = sidecar.permit(web, sidecar.ORDERS) + (
            '@id("nobody-reads-secrets")\n@reason("Secrets are for nobody.")\n'
            'forbid(principal, action, resource in Route::"orders:/secret");\n'
        )
        self.server = sidecar.start_inbound(case, app.address, policy=policy)
        self.client = sidecar.start_outbound(case, self.server.inbound)
        self.entry = self.client.outbound[0]

    def load(self, case):
        """Some that are let in, on and on."""
        return Load(case, self.entry, threads=2)
