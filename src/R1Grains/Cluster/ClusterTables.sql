-- What grains keep beside the record, their reminders, and the keys that gateways share. Statements in the form in which
-- Orleans' ADO.NET providers ask for them: by the names in orleansquery, with these parameters and result columns.
CREATE TABLE IF NOT EXISTS grain_snapshot (
    service text NOT NULL,
    grain_type text NOT NULL,
    id_n0 bigint NOT NULL,
    id_n1 bigint NOT NULL,
    id_text text NOT NULL,
    version integer NOT NULL,
    payload bytea,
    PRIMARY KEY (service, grain_type, id_n0, id_n1, id_text)
);

CREATE TABLE IF NOT EXISTS grain_reminder (
    service text NOT NULL,
    grain text NOT NULL,
    name text NOT NULL,
    start timestamptz NOT NULL,
    period bigint NOT NULL,
    grain_hash integer NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (service, grain, name)
);
CREATE INDEX IF NOT EXISTS grain_reminder_by_hash ON grain_reminder (service, grain_hash);

CREATE TABLE IF NOT EXISTS gateway_key (
    name text PRIMARY KEY,
    xml text NOT NULL
);

CREATE TABLE IF NOT EXISTS orleansquery (
    querykey text PRIMARY KEY,
    querytext text NOT NULL
);

INSERT INTO orleansquery (querykey, querytext) VALUES
-- A first write must meet no row, a later one the version that was read; whatever returns no row is a conflict.
('WriteToStorageKey', '
    INSERT INTO grain_snapshot AS kept (service, grain_type, id_n0, id_n1, id_text, version, payload)
    SELECT @ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString::text, ''''), 1, @PayloadBinary
    WHERE @GrainStateVersion::integer IS NULL OR EXISTS (
        SELECT FROM grain_snapshot WHERE service = @ServiceId AND grain_type = @GrainTypeString
            AND id_n0 = @GrainIdN0 AND id_n1 = @GrainIdN1 AND id_text = coalesce(@GrainIdExtensionString::text, ''''))
    ON CONFLICT (service, grain_type, id_n0, id_n1, id_text) DO UPDATE SET version = kept.version + 1, payload = excluded.payload
        WHERE kept.version = @GrainStateVersion::integer
    RETURNING version AS NewGrainStateVersion'),
('ReadFromStorageKey', '
    SELECT payload AS PayloadBinary, version AS Version FROM grain_snapshot
    WHERE service = @ServiceId AND grain_type = @GrainTypeString
        AND id_n0 = @GrainIdN0 AND id_n1 = @GrainIdN1 AND id_text = coalesce(@GrainIdExtensionString::text, '''')'),
('ClearStorageKey', '
    UPDATE grain_snapshot SET version = version + 1, payload = NULL
    WHERE service = @ServiceId AND grain_type = @GrainTypeString
        AND id_n0 = @GrainIdN0 AND id_n1 = @GrainIdN1 AND id_text = coalesce(@GrainIdExtensionString::text, '''')
        AND version = @GrainStateVersion::integer
    RETURNING version AS NewGrainStateVersion'),
('UpsertReminderRowKey', '
    INSERT INTO grain_reminder AS kept (service, grain, name, start, period, grain_hash, version)
    VALUES (@ServiceId, @GrainId, @ReminderName, @StartTime, @Period, @GrainHash, 0)
    ON CONFLICT (service, grain, name) DO UPDATE SET start = excluded.start, period = excluded.period, grain_hash = excluded.grain_hash, version = kept.version + 1
    RETURNING version AS Version'),
('ReadReminderRowsKey', '
    SELECT grain AS GrainId, name AS ReminderName, start AS StartTime, period AS Period, version AS Version
    FROM grain_reminder WHERE service = @ServiceId AND grain = @GrainId'),
('ReadReminderRowKey', '
    SELECT grain AS GrainId, name AS ReminderName, start AS StartTime, period AS Period, version AS Version
    FROM grain_reminder WHERE service = @ServiceId AND grain = @GrainId AND name = @ReminderName'),
('ReadRangeRows1Key', '
    SELECT grain AS GrainId, name AS ReminderName, start AS StartTime, period AS Period, version AS Version
    FROM grain_reminder WHERE service = @ServiceId AND grain_hash > @BeginHash AND grain_hash <= @EndHash'),
('ReadRangeRows2Key', '
    SELECT grain AS GrainId, name AS ReminderName, start AS StartTime, period AS Period, version AS Version
    FROM grain_reminder WHERE service = @ServiceId AND (grain_hash > @BeginHash OR grain_hash <= @EndHash)'),
('DeleteReminderRowKey', '
    WITH gone AS (
        DELETE FROM grain_reminder WHERE service = @ServiceId AND grain = @GrainId AND name = @ReminderName AND version = @Version RETURNING 1)
    SELECT count(*)::integer AS row_count FROM gone'),
('DeleteReminderRowsKey', '
    DELETE FROM grain_reminder WHERE service = @ServiceId')
ON CONFLICT (querykey) DO UPDATE SET querytext = excluded.querytext;
