"""A trust domain made with openssl: not by the code under test, so that a mistake there cannot hide itself."""

import subprocess
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from pathlib import Path

_ROOT = """\
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
subjectAltName = URI:spiffe://{name}
"""

_LEAF = """\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
authorityKeyIdentifier = keyid
subjectKeyIdentifier = hash
subjectAltName = {criticality}{names}
"""


@dataclass(frozen=True)
class Svid:
    """A certificate with its key, in PEM files. `both` is key and certificate in one file, as HAProxy wants them."""

    id: str
    certificate: Path
    key: Path
    both: Path


class TrustDomain:
    """A root and what it signs. P-256 throughout."""

    def __init__(self, directory, name="example.org"):
        self.name = name
        self._directory = Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        self.bundle = self._directory / "bundle.pem"
        self._key = self._directory / "root.key"
        _new_key(self._key)
        extensions = self._write("root.ext", "[x]\n" + _ROOT.format(name=name))
        _openssl(
            "req", "-x509", "-new", "-key", self._key, "-sha256", "-days", "30", "-subj", f"/O={name}",
            "-config", self._write("req.cnf", "[req]\ndistinguished_name = dn\n[dn]\n" + extensions.read_text()),
            "-extensions", "x", "-out", self.bundle,
        )

    def id(self, service):
        """The SPIFFE ID of a service in the default namespace."""
        return f"spiffe://{self.name}/ns/default/sa/{service}"

    def svid(self, service, *, file=None, subject="/", names=None, seconds=3600):
        """An SVID that meets the profile. `names` replaces the URI SAN; `seconds` is how long it will live.

        With an empty subject the SAN is critical, as RFC 5280 4.2.1.6 wants it.
        """
        file = file or service
        key = self._directory / f"{file}.key"
        certificate = self._directory / f"{file}.crt"
        both = self._directory / f"{file}.pem"
        request = self._directory / f"{file}.csr"
        _new_key(key)
        _openssl("req", "-new", "-key", key, "-subj", subject, "-config", self._directory / "req.cnf", "-out", request)
        extensions = self._write(
            f"{file}.ext",
            _LEAF.format(criticality="critical, " if subject == "/" else "", names=names or f"URI:{self.id(service)}"),
        )
        self._sign(request, extensions, certificate, seconds)
        both.write_text(key.read_text() + certificate.read_text())
        both.chmod(0o600)
        return Svid(self.id(service), certificate, key, both)

    def _sign(self, request, extensions, certificate, seconds):
        # `openssl x509 -days` knows whole days only; `ca` takes the seconds.
        index = self._write("index.txt", "")
        Path(f"{index}.attr").write_text("unique_subject = no\n")
        config = self._write(
            "ca.cnf",
            "[ca]\ndefault_ca = c\n[c]\n"
            f"database = {index}\nrand_serial = yes\nnew_certs_dir = {self._directory}\n"
            f"certificate = {self.bundle}\nprivate_key = {self._key}\ndefault_md = sha256\npolicy = p\n"
            "[p]\ncommonName = optional\norganizationName = optional\n",
        )
        _openssl(
            "ca", "-batch", "-notext", "-config", config, "-in", request, "-extfile", extensions, "-out", certificate,
            "-startdate", _when(-10), "-enddate", _when(seconds),
        )

    def _write(self, file, text):
        path = self._directory / file
        path.write_text(text)
        return path


def _when(seconds_from_now):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds_from_now)).strftime("%Y%m%d%H%M%SZ")


def _new_key(path):
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
    path.chmod(0o600)


def _openssl(*arguments):
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
