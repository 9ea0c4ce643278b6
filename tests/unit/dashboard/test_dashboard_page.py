"""The page's logic, run by Streamlit's own AppTest on a lake in memory: states, filters, the way behind a cause."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from botocore.exceptions import EndpointConnectionError
from streamlit.testing.v1 import AppTest

from dashboard import causes, drop
from dashboard.reader import Reader
from lake.athena import AthenaError

from .fakes import NASTY, FakePort, answer, entry, full, performance

Visit = Callable[[FakePort], AppTest]
NONE = answer()
MISSING = AthenaError("TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.gold.x' does not exist")
DOWN = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


def script(reader):  # AppTest runs the text of this function in a file of its own
    from dashboard import view

    view.show(reader)


def visit(port: FakePort) -> AppTest:
    page = AppTest.from_function(script, args=(Reader(port),), default_timeout=30).run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    """All that the page says through its own markup."""
    markup = " ".join(part.proto.body for part in page.get("html") if "<style>" not in part.proto.body)
    return html.unescape(re.sub(r"<[^>]+>", " ", markup))


def test_the_headline_comes_first_then_the_state_then_every_section():
    said = words(visit(full()))

    order = [
        "Of 440 orders, 30.0 % took longer than 30 minutes", "Fresh Gold was published 2026-03-05 14:00",
        "Complete 2 file versions read", "Both clocks", "Why", "Where and when", "Which stage", "Complaints",
        "Files set aside", "Drop a file", "Athena scanned",
    ]  # fmt: skip
    places = [said.find(text, said.find(order[1]) if number > 2 else 0) for number, text in enumerate(order)]
    assert -1 not in places, dict(zip(order, places))
    assert places[:3] == sorted(places[:3])


def test_a_month_and_an_area_change_the_figures_and_ask_athena_nothing_but_the_months_causes():
    port = full()
    page = visit(port)
    before = len(port.asked)

    page.selectbox(key="period").set_value("2018-03")
    page.selectbox(key="area").set_value("E").run()

    assert "Of 100 orders, 80.0 % took longer" in words(page)
    assert [question.name for question in port.asked[before:]] == ["causes"]
    assert port.asked[-1].parameters == ("'2018-03'",)


def test_an_area_without_orders_in_the_month_says_so():
    page = visit(full())

    page.selectbox(key="period").set_value("2018-04")
    page.selectbox(key="area").set_value("E").run()

    assert "choose another period or area" in words(page)


def test_behind_a_cause_are_its_orders_asked_with_parameters():
    port = full()
    page = visit(port)
    page.selectbox(key="outcome").set_value("late_order_to_door").run()

    page.button(key="behind-1").click().run()

    assert "o-1" in words(page)
    assert port.asked[-1].name == "orders behind a cause"
    assert port.asked[-1].parameters == ("'2018-04-30'", "'30'", "'E'", "'21'")
    page.button(key="behind-1").click().run()
    assert "o-1" not in words(page)


def test_a_day_without_orders_behind_the_cause_shows_the_latest_before_it():
    port = full()
    orders = port.answers["orders behind a cause"]
    port.answers["orders behind a cause"] = lambda question: orders if "2018-04-26" in question.parameters[0] else NONE
    page = visit(port)
    page.selectbox(key="outcome").set_value("late_order_to_door").run()

    page.button(key="behind-1").click().run()

    assert "None of them was placed on 2018-04-30. The latest before it:" in words(page)
    assert "on 2018-04-26" in words(page)
    assert "o-1" in words(page)


def test_days_without_orders_behind_the_cause_say_so():
    port = full(orders_behind_a_cause=NONE)
    page = visit(port)
    page.selectbox(key="outcome").set_value("late_order_to_door").run()

    page.button(key="behind-1").click().run()

    assert "None of them was placed from 2018-04-24 to 2018-04-30. Choose an earlier day." in words(page)


def test_a_person_is_named_only_on_demand_and_so_are_their_orders():
    page = visit(full())
    page.selectbox(key="outcome").set_value("late_order_to_door").run()
    assert "deliverer = (a person)" in words(page)
    assert "Wian" not in words(page)
    assert [button.key for button in page.button] == ["behind-1"]

    page.toggle(key="people").set_value(True).run()

    assert "deliverer = Wian" in words(page)
    assert [button.key for button in page.button] == ["behind-1", "behind-2"]


def test_what_came_from_files_is_never_markdown_or_html():
    port = full()
    port.entries = [entry(f"orders/{NASTY}", "REJECTED", reason=NASTY)]

    page = visit(port)
    page.selectbox(key="outcome").set_value(f"complaint: {NASTY}").run()

    raw = " ".join(part.proto.body for part in page.get("html"))
    assert "<script>" not in raw
    assert words(page).count(NASTY) >= 3
    for kind in ("markdown", "caption", "info", "warning", "error", "button", "toggle", "expander"):
        for part in page.get(kind):
            shown = f"{getattr(part, 'value', '')} {getattr(part, 'label', '')}"
            assert "alert(1)" not in shown, kind


def test_an_empty_lake_says_what_to_do():
    port = full(freshness=MISSING, what_silver_holds=MISSING)

    page = visit(port)

    assert "The lake is empty" in words(page)
    assert [question.name for question in port.asked] == ["freshness", "what silver holds"]
    assert page.get("file_uploader")


def test_a_gold_without_orders_is_no_error():
    said = words(visit(full(clocks_and_places=answer(), complaints=answer(), stages=answer(), causes=answer())))

    assert "Gold has no orders yet." in said
    assert "Nobody complained." in said


def test_a_lake_that_is_down_says_so_and_can_be_tried_again():
    port = full()
    port.down = DOWN
    page = visit(port)
    assert "The lake does not answer: start it with `lake up`" in words(page)

    port.down = None
    page.button[0].click().run()

    assert "Of 440 orders" in words(page)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MISSING, "the table root_causes comes with the next refresh"),
        (AthenaError("EXHAUSTED: no memory"), "EXHAUSTED"),
    ],
)
def test_a_section_without_an_answer_says_why_and_the_others_stand(error, sentence):
    said = words(visit(full(causes=error)))

    assert sentence in said
    assert "Of 440 orders" in said
    assert "Base prep slows down most" in said


def test_files_that_were_refused_stand_with_their_reasons():
    port = full()
    port.entries = [entry("orders/x.csv", "REJECTED", reason="x.csv has no header."), entry("orders/y.csv", "LOADED")]

    said = words(visit(port))

    assert "1 file was not taken." in said
    assert "x.csv has no header." in said
    assert "orders/y.csv" not in said


def test_one_kind_of_quarantine_reason_stands_once_with_its_count():
    assert "order_date … is no date: 5" in words(visit(full()))


# ---- a dropped file -------------------------------------------------------------------------------------------------


def moved(port: FakePort, *files: drop.Dropped) -> list[str]:
    drop.look(Reader(port), list(files))
    return [file.words for file in files]


def test_a_files_way_is_told_from_bronze_to_gold():
    port = full(file_in_gold=answer({"files": 0}))
    file = drop.Dropped("orders/a.csv", "v1", at=0.0)
    drop.PATIENCE_SECONDS, kept = float("inf"), drop.PATIENCE_SECONDS
    try:
        told = []
        for state in (None, "RECEIVED", "PENDING", "LOADING", "LOADED"):
            port.entries = [entry("orders/a.csv", state)] if state else []
            told += moved(port, file)
        assert not file.done
        port.answers["file in gold"] = answer({"files": 1})
        told += moved(port, file)
    finally:
        drop.PATIENCE_SECONDS = kept

    for part, words_ in zip(
        ("on the way", "received", "accepted", "loads it", "being refreshed", "gold shows it"), told
    ):
        assert part in words_
    assert file.done


def test_a_refused_file_is_settled_with_its_reason():
    port = full()
    port.entries = [entry("orders/a.csv", "REJECTED", reason="It has no header.")]
    file = drop.Dropped("orders/a.csv", "v1", at=0.0)

    assert moved(port, file) == ["REJECTED: It has no header."]
    assert file.done


def test_an_archives_members_join_the_list():
    port = full()
    port.entries = [entry("orders/a.zip", "EXPANDED"), entry("orders/a.zip/b.csv", "RECEIVED", parent="orders/a.zip")]
    files = [drop.Dropped("orders/a.zip", "v1", at=0.0)]

    drop.look(Reader(port), files)

    assert [(file.key, file.done) for file in files] == [("orders/a.zip", True), ("orders/a.zip/b.csv", False)]


def test_a_file_that_never_settles_is_said_to_need_a_look():
    file = drop.Dropped("orders/a.csv", "v1", at=-1e9)

    (said,) = moved(full(), file)

    assert "not settled after 15 minutes" in said
    assert file.done


def test_an_upload_is_sent_once_and_its_way_is_shown():
    port = full()
    port.entries = [entry("orders/new.csv", "LOADED", counts={"rows_in": 2, "inserted": 2})]
    page = visit(port)

    page.get("file_uploader")[0].upload("new.csv", b"a,b\n1,2\n").run()

    assert port.dropped == [("new.csv", b"a,b\n1,2\n")]
    assert "LOADED: 2 rows in = 2 inserted; gold shows it" in words(page)


def test_an_upload_that_fails_is_said_in_words():
    port = full()
    page = visit(port)
    port.drop = lambda name, body: (_ for _ in ()).throw(DOWN)  # type: ignore[method-assign]

    page.get("file_uploader")[0].upload("new.csv", b"x").run()

    assert "new.csv was not uploaded. The lake does not answer" in words(page)


def test_many_areas_stay_readable():
    rows = [performance("2018-03", f"area {n}", 12, 50, 1, 1) for n in range(40)]

    assert "The chart shows the 12 areas with most orders" in words(visit(full(clocks_and_places=answer(*rows))))


@pytest.mark.parametrize(
    ("data_through", "newest", "days"),
    [("2018-06-10", "2018-06-10", 10), ("2018-07-02", "2018-06-30", 30), ("", "2018-06-30", 30)],
)
def test_days_to_look_at_end_with_the_newest_order(data_through, newest, days):
    found = causes._days("2018-06", data_through)

    assert (found[0], found[-1], len(found)) == (newest, "2018-06-01", days)
