"""Makes Java trust what this Python trusts.

A Java that came in a wheel has its own list of certificate authorities and knows nothing of those that a company's
proxy needs; pip got here with the machine's list, so Java uses the same one.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
from cryptography.utils import CryptographyDeprecationWarning

# Not a secret: a trust store holds only public certificates, but Java will not open one without a password.
_PASSWORD = "changeit"  # noqa: S105


def trust_options(cache: Path) -> list[str]:
    """Options for `java`; none when Python names no authorities (then Java's own list holds)."""
    authorities = sorted(_authorities())
    if not authorities:
        return []
    digest = hashlib.sha256(b"".join(authorities)).hexdigest()[:16]
    store = cache / "tools" / f"trust-{digest}.p12"
    if not store.is_file():
        _write(store, authorities)
    return [
        f"-Djavax.net.ssl.trustStore={store}",
        f"-Djavax.net.ssl.trustStorePassword={_PASSWORD}",
        "-Djavax.net.ssl.trustStoreType=PKCS12",
    ]


def _authorities() -> set[bytes]:
    """DER of every authority in Python's default list and in the files that pip and its like are told to use."""
    context = ssl.create_default_context()
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"):
        file = os.environ.get(name, "")
        if file and Path(file).is_file():
            context.load_verify_locations(cafile=file)
    return set(context.get_ca_certs(binary_form=True))


def _write(store: Path, authorities: list[bytes]) -> None:
    certificates = []
    for number, der in enumerate(authorities):
        try:
            with warnings.catch_warnings(action="ignore", category=CryptographyDeprecationWarning):
                certificate = x509.load_der_x509_certificate(der)
        except ValueError:
            continue  # Old roots in an encoding that is not allowed any more; nothing we reach hangs on them.
        certificates.append(PKCS12Certificate(certificate, f"authority-{number}".encode()))
    store.parent.mkdir(parents=True, exist_ok=True)
    partial = store.with_name(f"{store.name}.{os.getpid()}")
    partial.write_bytes(serialize_java_truststore(certificates, BestAvailableEncryption(_PASSWORD.encode())))
    os.replace(partial, store)
