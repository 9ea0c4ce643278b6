"""Keyed hashes in the place of personal values: who has no key can neither undo one nor try values against it.

The key is a KMS key for message authentication that never leaves KMS. It signs one fixed message, and what comes back
is the secret of a run: the same in every run, written nowhere. HMAC-SHA256 under it is worked out here, or by Spark
(lake/silver/pseudonyms.py) for a whole batch.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

MESSAGE = b"jozi-lake pseudonyms 1"  # another message means other pseudonyms: a rebuild
ALGORITHM = "HMAC_SHA_256"
DIGITS = 32  # hexadecimal; 128 bits, so that two of a million customers never share one
_BLOCK = 64  # bytes that SHA-256 takes at once (RFC 2104)


def secret_of(key: str, client: KMSClient | None = None) -> bytes:
    """The secret that `key` (a KMS key's id or ARN) gives. KMS's errors pass: without the secret nothing is loaded."""
    if client is None:
        import boto3

        client = boto3.client("kms")
    return bytes(client.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=ALGORITHM)["Mac"])


def pseudonym(secret: bytes, value: str) -> str:
    """What stands in silver for `value`, the text of a cell without the blanks around it."""
    return hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()[:DIGITS]


def pads(secret: bytes) -> tuple[bytes, bytes]:
    """The inner and the outer block of HMAC, with which anybody who has SHA-256 can work out a pseudonym."""
    block = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
