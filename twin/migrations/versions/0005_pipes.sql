-- What surveys, hydraulic models and cable records say of a segment beyond its size.
-- The same columns in the same order for its history: the trigger copies whole rows.

ALTER TABLE twin.pipe_segment
    ADD COLUMN device text,
    ADD COLUMN valve_state text,
    ADD COLUMN flow_dir INTEGER,
    ADD COLUMN size_text text,
    ADD COLUMN n_ducts INTEGER,
    ADD COLUMN used_ducts INTEGER,
    ADD COLUMN cables INTEGER,
    ADD COLUMN embed text,
    ADD COLUMN pressure_class text,
    ADD CONSTRAINT ck_pipe_segment_device CHECK (device IN ('pump', 'valve', 'orifice', 'weir', 'outlet', 'compressor', 'regulator', 'exchanger', 'other')),
    ADD CONSTRAINT ck_pipe_segment_valve_state CHECK (valve_state IN ('open', 'closed')),
    ADD CONSTRAINT ck_pipe_segment_flow_dir CHECK (flow_dir IN (-1, 0, 1)),
    ADD CONSTRAINT ck_pipe_segment_n_ducts CHECK (n_ducts > 0),
    ADD CONSTRAINT ck_pipe_segment_used_ducts CHECK (used_ducts >= 0),
    ADD CONSTRAINT ck_pipe_segment_cables CHECK (cables >= 0);

ALTER TABLE twin.pipe_segment_history
    ADD COLUMN device text,
    ADD COLUMN valve_state text,
    ADD COLUMN flow_dir INTEGER,
    ADD COLUMN size_text text,
    ADD COLUMN n_ducts INTEGER,
    ADD COLUMN used_ducts INTEGER,
    ADD COLUMN cables INTEGER,
    ADD COLUMN embed text,
    ADD COLUMN pressure_class text;

COMMENT ON COLUMN twin.pipe_segment.device IS 'what stands between the nodes instead of a pipe: pump, valve, …; null: a pipe';
COMMENT ON COLUMN twin.pipe_segment.valve_state IS 'open or closed, where the pipe or device can be shut';
COMMENT ON COLUMN twin.pipe_segment.flow_dir IS '1 from the first node to the last, -1 against, 0 both; null: not said';
COMMENT ON COLUMN twin.pipe_segment.size_text IS 'cross-section as the source writes it';
COMMENT ON COLUMN twin.pipe_segment.n_ducts IS 'ducts of a bank, pipes of a bundle (总孔数)';
COMMENT ON COLUMN twin.pipe_segment.used_ducts IS 'ducts in use (已用孔数)';
COMMENT ON COLUMN twin.pipe_segment.cables IS 'cables in it (电缆条数)';
COMMENT ON COLUMN twin.pipe_segment.embed IS 'how it lies (埋设方式): 直埋, 管沟, 管块, …';
COMMENT ON COLUMN twin.pipe_segment.pressure_class IS '压力级别 as the source says: 中压A, …';
COMMENT ON COLUMN twin.pipe_segment.depth_from_m IS 'depth of the reference below ground at the first end, m';
COMMENT ON COLUMN twin.pipe_segment.depth_to_m IS 'depth of the reference below ground at the last end, m';
