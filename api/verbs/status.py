"""``citytwin status``: what is where."""

from argparse import Namespace

from api.settings import Settings
from api.verbs._verb import Verb, city, no_arguments
from layers import layers, query
from twin.changes import latest


def _run(_: Namespace, settings: Settings) -> int:
    if settings.database_url is None:
        print(f"data directory  {settings.data_dir} (TWIN_DATA_DIR)")
        print(f"database        {settings.database} (TWIN_DATABASE)")
    else:
        print("database        as TWIN_DATABASE_URL says")
    with city(settings) as opened:
        counts = query.counts(opened, layers().values())
        position = latest(opened.session)
    west, south, east, north = (round(side, 4) for side in opened.frame.lonlat_extent())
    print(f"city            {opened.name}")
    print(f"frame           {opened.frame.name}, vertical datum {opened.vertical_datum}")
    print(f"extent          {west} to {east} °E, {south} to {north} °N")
    print(f"features        {sum(counts.values()):,} in {sum(map(bool, counts.values()))} layers")
    print(f"commits so far  {position.seq:,}")
    return 0


VERB = Verb("status", "say which city is there, where, and how large", no_arguments, _run)
