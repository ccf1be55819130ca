"""Mutation testing: each mutant of some modules is run against the tests that reach its lines.

`python -m tests.mutants MODULE.py ... [--tests FOLDER ...] [--seconds N] [--sample N --seed N]`

All tests run once, unchanged, under coverage.py, which tells who reaches which line. Then each
mutant has a forked process of its own, in which the code of the loaded functions is exchanged and
the tests run until one fails: those first that killed its neighbours, then the quickest. The page
docs/explanation/mutants.md holds the survivors and why they may live; one that it does not have is
new, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import functools
import gc
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import types
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import coverage
import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.operators import Mutant, mutants

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/explanation/mutants.md"
PACKAGE = ROOT / "phoenix_plan"
OUT = ROOT / "build/mutants.json"
KNOWN = ROOT / "build/mutants-reach.json"
Reach = dict[str, dict[int, list[str]]]
FOLDERS = ("planner", "refusals", "actions", "consent", "apply")
WALL_S = 30
"""What a mutant gets beside three times its seconds: it waits for what never comes."""


@attrs.define
class Fate:
    """What became of a mutant: killed (by a test), timeout, survived, or unreached by any test.
    `ran` of `of` tests that reach it were run before its seconds were over."""

    module: str
    place: str
    line: int
    change: str
    fate: str = "unreached"
    by: str = ""
    ran: int = 0
    of: int = 0

    @property
    def name(self) -> str:
        """As the page has it."""
        return f"`{self.place or 'module'}`: {self.change}"


class Mutating:
    """A pytest plugin that runs the tests once, and then again for each mutant."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.fates: list[Fate] = []
        self.seconds: dict[str, float] = {}
        self.recent: list[str] = []
        last = json.loads(OUT.read_text(encoding="utf-8")) if options.again else ()
        self.lived = {
            f"{ROOT / one['module']}:{one['place']}: {one['change']}"
            for one in last
            if one["fate"] != "killed"
        }

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In pytest's own loop's stead."""
        os.chdir(tempfile.mkdtemp(prefix="mutants-"))  # a mutant may write anywhere
        items = {item.nodeid: item for item in session.items}
        reach = self._unchanged(session)
        gc.collect()
        gc.freeze()
        for module in self.options.modules:
            path = str(ROOT / module)
            self.recent = []
            for mutant in self._chosen(path):
                # What stands outside of functions is run once, when it is loaded: anybody's.
                names = {name for line in mutant.run for name in reach[path].get(line, ())}
                names = names if mutant.run else set(items)
                fate = Fate(module, mutant.place, mutant.line, mutant.change)
                fate.of = len(names)
                if names:
                    self._try(path, mutant, fate, [items[name] for name in self._order(names)])
                self.fates.append(fate)
                self._tell(fate)
            OUT.write_text(json.dumps([attrs.asdict(one) for one in self.fates], indent=1))
        return True

    def _chosen(self, path: str) -> Iterator[Mutant]:
        source = Path(path).read_text(encoding="utf-8")
        count = sum(1 for _ in mutants(source))
        order = random.Random(self.options.seed).sample(range(count), count)  # noqa: S311
        picked = set(order[self.options.skip : self.options.sample or count])
        for at, one in enumerate(mutants(source)):
            name = f"{path}:{one.place}: {one.change}"
            if at in picked and (not self.options.again or name in self.lived):
                yield one

    def _order(self, names: set[str]) -> list[str]:
        first = [name for name in self.recent if name in names]
        return first + sorted(names.difference(first), key=lambda name: (self.seconds[name], name))

    def _unchanged(self, session: pytest.Session) -> Reach:
        """Which tests reach which line of a file. A test that fails by itself ends everything."""
        known = _known()
        fresh = [one for one in session.items if _key(one) not in known]
        cov = coverage.Coverage(data_file=None, config_file=False, include=[f"{PACKAGE}/*"])
        cov.start()
        for at, item in enumerate(fresh):
            cov.switch_context(item.nodeid)
            began = time.process_time()
            after = fresh[at + 1] if at + 1 < len(fresh) else session
            reports = runtestprotocol(item, log=False, nextitem=after)  # type: ignore[arg-type]
            known[_key(item)] = {"seconds": time.process_time() - began}
            for report in reports:
                if report.failed:
                    raise pytest.UsageError(f"{item.nodeid} fails by itself:\n{report.longrepr}")
            if at % 100 == 99:
                print(f"{at + 1} of {len(fresh)} tests", flush=True)
        cov.stop()
        lines: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        data = cov.get_data() if fresh else coverage.CoverageData(no_disk=True)
        for path in data.measured_files():
            for line, contexts in data.contexts_by_lineno(path).items():
                for name in contexts:
                    lines[name][path].append(line)
        for item in fresh:
            known[_key(item)]["lines"] = lines[item.nodeid]
        KNOWN.write_text(json.dumps({"of": _digest(), "tests": known}), encoding="utf-8")
        reach: Reach = defaultdict(lambda: defaultdict(list))
        for item in session.items:
            self.seconds[item.nodeid] = known[_key(item)]["seconds"]
            for path, numbers in known[_key(item)]["lines"].items():
                for line in numbers:
                    reach[path][line].append(item.nodeid)
        print(f"{len(session.items)} tests: {sum(self.seconds.values()):.0f} s", flush=True)
        return reach

    def _try(self, path: str, mutant: Mutant, fate: Fate, items: list[pytest.Item]) -> None:
        """Fork, change, run."""
        folder = tempfile.mkdtemp(prefix="mutant-")
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.setsid()
            most = int(self.options.seconds) + 10  # of the processor: then it goes in circles
            resource.setrlimit(resource.RLIMIT_CPU, (most, most))
            os.close(reader)
            for number in (0, 1, 2):
                os.dup2(os.open(os.devnull, os.O_RDWR), number)
            try:
                _exchange(path, mutant)
                items[0].config._tmp_path_factory._basetemp = Path(folder)  # type: ignore[attr-defined]
                self._run(items, writer)
            except BaseException as error:  # noqa: BLE001  # whatever the mutant raises
                os.write(writer, f"killed\t{type(error).__name__}\n".encode())
            os._exit(0)
        os.close(writer)
        signal.alarm(WALL_S + 3 * int(self.options.seconds))
        try:
            told = b"".join(iter(lambda: os.read(reader, 65536), b"")).decode()
        except TimeoutError:
            told = "timeout\t\n"
        finally:
            signal.alarm(0)
            os.close(reader)
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            shutil.rmtree(folder, ignore_errors=True)
        lines = told.splitlines()
        fate.ran = sum(line.startswith("ran") for line in lines)
        last = lines[-1] if lines else "ran\t"
        fate.fate, fate.by = ("timeout", "") if last == "ran\t" else last.split("\t")
        if fate.fate == "killed" and fate.by in self.seconds:
            self.recent = [fate.by, *(one for one in self.recent if one != fate.by)][:12]

    def _run(self, items: list[pytest.Item], writer: int) -> None:
        began = time.process_time()
        for at, item in enumerate(items):
            nextitem = items[at + 1] if at + 1 < len(items) else item.session
            os.write(writer, b"ran\t\n")
            reports = runtestprotocol(item, log=False, nextitem=nextitem)  # type: ignore[arg-type]
            if any(report.failed for report in reports):
                os.write(writer, f"killed\t{item.nodeid}\n".encode())
                return
            if time.process_time() - began > self.options.seconds:
                break
        os.write(writer, b"survived\t\n")

    def _tell(self, fate: Fate) -> None:
        if fate.fate != "killed":
            known = fate.name in PAGE.read_text(encoding="utf-8") if PAGE.exists() else False
            ran = f"{fate.ran} of {fate.of} tests" if fate.of else "no test"
            mark = " (on the page)" if known else ""
            print(f"{fate.fate:9} {fate.module}:{fate.line} {fate.name} ({ran}){mark}", flush=True)


def _digest() -> str:
    """Of the package: where it changes, which lines are reached is anybody's guess."""
    texts = b"".join(path.read_bytes() for path in sorted(PACKAGE.rglob("*.py")))
    return hashlib.sha256(texts).hexdigest()


def _known() -> dict[str, Any]:
    """What an earlier call has seen of the tests, on the same package."""
    KNOWN.parent.mkdir(exist_ok=True)
    found = json.loads(KNOWN.read_text(encoding="utf-8")) if KNOWN.exists() else {}
    tests: dict[str, Any] = found["tests"] if found.get("of") == _digest() else {}
    return tests


@functools.cache
def _text_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _key(item: pytest.Item) -> str:
    """A test, and what its file says now."""
    return f"{item.nodeid} {_text_of(item.path)}"


def _exchange(path: str, mutant: Mutant) -> None:
    """Put the mutant's code into the functions that are loaded, whoever holds them."""
    (module,) = (one for one in list(sys.modules.values()) if getattr(one, "__file__", "") == path)
    made = types.ModuleType(module.__name__)
    made.__file__ = path
    sys.modules[module.__name__] = made  # attrs and typing look names up there
    exec(compile(mutant.tree, path, "exec"), made.__dict__)  # noqa: S102  # our own code, changed
    sys.modules[module.__name__] = module
    _take_over(vars(module), vars(made), module.__name__)
    changed = mutant.tree.body[mutant.top]
    names = {one.id for one in _targets(changed)}
    for name in names:
        old, new = getattr(module, name), getattr(made, name)
        for one in list(sys.modules.values()):
            if vars(one).get(name) is old:
                setattr(one, name, new)


def _targets(statement: Any) -> Iterator[Any]:
    yield from getattr(statement, "targets", ())
    if hasattr(statement, "target"):
        yield statement.target


def _take_over(old: Any, new: Any, module: str) -> None:
    """For each function and class of the one, the code and the values of the other."""
    for name, was in list(old.items()):
        now = new.get(name)
        if isinstance(was, type) and isinstance(now, type) and was.__module__ == module:
            _take_over(vars(was), vars(now), module)
            for key, value in vars(now).items():
                if isinstance(value, int | str | tuple) and not key.startswith("__"):
                    setattr(was, key, value)
        else:
            for one, other in zip(_functions(was), _functions(now), strict=False):
                if (
                    one.__module__ == module
                    and one.__code__.co_freevars == other.__code__.co_freevars
                ):
                    one.__code__ = other.__code__
                    one.__defaults__, one.__kwdefaults__ = other.__defaults__, other.__kwdefaults__


def _functions(found: Any) -> Iterator[types.FunctionType]:
    """The functions behind a name: a property's, a class method's, a wrapped one's."""
    for wrapper in ("fget", "__func__", "__wrapped__"):
        inner = getattr(found, wrapper, None)
        if inner is not None:
            yield from _functions(inner)
    if isinstance(found, types.FunctionType):
        yield found


def _late(_signal: int, _frame: object) -> None:
    raise TimeoutError


def _ended(_signal: int, _frame: object) -> None:
    raise SystemExit(1)  # so that no mutant is left behind


def main(argv: Sequence[str]) -> int:
    """Say which mutants live, and how many there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="+")
    parser.add_argument("--tests", nargs="*", default=[f"tests/{one}" for one in FOLDERS])
    parser.add_argument("--seconds", type=float, default=30, help="of CPU for a mutant")
    parser.add_argument("--sample", type=int, default=0, help="so many of each module")
    parser.add_argument("--skip", type=int, default=0, help="so many of the sample's first")
    parser.add_argument("--again", action="store_true", help="only what lived the last time")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    signal.signal(signal.SIGALRM, _late)
    signal.signal(signal.SIGTERM, _ended)
    plugin = Mutating(options)
    code = pytest.main(
        ["-q", "-s", "-p", "no:cacheprovider", "-o", "tmp_path_retention_policy=failed",
         *options.tests],
        plugins=[plugin],
    )  # fmt: skip
    for module in options.modules:
        count = Counter(one.fate for one in plugin.fates if one.module == module)
        print(f"{module}: {count.total()} mutants, {dict(count)}")
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    new = [
        one
        for one in plugin.fates
        if one.fate in ("survived", "unreached") and one.name not in page
    ]
    return int(code) or int(bool(new))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
