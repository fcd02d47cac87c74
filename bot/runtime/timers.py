"""Runs periodic jobs; a job only asks or puts events, safety never depends on one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from loguru import logger

from bot.domain.units import NS_PER_DAY, NS_PER_S
from bot.ports import Clock

JOB_DEADLINE_S = 60.0
AFTER_MIDNIGHT_S = 0.01
"""Waking a hair too early would run a daily job twice."""
EVENTS = {
    EVENT_JOB_ERROR: "failed",
    EVENT_JOB_MISSED: "was missed",
    EVENT_JOB_MAX_INSTANCES: "was skipped: its last run is not over",
}


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every `every_s` seconds; `at_midnight`: once a day at 00:00 UTC instead.

    `at_start` jobs are also done once before the first period.
    """

    name: str
    every_s: float
    call: Callable[[], Awaitable[None]]
    at_midnight: bool = False
    at_start: bool = False


async def first(jobs: tuple[Job, ...]) -> None:
    """Do once what is not to wait for its period, one after the other."""
    for job in jobs:
        if job.at_start:
            await once(job)


async def once(job: Job) -> None:
    """Run a job under a deadline; what goes wrong is logged and tried again next time."""
    try:
        async with asyncio.timeout(JOB_DEADLINE_S):
            await job.call()
    except Exception:
        logger.exception("job {} failed", job.name)


async def by_scheduler(jobs: tuple[Job, ...]) -> None:
    """Run `jobs` by APScheduler until cancelled: late runs are made up for, once."""
    scheduler = AsyncIOScheduler(
        timezone="UTC",
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.add_listener(_log_trouble, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
    scheduler.add_listener(_log_trouble, EVENT_JOB_MAX_INSTANCES)
    for job in jobs:
        if job.at_midnight:
            scheduler.add_job(once, "cron", args=[job], id=job.name, hour=0, minute=0, second=0)
        else:
            scheduler.add_job(once, "interval", args=[job], id=job.name, seconds=job.every_s)
    scheduler.start()
    try:
        await asyncio.Event().wait()
    finally:
        scheduler.shutdown(wait=False)


def _log_trouble(event: JobEvent) -> None:
    logger.warning("job {} {}", event.job_id, EVENTS.get(event.code, "had trouble"))


async def by_clock(jobs: tuple[Job, ...], clock: Clock) -> None:
    """Run `jobs` by the given clock alone until cancelled, for simulated time."""
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_repeat(job, clock), name=f"job:{job.name}")


async def _repeat(job: Job, clock: Clock) -> None:
    while True:
        pause_s = job.every_s
        if job.at_midnight:
            pause_s = (NS_PER_DAY - clock.now_ns() % NS_PER_DAY) / NS_PER_S + AFTER_MIDNIGHT_S
        await clock.sleep_s(pause_s)
        await once(job)
