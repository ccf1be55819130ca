"""What is registered about one code."""

from __future__ import annotations

from typing import Literal

import attrs


@attrs.frozen(kw_only=True)
class Code:
    """One code. `kind` says where it turns up: a reason stands on an action, the rest are findings
    of a plan or notices of a config.

    A finding that is an error in one place and less in another is registered as the error. `means`
    is what the code says, `why` why that matters and what could be lost, `do` what to do next:
    each a few sentences, for somebody who is afraid for their data.
    """

    kind: Literal["reason", "error", "warning", "note"]
    means: str
    why: str
    do: str
