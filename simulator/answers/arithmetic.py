"""Calculations in a question: found, and carried out."""

import ast
import operator
import re
from collections.abc import Callable

_CALCULATION = re.compile(r"(?<![\w.])(\(*\d[\d\s.,+\-*/×÷()]*[+\-*/×÷][\d\s.,+\-*/×÷()]*\d\)*)(?![\w%])")
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def find_calculation(question: str) -> str | None:
    """The first calculation in a question, as written there; None if it cannot be carried out."""
    found = _CALCULATION.search(question)
    return found.group(1).strip() if found and calculate(found.group(1)) is not None else None


def calculate(written: str) -> float | None:
    """The value of a calculation with + - * / and brackets; None if it is none or cannot be carried out."""
    source = written.replace("×", "*").replace("÷", "/").replace(",", "").strip()
    try:
        return float(_value(ast.parse(source, mode="eval").body))
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError, MemoryError):
        return None


def format_number(value: float) -> str:
    """A number as people write it."""
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    raise ValueError("not a calculation")
