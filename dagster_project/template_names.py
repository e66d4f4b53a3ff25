"""Every name a template can ask for, read off its syntax tree, against what it will get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from jinja2 import meta, nodes

from dagster_project.policy.columns import Column
from dagster_project.policy.reader import nearest
from senders.rcs_content import LABEL_LIMIT
from senders.template_environment import CONTEXT, MessageEnvironment

LABELLED: Final = ("button", "reply", "call")  # in rich messages: the label is never cut

# What a name in scope has, by its name; None: nobody declared it.
Scope = Mapping[str | None, tuple[str, ...] | None]
Found = Iterator[tuple[int | None, str]]


def unmet_needs(
    tree: nodes.Template, environment: MessageEnvironment, columns: Sequence[Column], blocks: Sequence[str]
) -> Found:
    """(line, what is wrong) of every name that `columns` and the shared context do not give."""
    yield from _unknown_names(tree, environment, columns)
    lists: Scope = {column.name: tuple(field.name for field in column.fields) or None for column in columns}
    shared: Scope = {name: fields for name, fields in CONTEXT.items() if fields}
    yield from _unknown_fields(tree, shared, lists)
    for block in tree.find_all(nodes.Block):
        if blocks and block.name not in blocks:
            yield block.lineno, f"unknown block {block.name}; {nearest(block.name, blocks)}"
    if "card" in environment.globals:
        yield from _labels(tree)


def _unknown_names(tree: nodes.Template, environment: MessageEnvironment, columns: Sequence[Column]) -> Found:
    given = {column.name for column in columns} | set(CONTEXT)
    for name in sorted(meta.find_undeclared_variables(tree) - given - _own_names(tree)):
        lines = [node.lineno for node in tree.find_all(nodes.Name) if node.name == name]
        words = given | set(environment.globals)
        close = get_close_matches(name, sorted(words), n=1, cutoff=0.6)
        hint = f'did you mean "{close[0]}"?' if close else "select it there, or give it a value here"
        yield min(lines, default=None), f'needs "{name}", which the trigger does not select; {hint}'


def _own_names(tree: nodes.Template) -> set[str]:
    """What a template sets outside its blocks: seen inside them, though each is a scope of its own."""
    outside = nodes.Template([node for node in tree.body if not isinstance(node, nodes.Block)])
    targets = [assign.target for assign in outside.find_all(nodes.Assign)]
    targets += [assign.target for assign in outside.find_all(nodes.AssignBlock)]
    names = {name.name for name in nodes.Tuple(targets, "store").find_all(nodes.Name)}
    names |= {macro.name for macro in outside.find_all(nodes.Macro)}
    names |= {imported.target for imported in outside.find_all(nodes.Import)}
    for imported in outside.find_all(nodes.FromImport):
        names |= {name if isinstance(name, str) else name[1] for name in imported.names}
    return names


def _unknown_fields(node: nodes.Node, scope: Scope, lists: Scope) -> Found:
    """Walks in reading order; a loop over a list column brings its records into scope."""
    inner = scope
    if isinstance(node, nodes.For) and isinstance(node.target, nodes.Name):
        yield from _unknown_fields(node.iter, scope, lists)
        inner = {name: fields for name, fields in scope.items() if name != node.target.name}
        if (root := _root(node.iter)) in lists:
            inner[node.target.name] = lists[root]
    yield from _unknown_field(node, scope, lists)
    for child in node.iter_child_nodes(exclude=("iter",) if isinstance(node, nodes.For) else ()):
        yield from _unknown_fields(child, inner, lists)


def _unknown_field(node: nodes.Node, scope: Scope, lists: Scope) -> Found:
    """`item.nmae`, `items[0].nmae`, `person["nmae"]`."""
    field = node.attr if isinstance(node, nodes.Getattr) else _text_key(node)
    if field is None:
        return
    owner = node.node  # type: ignore[attr-defined]
    name, known = (owner.name, scope) if isinstance(owner, nodes.Name) else (_root(owner), lists)
    if name not in known:
        return
    fields = known[name]
    if fields is None:
        how = "config: {meta: {fields: [{name: …, data_type: …}]}}"
        yield node.lineno, f'needs "{name}.{field}"; say in the trigger\'s YAML what is in {name}: {how}'
    elif field not in fields:
        yield node.lineno, f'needs "{name}.{field}", which is not there; {nearest(field, fields)}'


def _text_key(node: nodes.Node) -> str | None:
    is_text = isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const)
    return node.arg.value if is_text and isinstance(node.arg.value, str) else None  # type: ignore[attr-defined]


def _root(node: nodes.Node | None) -> str | None:
    """The name a value comes from: `items` in `items[:3] | reverse`."""
    while isinstance(node, nodes.Getitem | nodes.Filter):
        node = node.node
    return node.name if isinstance(node, nodes.Name) else None


def _labels(tree: nodes.Template) -> Found:
    for call in tree.find_all(nodes.Call):
        if not isinstance(call.node, nodes.Name) or call.node.name not in LABELLED:
            continue
        labels = [*call.args, *(pair.value for pair in call.kwargs if pair.key == "label")]
        label = labels[0].value if labels and isinstance(labels[0], nodes.Const) else None
        if not isinstance(label, str):
            says = "a label is a plain text here, so that its length is known before a message goes out"
            yield call.lineno, f"{call.node.name}: {says}"
        elif len(label) > LABEL_LIMIT:
            yield call.lineno, f'the label "{label}" has {len(label)} characters, at most {LABEL_LIMIT} fit'
