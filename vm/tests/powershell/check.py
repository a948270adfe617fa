"""Reads PowerShell scripts by their grammar: prints FILE:LINE:COLUMN of what is none, and the commands that each calls."""

import sys

import tree_sitter_powershell
from tree_sitter import Language, Parser

parser = Parser(Language(tree_sitter_powershell.language()))


def nodes(node):
    yield node
    for child in node.children:
        yield from nodes(child)


for path in sys.argv[1:]:
    with open(path, "rb") as script:
        tree = parser.parse(script.read())
    for node in nodes(tree.root_node):
        if node.type == "ERROR" or node.is_missing:
            line, column = node.start_point
            print(f"wrong {path}:{line + 1}:{column + 1}")
        if node.type == "command_name":
            print(f"calls {node.text.decode()}")
