WITH loads AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY source_file, source_version ORDER BY loaded_at DESC, batch_id DESC) AS newest,
        count(*) OVER (PARTITION BY source_file, source_version) AS loads
    FROM file_loads
),
-- A file that was loaded twice may have left its bad rows twice: rows are counted by their place in the file.
reasons AS (
    SELECT source_file, source_version, reason, count(DISTINCT source_row) AS found
    FROM quarantine LATERAL VIEW explode(reasons) AS reason
    GROUP BY source_file, source_version, reason
),
listed AS (
    SELECT
        source_file, source_version,
        transform(sort_array(collect_list(struct(-found AS found, reason))), r -> concat(r.reason, ': ', -r.found)) AS reasons
    FROM reasons
    GROUP BY source_file, source_version
),
-- A row that a later file repaired waits no longer; what a file brought on its day stays as it was counted.
waiting AS (
    SELECT source_file, source_version, count(DISTINCT source_row) AS still
    FROM quarantine
    GROUP BY source_file, source_version
)
SELECT
    l.source_file,
    l.source_version,
    l.contract,
    CASE
        WHEN l.state <> 'LOADED' THEN lower(l.state)
        WHEN l.rows_in = 0 THEN 'no rows'
        WHEN w.still > 0 THEN 'loaded, with rows in quarantine'
        WHEN l.quarantined > 0 THEN 'loaded, none left in quarantine'
        WHEN l.flagged > 0 THEN 'loaded, with rows flagged'
        ELSE 'loaded'
    END AS status,
    l.reason,
    l.rows_in, l.inserted, l.updated, l.unchanged, l.superseded, l.duplicate, l.quarantined, l.blank, l.flagged,
    l.rows_in = l.inserted + l.updated + l.unchanged + l.superseded + l.duplicate + l.quarantined AS adds_up,
    CAST(l.quarantined AS double) / nullif(l.rows_in, 0) AS quarantined_share,
    coalesce(listed.reasons, CAST(array() AS array<string>)) AS quarantine_reasons,
    coalesce(l.findings, CAST(array() AS array<string>)) AS findings,
    coalesce(w.still, 0) AS waiting,
    l.loads,
    l.batch_id,
    l.loaded_at
FROM loads l LEFT JOIN listed
    ON listed.source_file = l.source_file AND listed.source_version <=> l.source_version
LEFT JOIN waiting w
    ON w.source_file = l.source_file AND w.source_version <=> l.source_version
WHERE l.newest = 1
