"""The world's clock: who follows it, and whom it follows."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import time_machine
from freezegun import freeze_time

from mockkms.server.gateway.sleepers import Sleepers
from mockkms.world.clock import Clock, Moment, rfc3339

EAST = timezone(timedelta(hours=10))
MOMENT = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_follows_time_machine() -> None:
    clock = Clock()
    with time_machine.travel(MOMENT, tick=False) as traveller:
        assert clock.now() == MOMENT.timestamp()
        traveller.shift(90)
        assert clock.now() == MOMENT.timestamp() + 90
    before = time.time()
    assert before <= clock.now() <= time.time()


def test_follows_freezegun_and_keeps_its_own_offset() -> None:
    clock = Clock()
    clock.advance(3600)
    with freeze_time(MOMENT) as frozen:
        assert clock.now() == MOMENT.timestamp() + 3600
        frozen.tick(30)
        assert clock.now() == MOMENT.timestamp() + 3630


@pytest.mark.parametrize(
    "moment", [-1, "1969-12-31T23:59:59Z", "0001-01-01", date(1969, 12, 31), datetime(1, 1, 1, tzinfo=EAST)]
)
def test_no_moment_before_1970_which_would_read_as_never(moment: Moment) -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="is out of range: use the years 1970 to 9999"):
        clock.freeze(moment)
    with pytest.raises(ValueError, match="is out of range"):
        clock.set(moment)
    clock.advance(-1e12)
    assert 0 <= clock.now() < 60
    clock.freeze(datetime.max)
    assert rfc3339(clock.now()) == "9999-12-31T23:59:59Z"


def test_sleepers_wake_in_the_order_of_their_moments() -> None:
    clock = Clock()
    clock.freeze(1000.0)
    sleepers, woken = Sleepers(clock), []

    async def sleep(seconds: float) -> None:
        await sleepers.sleep(seconds)
        woken.append(seconds)

    async def main() -> None:
        tasks = []
        for seconds in (300.0, 100.0, 200.0, 900.0):
            tasks.append(asyncio.ensure_future(sleep(seconds)))
            await asyncio.sleep(0)
        clock.advance(300)
        await asyncio.wait_for(asyncio.gather(*tasks[:3]), 5)
        assert not tasks[3].done()
        tasks[3].cancel()

    asyncio.run(main())
    assert woken == [100.0, 200.0, 300.0]
