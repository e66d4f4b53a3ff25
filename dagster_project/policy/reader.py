"""YAML that people write policy in: every value knows its line, and every problem is collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong in a file, where, and what to do. `key` is a path like `steps[0].after`."""

    file: str  # below the repository
    line: int | None
    key: str
    says: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.says}" if self.key else f"{place}: {self.says}"


@dataclass(frozen=True)
class Place:
    """Where a value stands: its file, its path in it, and the list that problems go to."""

    file: str
    problems: list[Problem]
    lines: Mapping[tuple[Any, ...], int] = field(default_factory=dict)
    path: tuple[Any, ...] = ()

    def at(self, *keys: Any) -> Place:
        return Place(self.file, self.problems, self.lines, self.path + keys)

    def refuse(self, says: str) -> None:
        path = self.path
        while path and path not in self.lines:  # what is missing has no line: its parent has
            path = path[:-1]
        key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        self.problems.append(Problem(self.file, self.lines.get(path), key.lstrip("."), says))


def nearest(word: Any, words: Iterable[str]) -> str:
    """`did you mean "x"?`, or all that there is where nothing is near."""
    known = sorted(words)
    close = get_close_matches(str(word), known, n=1, cutoff=0.5)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"there is {', '.join(known)}" if known else "there is none yet"


def read_yaml(path: Path, file: str, problems: list[Problem]) -> tuple[Any, Place]:
    """The file's content (None where it is not YAML) and the place it starts at."""
    lines: dict[tuple[Any, ...], int] = {}
    place = Place(file, problems, lines)
    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        root = loader.get_single_node()
        return (None if root is None else _value(loader, root, place, lines)), place
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        problems.append(Problem(file, mark.line + 1 if mark else None, "", f"is no YAML: {error.problem}"))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        problems.append(Problem(file, None, "", f"is no YAML: {error}"))
    return None, place


def _value(loader: Any, node: yaml.Node, place: Place, lines: dict[tuple[Any, ...], int]) -> Any:
    lines.setdefault(place.path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item, place.at(index), lines) for index, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node)
    loader.flatten_mapping(node)
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        inner = place.at(key)
        lines[inner.path] = key_node.start_mark.line + 1
        if key in found:
            inner.refuse("is there twice, and only the last would count: keep one")
        found[key] = _value(loader, value_node, inner, lines)
    return found
