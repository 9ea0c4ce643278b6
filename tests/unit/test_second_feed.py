"""Adding a feed is adding a yaml: the front desk, the ledger and the commands know it from its contract alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lake.catalog import silver_tables
from lake.contracts import Contract, load_contracts
from lake.entries import PENDING
from lake.intake import Intake
from tests.feeds import customers_csv, with_customers

from .flow_fakes import World, object_event, orders_csv
from .stack import properties, text


def lacking(contracts: dict[str, Contract], crawler: dict[str, Any], role: str) -> list[str]:
    """What template.yaml has to get for these contracts, in words. CloudFormation cannot read a contract."""
    words = []
    targets = {text(target["Path"]) for target in crawler["Targets"]["S3Targets"]}
    for contract in contracts.values():
        folder = contract.folder
        path = "s3://${BronzeBucket}/" + folder
        if path not in targets:
            words.append(f"BronzeCrawler: add {{Path: !Sub '{path}'}} to Targets, for contract {contract.name}")
        if f"${{BronzeBucket.Arn}}/{folder}*" not in role or f"'{folder}*'" not in role:
            words.append(f"BronzeCrawlerRole: let it list and read {folder}*, for contract {contract.name}")
        targets.discard(path)
    return words + [f"BronzeCrawler: {path} is the folder of no contract" for path in sorted(targets)]


def role_text() -> str:
    policy = properties("BronzeCrawlerRole")["Policies"][0]["PolicyDocument"]
    return str(
        [[str(s.get("Condition")), text(s["Resource"])] for s in policy["Statement"] if "s3" in str(s["Action"])]
    )


def test_the_template_reads_the_folders_of_the_contracts() -> None:
    assert lacking(load_contracts(), properties("BronzeCrawler"), role_text()) == []


def test_what_the_template_lacks_for_a_new_feed_is_said_in_words(tmp_path: Path) -> None:
    assert lacking(with_customers(tmp_path), properties("BronzeCrawler"), role_text()) == [
        "BronzeCrawler: add {Path: !Sub 's3://${BronzeBucket}/customers/'} to Targets, for contract customers",
        "BronzeCrawlerRole: let it list and read customers/*, for contract customers",
    ]


def test_files_of_both_feeds_are_told_apart_whatever_their_names_and_wait_for_one_run(
    world: World, tmp_path: Path
) -> None:
    world.contracts = with_customers(tmp_path)
    keys = {
        "customers/march.csv": customers_csv("C-1;Zoë;05/03/2018;12;yes"),
        "orders/customers.csv": orders_csv(1),
        "elsewhere/x": customers_csv("C-2;Ann;06/03/2018;1;no"),
    }
    intake = Intake(world.flow())

    entries = [intake.accept(object_event(key, world.objects.put(key, data)))[0] for key, data in keys.items()]
    intake.finish(entries)

    assert [(entry.state, entry.contract) for entry in entries] == [
        (PENDING, "customers"),
        (PENDING, "orders"),
        (PENDING, "customers"),
    ]
    assert entries[0].facts is not None
    assert (entries[0].facts.delimiter, entries[0].facts.encoding) == (";", "cp1252")
    assert "lies outside customers/" in str(entries[2].reason)
    assert len(world.jobs.runs) == 1


def test_a_file_of_neither_is_told_what_both_look_like(world: World, tmp_path: Path) -> None:
    world.contracts = with_customers(tmp_path)
    version = world.objects.put("orders/x.csv", b"Customer No.;First name;Visits\nC-1;Ann;3\n")

    [entry] = Intake(world.flow()).accept(object_event("orders/x.csv", version))

    assert entry.state == "REJECTED"
    assert "looks like customers, but has no column for 'since'" in str(entry.reason)


def test_the_sweep_looks_after_the_tables_of_a_new_feed(tmp_path: Path) -> None:
    assert {"customers", "customers_history", "quarantine_history"} <= set(silver_tables(with_customers(tmp_path)))
