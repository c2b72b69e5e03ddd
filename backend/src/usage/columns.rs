//! The columns that every sum of usage has, written once, and how a sum is recomputed.

macro_rules! keys {
    () => {
        "team_id, app_id, key_id, product_id, plan_id, model_id"
    };
}
macro_rules! counts {
    ($before:literal) => {
        concat!(
            $before,
            "requests, ",
            $before,
            "errors, ",
            $before,
            "input_tokens, ",
            $before,
            "cached_input_tokens, ",
            $before,
            "cache_write_tokens, ",
            $before,
            "audio_input_tokens, ",
            $before,
            "image_input_tokens, ",
            $before,
            "output_tokens, ",
            $before,
            "reasoning_tokens, ",
            $before,
            "audio_output_tokens, ",
            $before,
            "cache_write_1h_tokens, ",
            $before,
            "image_output_tokens, ",
            $before,
            "images, ",
            $before,
            "characters, ",
            $before,
            "audio_ms, ",
            $before,
            "searches, ",
            $before,
            "rows, ",
            $before,
            "compute_ms, ",
            $before,
            "cost_nanos, ",
            $before,
            "newest_at"
        )
    };
}
/// The sums of rows; `of` is what counts them and their errors, and tells the newest.
macro_rules! sums {
    () => {
        crate::usage::columns::sums!("sum(requests)", "sum(errors)", "max(newest_at)")
    };
    ($requests:literal, $errors:literal, $newest:literal) => {
        concat!(
            $requests, ", ", $errors, ", sum(input_tokens), sum(cached_input_tokens), \
             sum(cache_write_tokens), sum(audio_input_tokens), sum(image_input_tokens), \
             sum(output_tokens), sum(reasoning_tokens), sum(audio_output_tokens), \
             sum(cache_write_1h_tokens), sum(image_output_tokens), sum(images), sum(characters), \
             sum(audio_ms), sum(searches), sum(rows), sum(compute_ms), sum(cost_nanos), ", $newest
        )
    };
}
/// Recomputes stretches `$1`, `$2` of a table, each `length` long. Each is looked up by itself, so that
/// no plan made while the tables were small ever reads one of them whole. A cell that is right already
/// is not written again. `cells` names what tells them apart, `told` how the source says it, `order`
/// the rest of the primary key.
macro_rules! recompute {
    (
        $table:literal, $at:literal, $length:literal, $source:literal, $source_at:literal,
        cells: $cells:expr, told: $told:expr, sums: $sums:expr, group: $group:expr, order: $order:expr
    ) => {
        concat!(
            "insert into ",
            $table,
            " as kept (org_id, ",
            $at,
            ", ",
            $cells,
            ", ",
            crate::usage::columns::counts!(""),
            ")
             select stale.org_id, stale.at, cells.*
             from unnest($1::uuid[], $2::timestamptz[]) as stale (org_id, at)
             cross join lateral (select ",
            $told,
            ", ",
            $sums,
            " from ",
            $source,
            "
               where org_id = stale.org_id and ",
            $source_at,
            " >= stale.at
                 and ",
            $source_at,
            // A month is as long as it is in UTC, whatever zone the session is in.
            " < (stale.at at time zone 'UTC' + interval '",
            $length,
            "') at time zone 'UTC'
               group by ",
            $group,
            ") cells
             on conflict (org_id, ",
            $order,
            ")
             do update set (",
            crate::usage::columns::counts!(""),
            ") = row(",
            crate::usage::columns::counts!("excluded."),
            ")
             where (",
            crate::usage::columns::counts!("kept."),
            ") is distinct from (",
            crate::usage::columns::counts!("excluded."),
            ")"
        )
    };
}
/// [`recompute`] with all keys.
macro_rules! recompute_cells {
    ($table:literal, $at:literal, $length:literal, $source:literal, $source_at:literal, $sums:expr) => {
        crate::usage::columns::recompute!(
            $table, $at, $length, $source, $source_at,
            cells: crate::usage::columns::keys!(),
            told: crate::usage::columns::keys!(),
            sums: $sums,
            group: crate::usage::columns::keys!(),
            order: concat!($at, ", app_id, key_id, model_id, product_id, plan_id, team_id")
        )
    };
}

pub(crate) use {counts, keys, recompute, recompute_cells, sums};
