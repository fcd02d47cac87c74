"""Pictures are drawn by a real child process; a broken one is words instead."""

import io

import pytest
from matplotlib.image import imread

from bot.answers.ask import Fetched, ask
from bot.answers.question import Question
from bot.kernel.snapshot import Bar
from bot.telegram.pictures import PictureFailed, Pictures
from tests.fakes.kernel_world import BTC, World
from tests.unit.telegram.stand import CURVE
from tests.unit.telegram.test_questions import held


def asked(world: World, name: str) -> dict[str, object]:
    kernel = world.kernel
    shelf = Fetched(rows=CURVE)
    return ask(name, Question(state=kernel.state, policy=kernel.policy, shelf=shelf))


@pytest.mark.parametrize("kind", ["chart", "equity"])
async def test_a_picture_shows_different_things_for_different_states(kind: str) -> None:
    world = held()
    market = world.kernel.state.markets[BTC]
    start = market.mark_ns
    for number in range(60):
        low = 75_000.0 + 20 * number
        opened = start + number * 300_000_000_000
        market.bars.append(Bar(opened, low, low + 90, low - 40, low + 50))
    first = await Pictures().draw(kind, asked(world, kind))
    image = imread(io.BytesIO(first))
    assert image.shape[:2] == (540, 960)
    assert image.std() > 0.02, "it is not one colour"
    if kind == "chart":
        world.kernel.state.legs.clear()
        bare = imread(io.BytesIO(await Pictures().draw(kind, asked(world, kind))))
        assert (bare != image).any(), "stop and liquidation are drawn"


async def test_a_child_that_breaks_is_a_line_and_leaves_nobody_behind() -> None:
    with pytest.raises(PictureFailed, match="KeyError"):
        await Pictures().draw("portrait", {})
