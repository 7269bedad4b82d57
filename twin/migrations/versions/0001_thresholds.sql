-- The usual depths.  A city writes its own beside them, dated.
-- Unverified: the warning scale and the wading depths are common practice, not the text of one
-- standard, except where the source says so.
INSERT INTO twin.depth_threshold (kind, key, depth_m, source) VALUES
    ('warning', 'blue',   0.15, 'GB 50014: one lane stays passable up to 15 cm'),
    ('warning', 'yellow', 0.27, 'common practice, unverified: exhaust of a car'),
    ('warning', 'orange', 0.40, 'common practice, unverified'),
    ('warning', 'red',    0.60, 'common practice, unverified'),
    ('vehicle', 'car',         0.15, 'GB 50014: one lane stays passable up to 15 cm'),
    ('vehicle', 'suv',         0.40, 'common practice, unverified'),
    ('vehicle', 'ambulance',   0.30, 'common practice, unverified'),
    ('vehicle', 'bus',         0.50, 'common practice, unverified'),
    ('vehicle', 'lorry',       0.50, 'common practice, unverified'),
    ('vehicle', 'fire_engine', 0.60, 'common practice, unverified'),
    ('vehicle', 'pump_truck',  0.80, 'common practice, unverified');
