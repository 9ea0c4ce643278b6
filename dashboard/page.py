"""What Streamlit runs for each visit. The reader is one for all of them."""

import streamlit as st

from dashboard import port, view
from dashboard.reader import Reader


@st.cache_resource(show_spinner=False)
def reader() -> Reader:
    """The way to the lake, made once."""
    return Reader(port.from_environment())


view.show(reader())
