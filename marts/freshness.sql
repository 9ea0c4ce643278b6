SELECT
    mart,
    CAST(CAST(:published_at AS timestamp) AS timestamp_ntz) AS published_at,
    :gold_run_id AS gold_run_id,
    CAST(:silver_snapshot_id AS bigint) AS silver_snapshot_id,
    CAST(:data_through AS date) AS data_through
FROM (SELECT explode(split(:marts, ',')) AS mart)
