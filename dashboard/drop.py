"""The drop zone: a file goes to bronze as it is, and its way shows until gold has it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.markup import element
from dashboard.parts import write
from dashboard.port import Name, trouble
from dashboard.questions import listed
from dashboard.reader import Reader
from lake.entries import EXPANDED, LOADED
from lake.situation import SETTLED, situation

LOOK_SECONDS = {"sandbox": 1.0, "aws": 5.0}  # nothing tells a page of a change in the ledger, so it asks
PATIENCE_SECONDS = 900.0
LARGEST_MB = 200  # Streamlit holds an upload in memory


@dataclass
class Dropped:
    """A file on its way. `words` say where it is; `done` when nothing more will be said."""

    key: str
    version: str
    at: float
    words: str = "in bronze; its event is on the way to intake"
    done: bool = False

    @property
    def name(self) -> Name:
        return self.key, self.version


def show(reader: Reader) -> None:
    """The zone, and below it every file of this visit."""
    write(
        element(
            "p",
            "An order export as it is: csv, xlsx, json, or an archive of them. It goes to the bronze bucket; everything"
            " else happens by itself. A wrong file can be taken back: ",
            element("code", "lake retract"),
            ".",
            class_="note",
        )
    )
    turn = st.session_state.setdefault("drop turn", 0)
    chosen = st.file_uploader(
        "Drop order files here",
        accept_multiple_files=True,
        key=f"drop-{turn}",
        help=f"Up to {LARGEST_MB} MB a file; larger ones go with the command lake drop.",
    )
    on_the_way: list[Dropped] = st.session_state.setdefault("dropped", [])
    if chosen:
        problems = []
        for file in chosen:
            try:
                key, version = reader.port.drop(file.name, file)
            except Exception as error:  # noqa: BLE001 - said in words, and the next file gets its turn
                problems.append(f"{file.name} was not uploaded. {trouble(error, reader.port.target)}")
            else:
                on_the_way.append(Dropped(key, version, time.monotonic()))
        st.session_state["drop problems"] = problems
        st.session_state["drop turn"] = turn + 1  # an empty zone again: the same file may come a second time
        st.rerun()
    for problem in st.session_state.get("drop problems", ()):
        write(element("p", problem, class_="trouble", role="alert"))
    if on_the_way:
        moving = any(not file.done for file in on_the_way)
        seconds = LOOK_SECONDS.get(reader.port.target, 5.0) if moving else None
        st.fragment(_way, run_every=seconds)(reader)


def _way(reader: Reader) -> None:
    on_the_way: list[Dropped] = st.session_state["dropped"]
    moving = [file for file in on_the_way if not file.done]
    try:
        look(reader, on_the_way)
    except Exception as error:  # noqa: BLE001 - said in words; the next look asks again
        write(element("p", trouble(error, reader.port.target), class_="trouble", role="alert"))
    lines = [element("li", element("strong", file.key), ": ", file.words) for file in reversed(on_the_way)]
    write(element("ol", *lines, class_="way", role="status", aria_live="polite", id="way"))
    if moving and all(file.done for file in on_the_way):
        reader.freshness(now=True)
        st.rerun()  # all is settled: the whole page, with what gold says now


def look(reader: Reader, on_the_way: list[Dropped]) -> None:
    """Brings each file's words up to date; members of an archive join the list."""
    moving = [file for file in on_the_way if not file.done]
    if not moving:
        return
    entries = reader.port.entries_of([file.name for file in moving])
    for file in moving:
        entry = entries.get(file.name)
        file.words = situation(entry)
        if entry is None or entry.state not in SETTLED:
            _patience(file)
        elif entry.state == LOADED:
            _gold(reader, file)
        else:
            if entry.state == EXPANDED:
                known = {each.name for each in on_the_way}
                members = [member for member in reader.port.members(file.key) if member.name not in known]
                on_the_way += [Dropped(*member.name, at=file.at) for member in members]
            file.done = True


def _gold(reader: Reader, file: Dropped) -> None:
    """A loaded file is through when gold.data_quality lists this version of it."""
    told: Any = reader.port.ask(listed(*file.name))
    if told.rows and told.rows[0][0]:
        file.words += "; gold shows it"
        file.done = True
    else:
        file.words += "; gold is being refreshed"
        _patience(file)


def _patience(file: Dropped) -> None:
    if time.monotonic() - file.at > PATIENCE_SECONDS:
        file.words += f"; not settled after {PATIENCE_SECONDS / 60:.0f} minutes: look at `lake runs` and `lake doctor`"
        file.done = True
