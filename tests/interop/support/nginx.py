"""nginx from Debian: as an app, and as a peer that speaks mutual TLS."""

_CONFIG = """\
daemon off;
worker_processes 1;
error_log {directory}/{name}.error info;
pid {directory}/{name}.pid;
events {{ worker_connections 1024; }}
http {{
    access_log {directory}/{name}.access;
    client_body_temp_path {directory}/{name}.body;
    proxy_temp_path {directory}/{name}.proxy;
    fastcgi_temp_path {directory}/{name}.fastcgi;
    uwsgi_temp_path {directory}/{name}.uwsgi;
    scgi_temp_path {directory}/{name}.scgi;
{http}
}}
"""


class Nginx:
    """A running nginx with one server."""

    def __init__(self, case, name, http, address):
        config = case.write(f"{name}.conf", _CONFIG.format(directory=case.directory, name=name, http=http))
        self.address = address
        self._access = case.directory / f"{name}.access"
        self.program = case.start(name, ["nginx", "-e", "stderr", "-p", case.directory, "-c", config])
        self.program.listens_on(address)

    def served(self):
        """The lines of the access log."""
        return self._access.read_text().splitlines()


def app(case, options=""):
    """A plaintext app whose answer also shows who it was told the caller is."""
    address = case.address()
    http = f"""
    server {{
        listen {address};
        {options}
        location / {{ return 200 "nginx was here caller=$http_x_portreeve_caller"; }}
    }}"""
    return Nginx(case, "nginx-app", http, address)


def mutual_tls_server(case, svid, http2=True):
    """A far side that is not portreeve: an SVID, callers' certificates required, TLS 1.3 only."""
    address = case.address()
    http = f"""
    server {{
        listen {address} ssl{" http2" if http2 else ""};
        ssl_protocols TLSv1.3;
        ssl_certificate {svid.certificate};
        ssl_certificate_key {svid.key};
        ssl_client_certificate {case.trust_domain.bundle};
        ssl_verify_client on;
        location / {{ return 200 "nginx was here verify=$ssl_client_verify protocol=$server_protocol"; }}
    }}"""
    return Nginx(case, "nginx-server", http, address)
