"""What happens to a line between two services, told the same wherever the line runs."""

from __future__ import annotations

from tests.integration.figures.line import Line
from tests.integration.figures.pair import Pair


def cut_again_and_again(pair: Pair, line: Line, turns: int, a_turn: int) -> None:
    """Nothing is lost and nothing taken twice, though the line is cut amid every turn's events."""
    pair.start()
    for turn in range(turns):
        pair.tell(turn * a_turn, turn * a_turn + 10)
        pair.wait_for(turn * a_turn + 5)
        line.cut()
        pair.tell(turn * a_turn + 10, (turn + 1) * a_turn)
        line.mend()
    pair.wait_for(turns * a_turn)
    pair.ensure_each_once_and_in_order(turns * a_turn)
