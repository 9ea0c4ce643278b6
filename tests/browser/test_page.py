"""The page in a browser: a file dropped and arriving, filters, the way behind a cause, keyboard, phone, its cost."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

from dashboard import questions
from dashboard.port import AwsPort
from tests.e2e.conftest import Lake

from .conftest import DESKTOP, PHONE, Visitor

NASTY = "<img src=x onerror=alert(1)> $x^2$ **bold** :red[x].csv"
CAUSE = {
    "outcome": "late_delivery",
    "dimension_1": "area",
    "value_1": "E",
    "dimension_2": "order_hour",
    "value_2": "21",
}


def test_a_file_that_is_refused_shows_its_reason_and_its_name_stays_text(visitor: Visitor, tmp_path: Path) -> None:
    file = tmp_path / NASTY
    file.write_text("item,price\nflour,20\n")
    visitor.open()

    visitor.drop(file)

    visitor.until(lambda: "REJECTED" in visitor.text, "the refusal", seconds=120)
    visitor.open()
    assert f"orders/{NASTY}" in visitor.text
    assert not visitor.all("[data-testid=stMain] img, [data-testid=stMain] .katex")


def test_a_dropped_file_shows_its_way_and_arrives_in_the_figures(visitor: Visitor, two_years: Path, lake: Lake) -> None:
    orders = lake.one("select sum(orders) from jozi_dev_gold.monthly_performance")[0]

    assert f"Of {int(str(orders)):,} orders" in visitor.headline
    assert "200,000 rows in" in visitor.text
    assert "It shows all that silver holds." in visitor.text


def test_a_period_changes_the_figures_to_those_of_that_month(visitor: Visitor, two_years: Path, lake: Lake) -> None:
    visitor.open()
    orders, late = lake.one(
        "select sum(orders), cast(sum(late_order_to_door) as double) / sum(order_to_door_timed)"
        " from jozi_dev_gold.delivery_performance where date_format(order_date, '%Y-%m') = '2025-03'"
    )

    visitor.choose("Period", "2025-03")

    share = f"{float(str(late)):.1%}".replace("%", " %")
    sentence = f"Of {int(str(orders)):,} orders, {share}"
    visitor.until(lambda: sentence in visitor.headline, f"the month's headline: {sentence}")


def test_the_page_shows_the_causes_that_lake_causes_prints_in_the_same_order(
    visitor: Visitor, two_years: Path, lake: Lake
) -> None:
    told = lake.json("causes", "--outcome", "late_delivery")["causes"]
    visitor.open()

    visitor.choose("What went wrong", "Late on the road")

    visitor.settled()
    shown = visitor.until(lambda: [e.text for e in visitor.all(".cause p:first-child")], "the causes")
    assert told
    assert shown[:10] == [row["evidence"] for row in told][:10]
    visitor.picture("dashboard.png", DESKTOP)


def test_behind_a_cause_are_its_orders(visitor: Visitor, two_years: Path) -> None:
    visitor.open()
    visitor.choose("Period", "2025-03")  # other tests of the session may have left newer months
    visitor.settled()
    visitor.choose("What went wrong", "Late on the road")
    visitor.settled()

    button = next(b for b in visitor.all("button") if b.text == "Show the orders behind cause 1")
    button.click()

    visitor.until(lambda: "Orders behind this cause on 2025-03-" in visitor.text, "the orders")


def test_the_keyboard_alone_reaches_the_filters_and_the_tables(visitor: Visitor, two_years: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    visitor.open()
    visitor.settled()
    reached: list[str] = []
    for _ in range(40):
        visitor.driver.switch_to.active_element.send_keys(Keys.TAB)
        active = visitor.driver.switch_to.active_element
        reached.append(active.get_attribute("aria-label") or active.text)
        if active.tag_name == "summary":
            break

    active.send_keys(Keys.ENTER)

    assert {"Both clocks", "Drop a file", "Period", "Area"} <= set(reached), reached
    visitor.until(lambda: visitor.all("details[open] table caption"), "the table to open")


def test_every_chart_has_words_and_every_table_a_caption_and_heads(visitor: Visitor, two_years: Path) -> None:
    visitor.open()
    visitor.settled()

    charts = visitor.until(lambda: visitor.all("[data-testid=stVegaLiteChart]"), "the charts")

    assert len(charts) == 4
    assert all(len(str(chart.get_attribute("aria-label"))) > 40 for chart in charts)
    for table in visitor.all(".jozi table"):
        assert table.find_elements("css selector", "caption")
        assert table.find_elements("css selector", "thead th[scope=col]")
    assert len(visitor.all("h1")) == 1
    unnamed = [b.get_attribute("outerHTML") for b in visitor.all("[data-testid=stMain] button")
               if not (b.text or b.get_attribute("aria-label") or b.get_attribute("title"))]  # fmt: skip
    assert unnamed == []


def test_a_phone_shows_everything_without_scrolling_sideways(visitor: Visitor, two_years: Path) -> None:
    visitor.open(PHONE)
    visitor.settled()

    wide = visitor.driver.execute_script(
        "return [...document.querySelectorAll('.jozi, [data-testid=stVegaLiteChart], [data-testid=stFileUploader]')]"
        ".filter(e => e.getBoundingClientRect().right > window.innerWidth + 1).map(e => e.textContent.slice(0, 80))"
    )

    assert wide == []
    assert visitor.driver.execute_script("return window.innerWidth") == PHONE[0]
    visitor.picture("dashboard-phone.png", PHONE, whole=False)


def test_the_browser_asks_nobody_but_this_machine(visitor: Visitor, two_years: Path) -> None:
    visitor.open()
    visitor.settled()
    asked = set()
    for line in visitor.driver.get_log("performance"):
        message = json.loads(line["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.add(urlsplit(message["params"]["request"]["url"]))

    strangers = {
        url.geturl() for url in asked if url.scheme in ("http", "https", "ws", "wss") and url.hostname != "127.0.0.1"
    }

    assert asked
    assert strangers == set()


def test_the_orders_behind_a_cause_are_as_many_as_it_counts(port: AwsPort, two_years: Path) -> None:
    causes = port.ask(questions.causes("all")).dicts()
    assert causes

    for cause in causes[:: max(1, len(causes) // 12)]:
        conditions, values = questions.behind(cause, "30")
        sql = f"SELECT count(*) AS hits FROM order_details WHERE {' AND '.join(conditions)}"
        counted = port.ask(questions.Question("hits", "order_details", sql, parameters=tuple(values))).dicts()
        assert counted == [{"hits": cause["hits"]}], cause


def test_no_question_of_the_page_scans_more_than_a_hundredth_of_the_csv(
    port: AwsPort, two_years: Path, lake: Lake
) -> None:
    from lake import athena

    # Whatever is asked of a csv table reads all of it: the count costs what each of the page's questions would.
    csv = athena.ask(
        port._clients["athena"],
        "SELECT count(*) FROM orders",
        lake.outputs["BronzeDatabase"],
        lake.outputs["AthenaWorkGroup"],
    ).scanned
    assert csv >= two_years.stat().st_size

    scanned = {
        question.name: port.ask(question).scanned
        for question in (
            questions.FRESHNESS, questions.SILVER_NOW, *questions.STANDING, questions.causes("all"),
            questions.causes("2025-03"), questions.listed("orders/two years.csv", "x"),
            questions.orders_behind(CAUSE, "2024-05-07", "30"),
        )
    }  # fmt: skip

    print({name: f"1/{csv / max(1, size):.0f}" for name, size in scanned.items()})
    assert {name: size for name, size in scanned.items() if size * 100 > csv} == {}
