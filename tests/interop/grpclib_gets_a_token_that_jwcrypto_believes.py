"""A gRPC library in pure Python, and a JOSE library that none of ours uses, at an authority's socket."""

import asyncio
import json

from grpclib import GRPCError
from grpclib import Status
from grpclib.client import Channel
from grpclib.client import UnaryStreamMethod
from grpclib.client import UnaryUnaryMethod
from jwcrypto import jwk
from jwcrypto import jwt
from jwcrypto.jws import InvalidJWSSignature
from spiffe._proto import workload_pb2 as messages
from support.authority import DOMAIN
from support.authority import spiffe_id
from support.programs_names import Names
from support.programs_names import user

MEANT = {"workload.spiffe.io": "true"}
SERVICE = "/SpiffeWorkloadAPI"


def test(case):
    names = Names(case)
    names.enter("web", user())
    asyncio.run(talk(names))


async def talk(names):
    channel = Channel(path=str(names.socket))
    try:
        svids = UnaryStreamMethod(
            channel, f"{SERVICE}/FetchX509SVID", messages.X509SVIDRequest, messages.X509SVIDResponse
        )
        bundles = UnaryStreamMethod(
            channel, f"{SERVICE}/FetchJWTBundles", messages.JWTBundlesRequest, messages.JWTBundlesResponse
        )
        mint = UnaryUnaryMethod(
            channel, f"{SERVICE}/FetchJWTSVID", messages.JWTSVIDRequest, messages.JWTSVIDResponse
        )
        async with svids.open(timeout=20) as unmeant:
            await unmeant.send_message(messages.X509SVIDRequest(), end=True)
            assert await code(end(unmeant)) == Status.INVALID_ARGUMENT

        wanted = messages.JWTSVIDRequest(audience=["orders"])
        assert await code(mint(wanted, timeout=20)) == Status.INVALID_ARGUMENT
        minted = await mint(wanted, timeout=20, metadata=MEANT)
        token = minted.svids[0].svid
        assert (minted.svids[0].spiffe_id, minted.svids[0].hint) == (spiffe_id("web"), "web")
        nobody = messages.JWTSVIDRequest()
        assert await code(mint(nobody, timeout=20, metadata=MEANT)) == Status.INVALID_ARGUMENT
        async with bundles.open(timeout=20, metadata=MEANT) as stream:
            await stream.send_message(messages.JWTBundlesRequest(), end=True)
            told = await stream.recv_message()
            await stream.cancel()
        check(token, told.bundles[f"spiffe://{DOMAIN}"])

        async with svids.open(timeout=60, metadata=MEANT) as stream:
            await stream.send_message(messages.X509SVIDRequest(), end=True)
            first = await stream.recv_message()
            assert [svid.spiffe_id for svid in first.svids] == [spiffe_id("web")]
            await asyncio.to_thread(names.delete, "web")
            assert await code(end(stream)) == Status.PERMISSION_DENIED
    finally:
        channel.close()


def check(token, document):
    """As anybody would who has the bundle."""
    published = json.loads(document)["keys"]
    assert [(key["use"], key["kty"], key["crv"]) for key in published] == [("jwt-svid", "EC", "P-256")], published
    # What SPIFFE calls this use, libraries that know of JOSE only do not know: to them it is for something else.
    plain = [{name: value for name, value in key.items() if name != "use"} for key in published]
    keys = jwk.JWKSet.from_json(json.dumps({"keys": plain}))
    believed = jwt.JWT(jwt=token, key=keys, check_claims={"aud": "orders", "sub": spiffe_id("web"), "exp": None})
    claims = json.loads(believed.claims)
    assert set(claims) == {"aud", "exp", "iat", "sub"}, claims
    assert claims["exp"] - claims["iat"] == 300, claims
    header = json.loads(believed.header)
    assert header["alg"] == "ES256" and keys.get_key(header["kid"]), header
    other = jwk.JWKSet()
    other.add(jwk.JWK.generate(kty="EC", crv="P-256", kid=header["kid"]))
    try:
        jwt.JWT(jwt=token, key=other)
    except (jwt.JWTMissingKey, InvalidJWSSignature):
        return
    raise AssertionError("another key's token was believed")


async def end(stream):
    """Waits for the end of a stream, which is no message, and for the status that comes with it."""
    message = await stream.recv_message()
    assert message is None, message
    await stream.recv_trailing_metadata()


async def code(call):
    """The code of a call that must fail."""
    try:
        answer = await call
    except GRPCError as error:
        return error.status
    raise AssertionError(f"it was answered: {answer}")
