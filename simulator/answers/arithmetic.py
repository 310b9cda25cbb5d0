"""Sums that a question holds, worked out."""

import ast
import operator
import re
from collections.abc import Callable

_SUM = re.compile(r"(?<![\w.])(\(*\d[\d\s.,+\-*/×÷()]*[+\-*/×÷][\d\s.,+\-*/×÷()]*\d\)*)(?![\w%])")
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def find_sum(question: str) -> str | None:
    """The first sum in a question as it is written there, None when it has none that can be done."""
    found = _SUM.search(question)
    return found.group(1).strip() if found and calculate(found.group(1)) is not None else None


def calculate(written: str) -> float | None:
    """The value of a sum with + - * / and brackets, None when it is none or can't be done."""
    source = written.replace("×", "*").replace("÷", "/").replace(",", "").strip()
    try:
        return float(_value(ast.parse(source, mode="eval").body))
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError, MemoryError):
        return None


def shown(value: float) -> str:
    """A number as one writes it."""
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    raise ValueError("not a sum")
