"""States and plans as JSON and back."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings, strategies

from phoenix_plan import codec, schema_check, shapes
from phoenix_plan.actions import ACTIONS, action_id
from phoenix_plan.errors import DocumentError
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.sizes import Bytes
from phoenix_plan.plan import Plan
from tests.benchmarks.big_state import Scale, make
from tests.builders import (
    actual,
    dataset,
    desired,
    disk,
    idle_pool,
    leaf,
    member,
    planned,
    pool,
    storage,
    top,
    want_pool,
)
from tests.strategies import BEYOND_DOUBLE, documents

# The first example makes the strategies and cattrs' functions, which takes its time.
SLOW = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

STATE = actual(
    member("A", "tank"),
    member("B", "tank"),
    disk("C"),
    pools=[pool("tank", top("mirror", "tank", "A", "B"))],
    idle=[idle_pool("old", leaf("D"), disks=["/dev/vdd"])],
    datasets=[dataset("tank/data", set={"quota": "1073741824"}, snapshots={"a": "1"})],
    storages=[storage("tank-data", pool="tank/data")],
    directories={"/tank/data": "mounted"},
)
PLAN = planned(desired(want_pool("new", "stripe", "C")), actual(disk("C")))


def valid(name: str, value: Any) -> bool:
    """Whether both validators take a value: the quick one, and jsonschema."""
    schema = schema_check.load_schema(name)
    quick = shapes.compiled(schema)(value)
    slow = not list(schema_check._explain(value, schema))
    assert quick == slow
    return quick


def numbers(value: Any) -> Iterator[int]:
    """Every whole number that stands in a JSON value as a number."""
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        yield value
    elif isinstance(value, dict):
        for member_ in value.values():
            yield from numbers(member_)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)


@SLOW
@given(documents(Actual))
def test_every_state_comes_back_as_it_was(state: Actual) -> None:
    """A state is written, is valid by its schema, and reads back equal."""
    value = json.loads(codec.state_to_json(state))
    assert valid("state", value)
    assert codec.state_from_json(value, "state.json") == state


@SLOW
@given(documents(Plan))
def test_every_plan_comes_back_as_it_was(plan: Plan) -> None:
    """A plan is written, is valid by its schema, and reads back equal."""
    value = json.loads(codec.plan_to_json(plan))
    assert valid("plan", value)
    assert codec.plan_from_json(value, "plan.json") == plan


@SLOW
@given(documents(Actual))
def test_no_size_of_a_state_is_a_json_number(state: Actual) -> None:
    """Every size is a string of digits: the strategy makes no other number this large."""
    assert all(one < BEYOND_DOUBLE for one in numbers(json.loads(codec.state_to_json(state))))


@SLOW
@given(documents(Plan))
def test_no_size_of_a_plan_is_a_json_number(plan: Plan) -> None:
    """Likewise in a plan."""
    assert all(one < BEYOND_DOUBLE for one in numbers(json.loads(codec.plan_to_json(plan))))


@pytest.mark.parametrize("tag", sorted(ACTIONS))
@settings(SLOW, max_examples=20)
@given(data=strategies.data())
def test_every_kind_of_action_comes_back_as_itself(tag: str, data: Any) -> None:
    """An action stands as its tag and its arguments."""
    action = data.draw(documents(ACTIONS[tag]))
    row = attrs.evolve(PLAN.actions[0], action=action, id=action_id(action))
    value = json.loads(codec.plan_to_json(attrs.evolve(PLAN, actions=(row,))))
    assert tag == value["actions"][0]["action"]["type"]
    assert action == codec.plan_from_json(value, "plan.json").actions[0].action


def test_a_size_is_a_string_of_digits() -> None:
    """As other tools read it exactly."""
    value = json.loads(codec.state_to_json(STATE))
    assert value["disks"][0]["size"] == "1073741824"
    assert value["disks"][0]["identity"]["size"] == "1073741824"
    assert value["pools"][0]["guid"] == STATE.pools[0].guid


def test_a_default_is_left_out() -> None:
    """Of a blank disk only what is to be said about it stands in the document."""
    found = next(one for one in codec.as_dict(STATE)["disks"] if one["serial"] == "C")
    assert found.keys() == {
        "path", "identity", "aliases", "size", "logical_sector", "physical_sector", "serial",
        "emptiness",
    }  # fmt: skip


def test_no_field_holds_its_default() -> None:
    """In no object of a document, however deep."""

    def check(document: Any, value: Any) -> None:
        for field in attrs.fields(type(document)):
            seen = getattr(document, field.name)
            default = field.default
            if isinstance(default, attrs.Factory):  # type: ignore[arg-type] # a class, to attrs
                default = default.factory()
            if default is not attrs.NOTHING and field.name != "format_version":
                assert (field.name in value) == (seen != default), field.name
            if attrs.has(type(seen)):
                check(seen, value[field.name])
            elif isinstance(seen, tuple):
                for one, written in zip(seen, value.get(field.name, ()), strict=True):
                    if attrs.has(type(one)):
                        check(one, written)

    check(STATE, json.loads(codec.state_to_json(STATE)))


def test_the_version_always_stands_first() -> None:
    """Though it is a default: a reader has to know it."""
    assert codec.state_to_json(STATE).startswith('{\n  "format_version": "1.0",\n')
    assert codec.plan_to_json(PLAN).startswith('{\n  "format_version": "1.0",\n')


def test_the_text_is_the_same_every_time() -> None:
    """Byte for byte, and with one member a line, so that a diff of two plans can be read."""
    again = planned(desired(want_pool("new", "stripe", "C")), actual(disk("C")))
    assert codec.plan_to_json(PLAN) == codec.plan_to_json(again)
    assert '\n          "pool": "new",\n' in codec.plan_to_json(PLAN)


def test_bytes_are_what_the_types_say() -> None:
    """The test above rests on it: a disk's size is of the type that is written as a string."""
    assert typing.get_type_hints(Disk)["size"] is Bytes


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        ("extra fields found (colour)", {"colour": "red"}),
        ("required field missing @ $.disks[0].identity", {"disks": [{"path": 5}]}),
        ("required field missing @ $.host", {"host": None}),
        ("expected Bytes @ $.arc_max.live", {"arc_max": {"live": "9" * 5000}}),
    ],
)
def test_what_no_schema_saw_is_still_refused(expected: str, change: dict[str, Any]) -> None:
    """The codec alone takes no other shape either, and says where it is."""
    value = {**json.loads(codec.state_to_json(STATE)), **change}
    value = {key: one for key, one in value.items() if one is not None}
    with pytest.raises(DocumentError, match=r"^state\.json is no actual document: ") as caught:
        codec.state_from_json(value, "state.json")
    assert expected in str(caught.value)


def test_a_made_up_host_of_any_size_is_valid() -> None:
    """The states that benchmarks are run on are states like any other."""
    host = make(Scale(datasets=300, disks=60, storages=20))
    value = json.loads(codec.state_to_json(host.actual))
    assert valid("state", value)
    assert codec.state_from_json(value, "big") == host.actual
