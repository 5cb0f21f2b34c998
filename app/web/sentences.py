"""Says the sentences of templates while they are compiled, once a language: drawing finds plain text."""

import re
from collections.abc import Callable
from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

Find = Callable[[str], str]

SAY = "_"
PLACE = re.compile(r"%(?:\((\w+)\)s|%)")


def say(template: nodes.Template, find: Find) -> nodes.Template:
    """Replace every ``_("…")`` of a template by what ``find`` says of it; values are filled in when drawn.

    What stands in a sentence may be markup; what is filled in is escaped as any other output.
    """
    _Sayer(find).visit(template)
    return template


class _Sayer(NodeTransformer):
    def __init__(self, find: Find) -> None:
        self._find = find

    def visit_Output(self, node: nodes.Output) -> nodes.Output:  # noqa: N802 - Jinja's name
        """Write a sentence of an output as text, and what is filled in between."""
        said: list[nodes.Expr] = []
        for child in node.nodes:
            said += self._write(child) if _is_sentence(child) else [self.visit(child)]
        node.nodes = said
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Expr:  # noqa: N802 - Jinja's name
        """Put a whole sentence where it is handed on; one with places is said when drawn."""
        if _is_sentence(node) and not node.kwargs:
            text = _plain(self._find(_key(node)))
            return nodes.MarkSafe(nodes.Const(text, lineno=node.lineno), lineno=node.lineno)
        self.generic_visit(node)
        return node

    def _write(self, call: Any) -> list[nodes.Expr]:
        sentence = self._find(_key(call))
        values = {pair.key: self.visit(pair.value) for pair in call.kwargs}
        written: list[nodes.Expr] = []
        end = 0
        for place in PLACE.finditer(sentence):
            written.append(nodes.TemplateData(sentence[end : place.start()], lineno=call.lineno))
            name = place[1]
            written.append(values[name] if name else nodes.TemplateData("%", lineno=call.lineno))
            end = place.end()
        return [*written, nodes.TemplateData(sentence[end:], lineno=call.lineno)]


def _key(call: Any) -> str:
    return str(call.args[0].value)


def _is_sentence(node: nodes.Node) -> bool:
    return (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name == SAY
        and len(node.args) == 1
        and isinstance(node.args[0], nodes.Const)
    )


def _plain(sentence: str) -> str:
    """Return a sentence without places; a per cent sign of its own is written twice."""
    return sentence % {}
