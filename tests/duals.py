"""Proofs from real linear programs: the duals that HiGHS finds, as whole multipliers."""

from __future__ import annotations

from typing import Any

import highspy
import numpy as np

import row_proofs
from certificates import Relaxation
from questions import Question

_SCALE = 10**6


def prove_by_duals(question: Question, relaxation: Relaxation) -> Relaxation | None:
    """The relaxation with the proof that its linear program's duals make; None when there is none."""
    ticks = question.ticks
    unit = max(1, *ticks.work, *ticks.transfer, *ticks.params)
    rows = row_proofs.every_row(question, relaxation)
    forms = [row_proofs.row_form(question, relaxation, 1, row) for row in rows]
    columns = {
        variable: index for index, variable in enumerate({v: 0 for left, _ in forms for v in left} | {("t",): 0})
    }
    box = row_proofs.boxes(question, relaxation)

    # In the program all costs are divided by the unit, so that its numbers are near 1.
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(columns), len(rows)
    lp.col_cost_ = np.array([float(variable == ("t",)) for variable in columns])
    lower, upper = np.zeros(len(columns)), np.ones(len(columns))
    for variable, column in columns.items():
        match variable:
            case ["y", v, i]:
                lower[column], upper[column] = box[v, i]
            case ["over", _]:
                upper[column] = sum(ticks.params) / unit
            case ["t"]:
                upper[column] = highspy.kHighsInf
    lp.col_lower_, lp.col_upper_ = lower, upper
    start, index, value, least = [0], [], [], []
    for row, (left, right) in zip(rows, forms, strict=True):
        is_cost = row[0] in ("cost", "overflow", "demand")
        for variable, factor in left.items():
            index.append(columns[variable])
            value.append(factor / unit if is_cost and variable[0] in ("y", "cut") else float(factor))
        start.append(len(index))
        least.append(right / unit if is_cost else float(right))
    lp.row_lower_, lp.row_upper_ = np.array(least), np.full(len(rows), highspy.kHighsInf)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = np.array(start), np.array(index), np.array(value)

    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call] # its stubs leave it out
    highs.setOptionValue("output_flag", False)  # noqa: FBT003 - HiGHS's own way
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("presolve", "off")  # else an infeasible program has no ray
    highs.passModel(lp)
    highs.run()
    duals = highs.getSolution().row_dual
    if highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        # Then some sum of rows is what nothing satisfies.
        _, _, duals = highs.getDualRay()
    multipliers = [round(float(dual) * _SCALE) for dual in duals]
    chosen: list[list[Any]] = [[*row, times] for row, times in zip(rows, multipliers, strict=True) if times > 0]
    return row_proofs.prove(question, relaxation, unit, chosen)
