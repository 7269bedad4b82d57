-- History as of any moment (docs/decisions/history.md).
--
-- A state of a feature holds from the change set that wrote it (recorded_by) until the one that
-- replaced it (replaced_by).  Both are ids, drawn when a transaction first writes; what was known at
-- a commit is told from them as PostgreSQL tells it from transaction ids: everything drawn until
-- then (change_set.top_id), but for those change sets that were still being written and came later.

ALTER TABLE twin.change_set
    ADD COLUMN committed_at timestamptz,
    ADD COLUMN began_after bigint,
    ADD COLUMN top_id bigint;
COMMENT ON COLUMN twin.change_set.committed_at IS 'when it was committed; grows with seq';
COMMENT ON COLUMN twin.change_set.began_after IS 'the last seq given when its id was drawn';
COMMENT ON COLUMN twin.change_set.top_id IS 'the last id drawn when it was committed';

-- Microseconds since 1970 of the last commit.  A sequence, since what it holds is seen at once and
-- by every snapshot: commits get different, growing times even if the clock is set back.
CREATE SEQUENCE twin.change_set_moment MINVALUE 0 START 0;

-- Commits before this migration told only when they began.
WITH numbered AS (
    SELECT id,
           max(at) OVER in_order AS committed_at,
           max(id) OVER in_order AS top_id,
           lag(seq) OVER in_order AS before
    FROM   twin.change_set
    WHERE  seq IS NOT NULL
    WINDOW in_order AS (ORDER BY seq)
)
UPDATE twin.change_set
SET    committed_at = numbered.committed_at, top_id = numbered.top_id,
       began_after = coalesce(numbered.before, 0)
FROM   numbered
WHERE  numbered.id = change_set.id;
UPDATE twin.change_set AS slow
SET    began_after = (
           SELECT coalesce(max(seq), 0) FROM twin.change_set AS former
           WHERE  former.seq < slow.seq AND former.top_id < slow.id
       )
WHERE  EXISTS (
    SELECT FROM twin.change_set AS former
    WHERE  former.seq = slow.began_after AND former.top_id > slow.id
);
SELECT setval('twin.change_set_moment', (extract(epoch FROM max(committed_at)) * 1e6)::bigint)
FROM   twin.change_set
HAVING max(committed_at) IS NOT NULL;

CREATE INDEX ix_change_set_committed_at_seq ON twin.change_set (committed_at, seq);
-- Only what was written while others committed; of a city with few writers nearly nothing.
CREATE INDEX ix_change_set_open ON twin.change_set USING gist (int8range(began_after, seq, '()'))
    WHERE seq - began_after > 1;

CREATE OR REPLACE FUNCTION twin.current_change_set() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    current_set bigint := nullif(current_setting('twin.change_set', true), '')::bigint;
    began bigint;
BEGIN
    IF current_set IS NULL THEN
        -- Before the id is drawn: what was committed until here has a lower id in its top_id.
        SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO began FROM twin.change_set_seq;
        INSERT INTO twin.change_set (at, actor, load_id, began_after)
        VALUES (
            now(),
            coalesce(nullif(current_setting('twin.actor', true), ''), session_user),
            nullif(current_setting('twin.load_id', true), '')::integer,
            began
        )
        RETURNING id INTO current_set;
        -- Local to the transaction, and undone with a savepoint like the row itself.
        PERFORM set_config('twin.change_set', current_set::text, true);
    END IF;
    RETURN current_set;
END $$;

CREATE OR REPLACE FUNCTION twin.number_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    top bigint;
    number bigint;
    moment bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('twin.change_set.seq'));
    -- In this order: an id drawn after the number is given is above top.
    SELECT last_value INTO top FROM twin.change_set_id_seq;
    number := nextval('twin.change_set_seq');
    SELECT greatest(last_value + 1, floor(extract(epoch FROM clock_timestamp()) * 1e6)::bigint)
    INTO   moment FROM twin.change_set_moment;
    PERFORM setval('twin.change_set_moment', moment);
    UPDATE twin.change_set
    SET    seq = number, top_id = top,
           committed_at = timestamptz 'epoch' + moment * interval '1 microsecond'
    WHERE  id = NEW.id;
    PERFORM pg_notify('twin_change', number::text);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION twin.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW *= OLD THEN
        RETURN NULL;  -- nothing changes, so nothing is logged
    END IF;
    IF NEW.id <> OLD.id OR NEW.uid <> OLD.uid THEN
        RAISE EXCEPTION 'id and uid of a feature never change (% %)', TG_TABLE_NAME, OLD.id
            USING ERRCODE = 'check_violation';
    END IF;
    NEW.recorded_at := now();
    NEW.recorded_by := twin.current_change_set();
    RETURN NEW;
END $$;

-- Give a followed table the column that says which change set wrote a row.
CREATE PROCEDURE twin.tell_writer(followed text) LANGUAGE plpgsql AS $$
BEGIN
    -- The first row of a transaction draws the number; the others read a setting.
    EXECUTE format($ddl$
        ALTER TABLE twin.%1$I ADD COLUMN IF NOT EXISTS recorded_by bigint;
        ALTER TABLE twin.%1$I ALTER COLUMN recorded_by SET DEFAULT coalesce(
            nullif(current_setting('twin.change_set', true), '')::bigint, twin.current_change_set()
        );
        COMMENT ON COLUMN twin.%1$I.recorded_by IS
            'change_set.id that wrote this state; kept by trigger';
    $ddl$, followed);
END $$;

-- Make the table of a followed table's former states.  Its own columns stand first, so that a
-- column added to both tables keeps the order.  What is new goes to the default partition, so no
-- insert ever lacks one; twin.seal_history puts it away when it has become large.
CREATE PROCEDURE twin.make_history(followed text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($ddl$
        CREATE TABLE twin.%1$I (
            replaced_at timestamptz NOT NULL,
            replaced_by bigint NOT NULL,
            op "char" NOT NULL CONSTRAINT %3$I CHECK (op IN ('U', 'D')),
            LIKE twin.%2$I
        ) PARTITION BY RANGE (replaced_by);
        COMMENT ON TABLE twin.%1$I IS 'Former states of twin.%2$s, written by trigger.';
        COMMENT ON COLUMN twin.%1$I.replaced_at IS 'start of the transaction that replaced it';
        COMMENT ON COLUMN twin.%1$I.replaced_by IS 'change_set.id that replaced it';
    $ddl$, followed || '_history', followed, 'ck_' || followed || '_history_op');
END $$;

CREATE PROCEDURE twin.index_history(followed text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($ddl$
        ALTER TABLE twin.%1$I ADD CONSTRAINT %2$I PRIMARY KEY (id, replaced_by);
        CREATE INDEX %3$I ON twin.%1$I USING gist (
            geom, int8range(least(recorded_by, replaced_by), greatest(recorded_by, replaced_by), '[]')
        );
        CREATE INDEX %4$I ON twin.%1$I (uid) WHERE op = 'D';
        CREATE INDEX %5$I ON twin.%1$I USING brin (replaced_by);
    $ddl$, followed || '_history', 'pk_' || followed || '_history',
           'ix_' || followed || '_history_geom', 'ix_' || followed || '_history_uid',
           'ix_' || followed || '_history_replaced_by');
END $$;

-- Write the functions that log a followed table's changes.  Each table has functions of its own so
-- that their plans are kept; one function with EXECUTE would plan at every edit.
-- A state that the same transaction wrote and replaced was never to be seen: it is not kept.
CREATE PROCEDURE twin.write_log_functions(followed text, number smallint) LANGUAGE plpgsql AS $write$
BEGIN
    EXECUTE format($ddl$
        CREATE OR REPLACE FUNCTION twin.%1$I() RETURNS trigger LANGUAGE plpgsql AS $body$
        DECLARE
            set_id bigint;
        BEGIN
            IF NOT EXISTS (SELECT FROM added) THEN
                RETURN NULL;
            END IF;
            set_id := twin.current_change_set();
            IF EXISTS (SELECT FROM added WHERE recorded_by IS DISTINCT FROM set_id) THEN
                RAISE EXCEPTION 'recorded_by of %3$s is written by the database alone'
                    USING ERRCODE = 'check_violation';
            END IF;
            IF current_setting('twin.load_id', true) <> '' THEN
                INSERT INTO twin.change (change_set_id, layer, op, box_after)
                SELECT set_id, %2$s, 'L', ST_Extent(geom)::geometry::box FROM added;
            ELSE
                INSERT INTO twin.change (change_set_id, layer, op, feature_id, box_after)
                SELECT set_id, %2$s, 'I', id, geom::box FROM added;
            END IF;
            RETURN NULL;
        END $body$;
    $ddl$, 'log_insert_' || followed, number, followed);

    EXECUTE format($ddl$
        CREATE OR REPLACE FUNCTION twin.%1$I() RETURNS trigger LANGUAGE plpgsql AS $body$
        DECLARE
            set_id bigint;
        BEGIN
            IF NOT EXISTS (SELECT FROM former) THEN
                RETURN NULL;
            END IF;
            set_id := twin.current_change_set();
            INSERT INTO twin.%3$I
            SELECT now(), set_id, 'U', former.* FROM former WHERE former.recorded_by <> set_id;
            IF current_setting('twin.load_id', true) <> '' THEN
                INSERT INTO twin.change (change_set_id, layer, op, box_before, box_after)
                SELECT set_id, %2$s, 'L',
                       (SELECT ST_Extent(geom)::geometry::box FROM former),
                       (SELECT ST_Extent(geom)::geometry::box FROM added);
            ELSE
                INSERT INTO twin.change
                    (change_set_id, layer, op, feature_id, box_before, box_after)
                SELECT set_id, %2$s, 'U', added.id, former.geom::box, added.geom::box
                FROM   former JOIN added ON added.id = former.id;
            END IF;
            RETURN NULL;
        END $body$;
    $ddl$, 'log_update_' || followed, number, followed || '_history');

    EXECUTE format($ddl$
        CREATE OR REPLACE FUNCTION twin.%1$I() RETURNS trigger LANGUAGE plpgsql AS $body$
        DECLARE
            set_id bigint;
        BEGIN
            IF NOT EXISTS (SELECT FROM former) THEN
                RETURN NULL;
            END IF;
            set_id := twin.current_change_set();
            INSERT INTO twin.%3$I
            SELECT now(), set_id, 'D', former.* FROM former WHERE former.recorded_by <> set_id;
            IF current_setting('twin.load_id', true) <> '' THEN
                INSERT INTO twin.change (change_set_id, layer, op, box_before)
                SELECT set_id, %2$s, 'L', ST_Extent(geom)::geometry::box FROM former;
            ELSE
                INSERT INTO twin.change (change_set_id, layer, op, feature_id, box_before)
                SELECT set_id, %2$s, 'D', id, geom::box FROM former;
            END IF;
            RETURN NULL;
        END $body$;
    $ddl$, 'log_delete_' || followed, number, followed || '_history');
END $write$;

-- Put a table under the feed: its history table, its triggers.
CREATE OR REPLACE PROCEDURE twin.log_changes(followed text) LANGUAGE plpgsql AS $follow$
DECLARE
    number smallint;
BEGIN
    INSERT INTO twin.feed_layer (name) VALUES (followed) RETURNING id INTO number;
    CALL twin.tell_writer(followed);
    EXECUTE format('ALTER TABLE twin.%I ALTER COLUMN recorded_by SET NOT NULL', followed);
    CALL twin.make_history(followed);
    EXECUTE format('CREATE TABLE twin.%I PARTITION OF twin.%I DEFAULT',
                   followed || '_history_default', followed || '_history');
    CALL twin.index_history(followed);
    CALL twin.write_log_functions(followed, number);
    EXECUTE format($ddl$
        CREATE TRIGGER stamp BEFORE UPDATE ON twin.%1$I
            FOR EACH ROW EXECUTE FUNCTION twin.stamp();
        CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON twin.%1$I
            FOR EACH STATEMENT EXECUTE FUNCTION twin.refuse_truncate();
        CREATE TRIGGER log_insert AFTER INSERT ON twin.%1$I
            REFERENCING NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION twin.%2$I();
        CREATE TRIGGER log_update AFTER UPDATE ON twin.%1$I
            REFERENCING OLD TABLE AS former NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION twin.%3$I();
        CREATE TRIGGER log_delete AFTER DELETE ON twin.%1$I
            REFERENCING OLD TABLE AS former
            FOR EACH STATEMENT EXECUTE FUNCTION twin.%4$I();
    $ddl$, followed, 'log_insert_' || followed, 'log_update_' || followed,
           'log_delete_' || followed);
END $follow$;

-- Add a column to a followed table and to its history, in the same place of both.  What was known
-- before says nothing of it: former states have null there, whatever the rule of the table.
CREATE PROCEDURE twin.add_column(followed text, name text, kind text, rule text DEFAULT '')
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE twin.%I ADD COLUMN %I %s %s', followed, name, kind, rule);
    EXECUTE format('ALTER TABLE twin.%I ADD COLUMN %I %s', followed || '_history', name, kind);
END $$;

-- Bring a table that is followed already, and its history, into this form.
CREATE PROCEDURE twin.adopt_history(followed text, number smallint) LANGUAGE plpgsql AS $adopt$
DECLARE
    history text := followed || '_history';
    part text := followed || '_history_default';
    younger text;
BEGIN
    EXECUTE format('ALTER TABLE twin.%I ADD COLUMN recorded_by bigint', history);
    CALL twin.tell_writer(followed);
    -- recorded_at and change_set.at are both the start of the transaction.  Zero is a state whose
    -- writing left no trace: it has held for as long as anything is known.  No triggers: nothing in
    -- the city changes.
    EXECUTE format($dml$
        ALTER TABLE twin.%1$I DISABLE TRIGGER USER;
        UPDATE twin.%1$I AS state SET recorded_by = coalesce((
            SELECT id FROM twin.change_set WHERE at = state.recorded_at ORDER BY seq LIMIT 1
        ), 0);
        ALTER TABLE twin.%1$I ENABLE TRIGGER USER;
        UPDATE twin.%2$I AS state SET recorded_by = coalesce((
            SELECT id FROM twin.change_set WHERE at = state.recorded_at ORDER BY seq LIMIT 1
        ), 0);
        ALTER TABLE twin.%1$I ALTER COLUMN recorded_by SET NOT NULL;
        ALTER TABLE twin.%2$I ALTER COLUMN recorded_by SET NOT NULL;
        -- Written and replaced by one transaction: nobody ever saw it.
        DELETE FROM twin.%2$I WHERE recorded_by = replaced_by;
        ALTER TABLE twin.%2$I DROP COLUMN history_id;
        DROP INDEX twin.%3$I;
        ALTER TABLE twin.%2$I RENAME CONSTRAINT %5$I TO %6$I;
        ALTER TABLE twin.%2$I RENAME TO %4$I;
    $dml$, followed, history, 'ix_' || followed || '_history_id_replaced_at', part,
           history || '_op_check', 'ck_' || history || '_op');
    CALL twin.make_history(followed);
    -- A column that came later need not be known of every former state.
    FOR younger IN
        SELECT child.attname
        FROM   pg_attribute AS parent
        JOIN   pg_attribute AS child USING (attname)
        WHERE  parent.attrelid = format('twin.%I', history)::regclass
        AND    child.attrelid = format('twin.%I', part)::regclass
        AND    parent.attnotnull AND NOT child.attnotnull
    LOOP
        EXECUTE format('ALTER TABLE twin.%I ALTER COLUMN %I DROP NOT NULL', history, younger);
    END LOOP;
    EXECUTE format('ALTER TABLE twin.%I ATTACH PARTITION twin.%I DEFAULT', history, part);
    CALL twin.index_history(followed);
    CALL twin.write_log_functions(followed, number);
END $adopt$;

-- Put what the default partition holds into one of its own, named after the first change set that
-- is not in it, if it has become larger than so many bytes.  Returns whether it did.
CREATE FUNCTION twin.seal_history(followed text, larger_than bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    history text := followed || '_history';
    part text := followed || '_history_default';
    first_id text;
    next_id bigint;
BEGIN
    IF pg_relation_size(format('twin.%I', part)) <= larger_than THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE twin.%I, twin.%I IN ACCESS EXCLUSIVE MODE', history, part);
    SELECT last_value + 1 INTO next_id FROM twin.change_set_id_seq;
    SELECT coalesce(max(substr(relname, length(history) + 2)::bigint)::text, 'MINVALUE')
    INTO   first_id
    FROM   pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE  inhparent = format('twin.%I', history)::regclass AND relname <> part;
    EXECUTE format($ddl$
        ALTER TABLE twin.%1$I DETACH PARTITION twin.%2$I;
        ALTER TABLE twin.%2$I RENAME TO %3$I;
        ALTER TABLE twin.%1$I ATTACH PARTITION twin.%3$I FOR VALUES FROM (%4$s) TO (%5$s);
        CREATE TABLE twin.%2$I PARTITION OF twin.%1$I DEFAULT;
    $ddl$, history, part, history || '_' || lpad(next_id::text, 19, '0'), first_id, next_id);
    RETURN true;
END $$;

CREATE INDEX adopting ON twin.change_set (at);
DO $$
DECLARE
    layer twin.feed_layer;
BEGIN
    FOR layer IN SELECT * FROM twin.feed_layer ORDER BY id LOOP
        CALL twin.adopt_history(layer.name, layer.id);
    END LOOP;
END $$;
DROP INDEX twin.adopting;
DROP PROCEDURE twin.adopt_history;
