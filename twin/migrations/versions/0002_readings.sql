-- A corrected or deleted reading changes what its point looks like now, as a new one does.

CREATE FUNCTION twin.log_reading_moved() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    set_id bigint;
    point_layer smallint := (SELECT id FROM twin.feed_layer WHERE name = 'waterlogging_point');
BEGIN
    IF NOT EXISTS (SELECT FROM former) THEN
        RETURN NULL;
    END IF;
    set_id := twin.current_change_set();
    INSERT INTO twin.change (change_set_id, layer, op, feature_id, box_before, box_after)
    SELECT set_id, point_layer, 'U', id, geom::box, geom::box
    FROM   twin.waterlogging_point
    WHERE  id IN (SELECT point_id FROM former);
    RETURN NULL;
END $$;

CREATE TRIGGER log_reading_deleted AFTER DELETE ON twin.reading
    REFERENCING OLD TABLE AS former FOR EACH STATEMENT EXECUTE FUNCTION twin.log_reading_moved();

-- Two triggers, because a reading may be moved from one point to another.
CREATE TRIGGER log_reading_corrected AFTER UPDATE ON twin.reading
    REFERENCING NEW TABLE AS former FOR EACH STATEMENT EXECUTE FUNCTION twin.log_reading_moved();
CREATE TRIGGER log_reading_was AFTER UPDATE ON twin.reading
    REFERENCING OLD TABLE AS former FOR EACH STATEMENT EXECUTE FUNCTION twin.log_reading_moved();

-- The level of every point depends on the thresholds.
CREATE FUNCTION twin.log_threshold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    set_id bigint;
    point_layer smallint := (SELECT id FROM twin.feed_layer WHERE name = 'waterlogging_point');
BEGIN
    IF NOT EXISTS (SELECT FROM twin.waterlogging_point) THEN
        RETURN NULL;
    END IF;
    set_id := twin.current_change_set();
    INSERT INTO twin.change (change_set_id, layer, op, box_before, box_after)
    SELECT set_id, point_layer, 'L', extent, extent
    FROM   (SELECT ST_Extent(geom)::geometry::box AS extent FROM twin.waterlogging_point) AS points;
    RETURN NULL;
END $$;

CREATE TRIGGER log_threshold AFTER INSERT OR UPDATE OR DELETE ON twin.depth_threshold
    FOR EACH STATEMENT EXECUTE FUNCTION twin.log_threshold();
