"""Envoy, with the filters that do what portreeve does: RBAC on the peer's SPIFFE ID, XFCC, HTTP/2 between the two."""

import json
import sys

from contestants.pair import Running
from contestants.pair import Side
from contestants.pair import ends
from place import VENV

_TYPE = "type.googleapis.com/envoy.extensions"
_FIELDS = {
    "time": "%START_TIME%",
    "id": "%REQ(X-REQUEST-ID)%",
    "caller": "%DOWNSTREAM_PEER_URI_SAN%",
    "source": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "method": "%REQ(:METHOD)%",
    "host": "%REQ(:AUTHORITY)%",
    "path": "%PATH(NQ)%",
    "status": "%RESPONSE_CODE%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
    "reason": "%RESPONSE_CODE_DETAILS%",
}


def envoy(case, app, terms, log=True):
    """No admin port, no hot restart: nothing runs that the others do not have."""
    at = ends(case)
    trusted = {"trusted_ca": {"filename": str(at.bundle)}}
    server = _start(
        case, "server", terms,
        _listener(case, at.far, log, filters=[_rbac(at.web.id)], forward_client_cert_details="SANITIZE_SET",
                  set_current_client_cert_details={"uri": True, "subject": True},
                  tls=_tls("Downstream", at.orders, trusted, require_client_certificate=True,
                           disable_stateless_session_resumption=True)),
        _cluster(app, http2=terms.http2),
    )
    names = [{"san_type": "URI", "matcher": {"exact": at.orders.id}}]
    client = _start(
        case, "client", terms,
        _listener(case, at.near, log),
        _cluster(at.far, http2=True, tls=_tls(
            "Upstream", at.web, {**trusted, "match_typed_subject_alt_names": names}, max_session_keys=0)),
    )
    server.listens_on(at.far)
    client.listens_on(at.near)
    sides = [Side(program.pid, case.directory / f"{program.name}.access" if log else None) for program in (client, server)]
    return Running(at, "h2", *sides, (client, server))


def _start(case, name, terms, listener, cluster):
    text = json.dumps({"static_resources": {"listeners": [listener(name)], "clusters": [cluster]}}, indent=1)
    config = case.write(f"{name}.json", text)
    # Records are written in blocks of 64 KiB, as nginx does it, and at least once a second.
    return case.start(
        name, [binary(), "-c", config, "--concurrency", terms.workers, "--disable-hot-restart", "--log-level", "error",
               "--file-flush-interval-msec", 1000], cpu=terms.cpu,
    )


def binary():
    """Where `benches/setup` has put it."""
    found = sorted(VENV.glob("lib/python*/site-packages/envoy/_bin/envoy"))
    if not found:
        sys.exit(f"there is no envoy in {VENV}: `benches/setup` installs it")
    return found[0]


def _listener(case, address, log, filters=(), tls=None, **more):
    def named(name):
        router = {"name": "router", "typed_config": {
            "@type": f"{_TYPE}.filters.http.router.v3.Router", "suppress_envoy_headers": True}}
        routes = [{"match": {"prefix": "/"}, "route": {"cluster": "next", "timeout": "60s"}}]
        manager = {
            "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": name,
            "codec_type": "AUTO",
            "normalize_path": True,
            "merge_slashes": True,
            "http_filters": [*filters, router],
            "http2_protocol_options": {"max_concurrent_streams": 256},
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
            **more,
        }
        if log:
            manager["access_log"] = [{"name": "file", "typed_config": {
                "@type": f"{_TYPE}.access_loggers.file.v3.FileAccessLog",
                "path": str(case.directory / f"{name}.access"), "log_format": {"json_format": _FIELDS}}}]
        chain = {"filters": [{"name": "http", "typed_config": manager}]}
        if tls:
            chain["transport_socket"] = tls
        return {"name": name, "address": _address(address), "tcp_backlog_size": 4096, "filter_chains": [chain]}

    return named


def _cluster(address, http2, tls=None):
    protocol = {"http2_protocol_options": {}} if http2 else {"http_protocol_options": {}}
    # Without this a thousand requests under way are refused more.
    plenty = {name: 100_000 for name in ("max_connections", "max_pending_requests", "max_requests")}
    cluster = {
        "name": "next",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [plenty]},
        "load_assignment": {"cluster_name": "next", "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": _address(address)}}]}]},
        "typed_extension_protocol_options": {f"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": f"{_TYPE}.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": protocol}},
    }
    if tls:
        cluster["transport_socket"] = tls
    return cluster


def _tls(which, svid, validation, **more):
    files = {"certificate_chain": {"filename": str(svid.certificate)}, "private_key": {"filename": str(svid.key)}}
    alpn = ["h2", "http/1.1"] if which == "Downstream" else ["h2"]
    return {"name": "tls", "typed_config": {
        "@type": f"{_TYPE}.transport_sockets.tls.v3.{which}TlsContext",
        "common_tls_context": {
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
            "tls_certificates": [files],
            "validation_context": validation,
            "alpn_protocols": alpn,
        },
        **more,
    }}


def _rbac(caller):
    methods = [{"header": {"name": ":method", "string_match": {"exact": method}}} for method in ("GET", "POST")]
    policy = {
        "permissions": [{"or_rules": {"rules": methods}}],
        "principals": [{"authenticated": {"principal_name": {"exact": caller}}}],
    }
    return {"name": "rbac", "typed_config": {
        "@type": f"{_TYPE}.filters.http.rbac.v3.RBAC", "rules": {"action": "ALLOW", "policies": {"web": policy}}}}


def _address(address):
    host, port = address.rsplit(":", 1)
    return {"socket_address": {"address": host, "port_value": int(port)}}
