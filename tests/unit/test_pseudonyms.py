"""Keyed hashes: HMAC-SHA256 by its definition, and a secret that only KMS can give."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws

from lake.contracts import load_contracts
from lake.pseudonyms import pads, pseudonym, secret_of
from lake.silver.pseudonyms import INNER, OUTER, columns

SECRET = bytes(range(32))


def refuse() -> bytes:
    raise AssertionError("nothing is hidden, so nobody may ask for the key")


def test_a_pseudonym_is_the_beginning_of_an_hmac() -> None:
    # RFC 4231, test case 2: the key "Jefe" and this question.
    assert pseudonym(b"Jefe", "what do ya want for nothing?") == "5bdcc146bf60754e6a042426089575c7"


@pytest.mark.parametrize("secret", [SECRET, b"x" * 64, b"a key longer than a block of SHA-256" * 3])
def test_who_has_the_pads_and_sha_256_finds_the_same(secret: bytes) -> None:
    inner, outer = pads(secret)

    found = hashlib.sha256(outer + hashlib.sha256(inner + "Zoë-7".encode()).digest()).hexdigest()

    assert found.startswith(pseudonym(secret, "Zoë-7"))


def test_the_secret_of_a_key_stays_the_same_and_another_key_gives_another() -> None:
    with mock_aws():
        kms = boto3.client("kms", region_name="us-east-1")
        keys = [
            kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"] for _ in range(2)
        ]

        first, again, other = (secret_of(key, kms) for key in (keys[0], keys[0], keys[1]))

    assert first == again != other


def test_the_frame_of_facts_carries_the_pads_where_a_contract_hides_a_column() -> None:
    orders = load_contracts()["orders"]

    assert columns(orders, lambda: SECRET) == dict(zip((INNER, OUTER), pads(SECRET), strict=True))


def test_a_contract_that_hides_nothing_asks_for_no_key() -> None:
    orders = load_contracts()["orders"]
    open_book = replace(orders, fields=tuple(replace(field, pseudonymise="none") for field in orders.fields))

    assert columns(open_book, refuse) == {}


def test_without_a_key_nothing_is_loaded_in_the_plain() -> None:
    with pytest.raises(ValueError, match="contract orders wants pseudonyms for customer_id, and there is no key"):
        columns(load_contracts()["orders"], None)
