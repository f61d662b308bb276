"""House rules that ruff cannot check: variable names, docstring sections, vocabulary, imports between packages."""

import ast
import graphlib
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "sonar_debris"
MODULES = sorted(PACKAGE.rglob("*.py"))

# These names do not say what a variable holds.
BANNED_NAMES = {"each", "one", "found", "there", "named", "some", "both", "made_up", "lesson", "wanted"}
# Old-fashioned or unclear wording, with what to write instead.
BANNED_WORDS = {
    r"told": "reported, listed, passed to",
    r"anew": "again, from scratch",
    r"shall": "must, will",
    r"whatever": "any, regardless of",
    r"goes? on": "continue, resume",
    r"answers? for": "is assigned to",
    r"by turns": "alternating",
    r"costs? nothing": "does not affect",
    r"thing": "object",
    r"nobody": "no one, none",
    r"beside": "next to, compared with, in addition to",
    r"held against": "compared with",
    r"at hand": "available",
}
# Packages and top-level modules from the lowest layer to the highest: each may import only itself and those before it.
LAYERS = (
    ("errors",),
    ("backend", "files", "boxes"),
    ("frames",),
    ("windows", "detections"),
    ("outputs",),
    ("datasets",),
    ("simulator",),
    ("networks",),
    ("training",),
    ("classifiers",),
    ("evaluation",),
    ("detectors",),
    ("survey", "reproduce"),
    ("commands",),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def module_id(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


every_module = pytest.mark.parametrize("path", MODULES, ids=module_id)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def bound_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of every variable and parameter."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


@every_module
def test_variables_say_what_they_hold(path):
    assert [f"{line}: {name}" for line, name in bound_names(parse(path)) if name in BANNED_NAMES] == []


def public_functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, str | None]]:
    """Yield public functions and methods, each with the docstring that describes it."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node, ast.get_docstring(node)
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and member.name == "__init__":
                    yield member, ast.get_docstring(node)
                elif isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    yield member, ast.get_docstring(member)


def is_exempt(function: ast.FunctionDef) -> bool:
    """Return whether the docstring is a command's help text, or that of an overridden or overloaded method."""
    decorators = " ".join(map(ast.unparse, function.decorator_list))
    return bool(re.search(r"\b(command|group|override|overload)\b", decorators))


def missing_sections(function: ast.FunctionDef, docstring: str) -> list[str]:
    parameters = function.args
    names = [arg.arg for arg in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)]
    names += [arg.arg for arg in (parameters.vararg, parameters.kwarg) if arg]
    if len([name for name in names if name not in ("self", "cls")]) < 2:
        return []
    missing = [] if "Args:" in docstring else ["Args"]
    returned = ast.unparse(function.returns) if function.returns else "None"
    if returned not in ("None", "NoReturn", "Never") and not re.search(r"^(Returns|Yields):", docstring, re.M):
        missing.append("Returns")
    return missing


@every_module
def test_public_functions_document_arguments_and_result(path):
    problems = [
        f"{function.lineno}: {function.name} lacks {', '.join(missing)}"
        for function, docstring in public_functions(parse(path))
        if not is_exempt(function) and (missing := missing_sections(function, docstring or ""))
    ]

    assert problems == []


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of comments and string literals."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            for offset, line in enumerate(token.string.splitlines()):
                yield token.start[0] + offset, line


@every_module
def test_the_wording_is_plain(path):
    problems = [
        f"{line}: {word!r} (write: {instead})"
        for line, text in prose(path)
        for word, instead in BANNED_WORDS.items()
        if re.search(rf"\b{word}\b", text, re.IGNORECASE)
    ]

    assert problems == []


def imported_modules(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and top-level part of each import of this package; imports for type checkers are left out."""
    typing_only = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only or not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        package, *parts = node.module.split(".")
        if package == "sonar_debris" and parts:
            yield node.lineno, parts[0]


@every_module
def test_no_import_goes_up(path):
    own = module_id(path).split("/")[0]
    if own == "__init__":
        return  # it exports names of every layer, and imports them on first use

    upward = [f"{line}: {name}" for line, name in imported_modules(parse(path)) if RANK[name] > RANK[own]]

    assert upward == []


@every_module
def test_only_commands_use_click_and_rich(path):
    used = {
        alias.name.split(".")[0] if isinstance(node, ast.Import) else (node.module or "").split(".")[0]
        for node in ast.walk(parse(path))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }

    assert module_id(path).startswith("commands/") or not used & {"click", "rich"}


def module_name(path: Path) -> str:
    return "sonar_debris." + module_id(path).removesuffix("/__init__").replace("/", ".")


def test_modules_do_not_import_each_other_in_circles():
    names = {module_name(path): path for path in MODULES}
    graph: dict[str, set[str]] = {name: set() for name in names}
    for name, path in names.items():
        for node in parse(path).body:  # imports inside functions run later, and cannot close a circle
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sonar_debris"):
                submodules = {f"{node.module}.{alias.name}" for alias in node.names}
                graph[name] |= (submodules & names.keys()) or ({node.module} & names.keys())

    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(names)
