import logging
import shutil

log = logging.getLogger(__name__)


def prune_saved_runs(run, by_mtime=False, folder=None):
    """Delete the oldest snapshots of `run` so that no more than the configured number stays on disk."""
    limit = run.args.save_total_limit
    if not limit or limit < 0:
        return

    snapshots = run.list_snapshots(by_mtime, folder)
    surplus = len(snapshots) - limit
    if surplus <= 0:
        return

    best = run.state.best_snapshot
    if limit == 1 and best not in (None, snapshots[-1]):
        # keep both the best and the newest one, otherwise training could not be resumed
        surplus -= 1

    while surplus > 0:
        victim, *snapshots = snapshots
        log.info("Removing old snapshot %s (limit is %s)", victim, limit)
        shutil.rmtree(victim, True)
        surplus -= 1
