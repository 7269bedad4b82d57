-- Where a thing is, as codes: its BeiDou grid code and its management grid cell.  Kept here, so that
-- whoever writes a feature cannot forget or falsify them.  A bulk load works out both for its own
-- rows (twin/ingest/_codes.py, the same rules, a hundred times faster than row by row); its rows
-- are known by their load_id and a code that is already there.

-- The point that stands for a geometry: of an area one inside it, of a line its middle.
CREATE FUNCTION twin.representative(place geometry) RETURNS geometry
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN ST_IsEmpty(place) THEN NULL
        WHEN GeometryType(place) = 'POINT' THEN ST_Force2D(place)
        WHEN GeometryType(place) = 'LINESTRING'
            THEN ST_LineInterpolatePoint(ST_Force2D(place), 0.5)
        ELSE ST_PointOnSurface(ST_Force2D(place))
    END
$$;

-- BeiDou grid code of level 8 (GB/T 39409-2020), 1/32 of a second of arc; null beyond 88 degrees.
-- In whole numbers of 1/32″.  The product is rounded, so it is held against the edge that it found:
-- a double nearest to an edge means the edge, any other is compared exactly.
-- 57600 is 30′, 28800 15′, 19200 10′, 1920 1′, 128 4″, 64 2″, 8 1/4″.
CREATE FUNCTION twin.bd_code(lon double precision, lat double precision) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    hex CONSTANT text := '0123456789ABCDEF';
    x integer := least(round(abs(lon) * 115200), 20735999);
    y integer;
BEGIN
    IF abs(lat) >= 88 OR abs(lon) > 180 THEN
        RETURN NULL;
    END IF;
    y := round(abs(lat) * 115200);
    IF abs(lon) < x / 115200.0::double precision THEN
        x := x - 1;
    END IF;
    IF abs(lat) < y / 115200.0::double precision THEN
        y := y - 1;
    END IF;
    RETURN CASE WHEN lat >= 0 THEN 'N' ELSE 'S' END
        || lpad((CASE WHEN lon >= 0 THEN 31 + x / 691200 ELSE 30 - x / 691200 END)::text, 2, '0')
        || chr(65 + y / 460800)
        || substr(hex, x / 57600 % 12 + 1, 1) || y / 57600 % 8
        || y / 19200 % 3 * 2 + x / 28800 % 2
        || substr(hex, x / 1920 % 15 + 1, 1) || y / 1920 % 10
        || substr(hex, x / 128 % 15 + 1, 1) || substr(hex, y / 128 % 15 + 1, 1)
        || y / 64 % 2 * 2 + x / 64 % 2
        || x / 8 % 8 || y / 8 % 8 || x % 8 || y % 8;
END $$;

CREATE FUNCTION twin.bd_code_at(point geometry) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
    lonlat geometry := ST_Transform(point, 4490);
BEGIN
    RETURN twin.bd_code(ST_X(lonlat), ST_Y(lonlat));
END $$;

-- The cell that holds a point; where cells touch or overlap the one with the smallest code.
CREATE FUNCTION twin.cell_at(point geometry) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN (
        SELECT   code FROM twin.grid_cell
        WHERE    code IS NOT NULL AND state <> 'removed' AND ST_Intersects(geom, point)
        ORDER BY code COLLATE "C"
        LIMIT    1
    );
END $$;

-- Cells change alone: whoever places things holds this lock with others, whoever changes cells holds
-- it alone, or a thing placed meanwhile would keep the cell that is no more.
CREATE FUNCTION twin.keep_codes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    point geometry := twin.representative(NEW.geom);
    cell text;
BEGIN
    NEW.bd_code := twin.bd_code_at(point);
    IF TG_TABLE_NAME = 'grid_cell' THEN
        NEW.cell_id := NEW.code;
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(hashtext('twin.cells'));
    cell := twin.cell_at(point);
    IF cell IS NOT NULL THEN
        NEW.cell_id := cell;
    ELSIF TG_OP = 'UPDATE' THEN
        -- What the source says holds where there are no cells; what a cell said goes with it.
        IF NEW.cell_id IS NOT DISTINCT FROM OLD.cell_id
            AND EXISTS (SELECT FROM twin.grid_cell WHERE code = OLD.cell_id)
        THEN
            NEW.cell_id := NULL;
        END IF;
    END IF;
    RETURN NEW;
END $$;

-- Things in cells that were drawn anew, coded anew, made or taken away.
CREATE FUNCTION twin.move_cells(lost text[], areas geometry[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept regclass;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('twin.cells'));
    FOR kept IN
        SELECT tgrelid FROM pg_trigger
        WHERE  tgname = 'codes_insert' AND tgrelid <> 'twin.grid_cell'::regclass
        ORDER  BY tgrelid
    LOOP
        EXECUTE format($sql$
            WITH near AS (
                SELECT DISTINCT thing.id
                FROM   unnest($1) AS area (geom)
                       CROSS JOIN LATERAL (
                           SELECT id FROM %1$s AS t WHERE t.geom && area.geom OFFSET 0
                       ) AS thing
            ), moved AS MATERIALIZED (
                SELECT t.id, t.cell_id AS former, twin.cell_at(twin.representative(t.geom)) AS cell
                FROM   near JOIN %1$s AS t USING (id)
            )
            UPDATE %1$s AS t SET cell_id = moved.cell
            FROM   moved
            WHERE  t.id = moved.id AND moved.cell IS DISTINCT FROM moved.former
            AND    (moved.cell IS NOT NULL OR moved.former = ANY ($2))
        $sql$, kept) USING areas, lost;
    END LOOP;
END $$;

CREATE FUNCTION twin.cells_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM twin.move_cells('{}', ARRAY(SELECT geom FROM added WHERE code IS NOT NULL));
    RETURN NULL;
END $$;

CREATE FUNCTION twin.cells_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM twin.move_cells(
        ARRAY(SELECT code FROM former WHERE code IS NOT NULL),
        ARRAY(SELECT geom FROM former WHERE code IS NOT NULL)
    );
    RETURN NULL;
END $$;

CREATE FUNCTION twin.cells_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lost text[];
    areas geometry[];
BEGIN
    SELECT array_agg(former.code), array_agg(former.geom) || array_agg(added.geom)
    INTO   lost, areas
    FROM   former JOIN added USING (id)
    WHERE  former.code IS DISTINCT FROM added.code
    OR     former.geom IS DISTINCT FROM added.geom
    OR     (former.state = 'removed') <> (added.state = 'removed');
    IF areas IS NOT NULL THEN
        PERFORM twin.move_cells(lost, areas);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER cells_added AFTER INSERT ON twin.grid_cell
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION twin.cells_added();
CREATE TRIGGER cells_removed AFTER DELETE ON twin.grid_cell
    REFERENCING OLD TABLE AS former FOR EACH STATEMENT EXECUTE FUNCTION twin.cells_removed();
CREATE TRIGGER cells_changed AFTER UPDATE ON twin.grid_cell
    REFERENCING OLD TABLE AS former NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION twin.cells_changed();

-- Put a table's codes under the database's care, with the index that searches by prefix.
-- The triggers' names come before "stamp": what ends up as it was is no change.
CREATE PROCEDURE twin.carry_codes(carrier text) LANGUAGE plpgsql AS $carry$
BEGIN
    EXECUTE format(
        'CREATE INDEX %I ON twin.%I (bd_code text_pattern_ops)', 'ix_' || carrier || '_bd_code', carrier
    );
    EXECUTE format($ddl$
        CREATE TRIGGER codes_insert BEFORE INSERT ON twin.%1$I FOR EACH ROW
            WHEN (
                NEW.bd_code IS NULL OR NEW.load_id IS NULL
                OR NEW.load_id::text IS DISTINCT FROM current_setting('twin.load_id', true)
            )
            EXECUTE FUNCTION twin.keep_codes();
        CREATE TRIGGER codes_update BEFORE UPDATE OF geom, bd_code, cell_id%2$s ON twin.%1$I
            FOR EACH ROW
            WHEN (
                (
                    NEW.geom IS DISTINCT FROM OLD.geom OR NEW.bd_code IS DISTINCT FROM OLD.bd_code
                    -- Not when it is the cells that changed: they know what they do.
                    OR NEW.cell_id IS DISTINCT FROM OLD.cell_id AND pg_trigger_depth() = 0 %3$s
                )
                AND (
                    NEW.bd_code IS NULL OR NEW.load_id IS NULL
                    OR NEW.load_id::text IS DISTINCT FROM current_setting('twin.load_id', true)
                )
            )
            EXECUTE FUNCTION twin.keep_codes();
    $ddl$, carrier,
        CASE carrier WHEN 'grid_cell' THEN ', code' ELSE '' END,
        CASE carrier WHEN 'grid_cell' THEN 'OR NEW.code IS DISTINCT FROM OLD.code' ELSE '' END);
END $carry$;

-- Whatever is put under the feed from now on carries its codes, too.
ALTER PROCEDURE twin.follow(text) RENAME TO log_changes;
CREATE PROCEDURE twin.follow(followed text) LANGUAGE plpgsql AS $$
BEGIN
    CALL twin.log_changes(followed);
    CALL twin.carry_codes(followed);
END $$;
