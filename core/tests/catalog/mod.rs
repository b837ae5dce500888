//! What every catalog must do, written once and run against each of them, and what only the one
//! in SQLite must do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod keys;
mod leases;
mod rules;
mod segments;
mod sqlite_damage;
mod sqlite_file;
mod sqlite_original;
mod sqlite_processes;
mod sqlite_shared;
mod sqlite_upkeep;
mod support;
mod upkeep;

/// Makes a test of each behaviour for each catalog.
macro_rules! every_catalog {
    ($($file:ident: $($behaviour:ident)+;)+) => {
        mod memory {
            $($(#[test] fn $behaviour() {
                super::$file::$behaviour(&segmentry::MemoryCatalog::new());
            })+)+
        }
        mod sqlite_in_memory {
            $($(#[test] fn $behaviour() {
                super::$file::$behaviour(&segmentry::SqliteCatalog::open(":memory:").unwrap());
            })+)+
        }
        mod sqlite_in_a_file {
            $($(#[test] fn $behaviour() {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("audience.db");
                super::$file::$behaviour(&segmentry::SqliteCatalog::open(path).unwrap());
            })+)+
        }
    };
}

every_catalog! {
    rules:
        a_new_catalog_is_empty
        a_rule_is_kept_as_it_was_written
        blank_members_are_none
        changes_need_the_revision_they_were_made_on
        every_change_raises_the_revision
        each_wording_is_in_the_history
        a_deleted_rule_keeps_its_history
        ids_are_never_given_twice
        an_id_that_was_given_is_refused
        names_are_unique
        a_name_is_free_once_its_rule_is_gone
        a_bad_change_undoes_all
        rules_that_are_not_there_are_not_found
        no_changes_change_nothing
        instants_are_whole_microseconds;
    keys:
        a_new_dictionary_has_no_type
        int_keys_come_back_in_order
        text_keys_come_back_in_order
        keys_are_read_from_any_ordinal
        keys_fill_whole_blocks_and_begin_new_ones
        keys_of_another_type_are_refused
        only_the_first_to_append_does
        keys_that_were_never_there_are_an_error
        no_keys_leave_no_trace;
    segments:
        a_run_publishes_its_segments
        a_run_may_have_no_segments
        the_next_version_takes_over
        unchanged_members_are_shared
        differences_are_kept_with_what_they_lean_on
        members_that_lean_on_nothing_are_an_error
        a_changed_rule_makes_a_run_stale
        a_deleted_rule_makes_a_run_stale
        another_refresh_makes_a_run_stale
        a_stale_run_leaves_nothing
        a_rule_twice_in_a_run_is_an_error
        a_deleted_rule_takes_its_segment_along
        segment_ids_are_never_given_twice
        segments_come_in_pages
        segments_are_searched_by_name
        runs_come_in_pages_newest_first
        unknown_things_are_none;
    leases:
        a_lease_is_given_on_all_rules_or_none
        a_lease_ends_when_it_expires
        a_lease_from_the_future_has_expired
        a_renewed_lease_goes_on
        an_owner_takes_over_its_own_leases
        who_lost_a_lease_cannot_publish
        an_expired_lease_that_nobody_took_still_publishes
        a_lease_covers_what_is_published
        a_stale_run_keeps_its_lease
        schedules_are_kept_under_a_lease
        a_run_settles_schedules_and_the_queue
        a_queued_run_waits_once
        queued_runs_become_one
        a_deleted_rule_leaves_the_timetable;
    upkeep:
        old_versions_are_dropped
        what_leans_on_dropped_members_stands_by_itself
        versions_whose_members_are_no_bitmaps_are_not_dropped
        old_runs_are_dropped
        shrinking_changes_nothing
        a_forgotten_user_is_in_no_version
        a_forgotten_key_is_a_new_user_when_it_comes_again
        text_keys_are_forgotten
        a_run_that_began_before_brings_nobody_back
        nobody_is_forgotten_where_members_are_no_bitmaps
        versions_come_by_run
        guards_are_kept;
}
