"""The page about the command line, from the functions that typer makes commands of."""

from __future__ import annotations

import enum
import inspect
import typing
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import typer
from typer.models import ArgumentInfo, OptionInfo

from docs.generator.markdown import block, code, page, table
from phoenix_plan.cli.app import app


@attrs.frozen(kw_only=True)
class Parameter:
    """An argument or an option: `value` is what it takes, empty for a flag."""

    names: tuple[str, ...]
    value: str
    help: str
    default: str
    required: bool

    @property
    def usage(self) -> str:
        """As in a usage line."""
        if not self.names:
            return self.value if self.required else f"[{self.value}]"
        words = " ".join(word for word in (self.names[0], self.value) if word)
        return words if self.required else f"[{words}]"

    @property
    def row(self) -> tuple[str, str]:
        """As a row of a table."""
        words = [", ".join(code(name) for name in self.names), code(self.value)]
        default = f" [default: {self.default}]" if self.default else ""
        return " ".join(word for word in words if word), self.help + default


def commands_page() -> str:
    """Every command with its arguments and options."""
    assert app.registered_callback is not None
    main = _callback(app.registered_callback.callback)
    parts = [
        inspect.getdoc(main) or "",
        table(("", ""), [one.row for one in parameters(main)]),
    ]
    for name, function in _commands(app, ""):
        found = parameters(function)
        parts += [
            f"## phoenix {name}",
            block(" ".join(["phoenix", name, *(one.usage for one in found)])),
            inspect.getdoc(function) or "",
            table(("", ""), [one.row for one in found]),
        ]
    return page("Commands", *parts, "Also `python3 -m phoenix_plan`.")


def _commands(typed: typer.Typer, before: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every command by its name, those of groups after them."""
    for command in typed.registered_commands:
        function = _callback(command.callback)
        yield before + (command.name or function.__name__), function
    for group in typed.registered_groups:
        assert group.typer_instance is not None
        yield from _commands(group.typer_instance, f"{before}{group.typer_instance.info.name} ")


def _callback(function: Callable[..., Any] | None) -> Callable[..., Any]:
    assert function is not None
    return function


def parameters(function: Callable[..., Any]) -> list[Parameter]:
    """What a command takes, arguments first."""
    # Names that a module imports for types alone are no parameters of a command.
    hints = typing.get_type_hints(function, include_extras=True)
    found: list[Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        for info in getattr(hints[name], "__metadata__", ()):
            kind = typing.get_args(hints[name])[0]
            default = parameter.default
            required = default is inspect.Parameter.empty
            if isinstance(info, ArgumentInfo):
                found.insert(0, _parameter((), info, kind, None, required=required))
            elif isinstance(info, OptionInfo):
                found.append(_parameter(_names(info, name), info, kind, default, required=required))
    return found


def _names(info: OptionInfo, parameter: str) -> tuple[str, ...]:
    """An option's names, the short one first."""
    # Inside Annotated, the first name that is given lands in `default`.
    first = (info.default,) if isinstance(info.default, str) else ()
    return (*first, *(info.param_decls or ())) or (f"--{parameter.replace('_', '-')}",)


def _parameter(
    names: tuple[str, ...],
    info: ArgumentInfo | OptionInfo,
    kind: Any,
    default: object,
    *,
    required: bool,
) -> Parameter:
    value = "" if kind is bool else info.metavar or ""
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        value = "|".join(str(one.value) for one in kind)
    return Parameter(
        names=names,
        value=value,
        help=info.help or "",
        default=str(default.value) if isinstance(default, enum.Enum) else "",
        required=required,
    )
