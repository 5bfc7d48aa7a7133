"""Celery's scheduler, but for one thing: it goes on when its clock is set back.

Celery sends nothing for as long as the clock was set back, nor after a restart, since it keeps when each task last ran.
"""

from celery import beat


class Scheduler(beat.PersistentScheduler):
    def tick(self, *arguments: object, **options: object) -> float:
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at > entry.default_now()]
        for entry in ahead:
            entry.last_run_at = entry.default_now()
        if ahead:
            self._heap = None  # made anew: what comes next was put off as far
        return super().tick(*arguments, **options)
