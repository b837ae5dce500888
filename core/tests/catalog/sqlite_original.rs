//! Databases that the original platform made: they open, lose nothing, and it can go on.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params};
use segmentry::{Catalog, Code, RuleChange, RuleText, SqliteCatalog};
use tempfile::TempDir;

use super::support::{
    add, at, change, current_members, full, named, new_segment, page, publish, segment,
};

/// The schema as SQLAlchemy writes it, with the host's data beside it.
const ORIGINAL: &str = "
CREATE TABLE users (user_id INTEGER NOT NULL, city_tier VARCHAR(20), PRIMARY KEY (user_id));
CREATE TABLE upi_transactions (
    transaction_id INTEGER NOT NULL, user_id INTEGER, amount NUMERIC(10, 2),
    transaction_date DATETIME, PRIMARY KEY (transaction_id),
    FOREIGN KEY(user_id) REFERENCES users (user_id));
CREATE TABLE rule_table (
    id INTEGER NOT NULL,
    rule_name VARCHAR(255) NOT NULL,
    conditions TEXT NOT NULL,
    schedule VARCHAR(100),
    start_date DATETIME,
    end_date DATETIME,
    depends_on TEXT,
    operation VARCHAR(20),
    created_at DATETIME,
    updated_at DATETIME,
    PRIMARY KEY (id));
CREATE TABLE segment_catalog (
    id INTEGER NOT NULL,
    rule_id INTEGER,
    segment_name VARCHAR(255),
    description TEXT,
    table_name VARCHAR(255),
    row_count INTEGER,
    sql_query TEXT,
    last_refreshed_at DATETIME,
    PRIMARY KEY (id),
    FOREIGN KEY(rule_id) REFERENCES rule_table (id));
INSERT INTO users VALUES (1, 'Tier 1'), (2, NULL);
INSERT INTO upi_transactions VALUES (1, 1, 10.5, '2025-01-01 00:00:00.000000');
INSERT INTO rule_table VALUES
    (3, 'Spenders', '[{\"field\": \"total_spend\"}]', '0 6 * * *', '2025-01-01 00:00:00.000000',
     NULL, NULL, NULL, '2025-02-03 04:05:06.000007', '2025-02-04 00:00:00'),
    (7, 'Both', 'null', '', '', NULL, '[3]', 'UNION', 'not a date', NULL),
    (8, 'Neither', '', NULL, NULL, NULL, '', '', NULL, NULL);
INSERT INTO segment_catalog VALUES
    (4, 3, 'Spenders', 'who spends', 'segment_output_3', 12, 'SELECT 1',
     '2025-02-05 01:02:03.000000'),
    (9, 11, 'Of a rule that is gone', NULL, 'segment_output_11', NULL, NULL, NULL);
";

fn database(schema: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("platform.db");
    original(&path).execute_batch(schema).unwrap();
    (folder, path)
}

/// The original's side: no foreign keys, and no idea of our columns.
fn original(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection
}

/// Every value of these columns.
fn dump(path: &Path, table: &str, columns: &[String]) -> Vec<Vec<Value>> {
    let connection = original(path);
    let sql = format!("SELECT {} FROM {table} ORDER BY 1", columns.join(", "));
    let mut statement = connection.prepare(&sql).unwrap();
    let width = statement.column_count();
    let read = |row: &rusqlite::Row<'_>| (0..width).map(|column| row.get(column)).collect();
    statement.query_map([], read).unwrap().map(Result::unwrap).collect()
}

fn columns(path: &Path, table: &str) -> Vec<String> {
    let connection = original(path);
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)").unwrap();
    statement.query_map([table], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn an_original_database_migrates_without_loss() {
    let (_folder, path) = database(ORIGINAL);
    let tables = ["users", "upi_transactions", "rule_table", "segment_catalog"];
    let before: Vec<_> = tables
        .iter()
        .map(|table| {
            let columns = columns(&path, table);
            let rows = dump(&path, table, &columns);
            (table, columns, rows)
        })
        .collect();
    for _ in 0..2 {
        SqliteCatalog::open(&path).unwrap();
        for (table, old, rows) in &before {
            assert_eq!(&columns(&path, table)[..old.len()], old);
            assert_eq!(&dump(&path, table, old), rows, "{table}");
        }
    }
}

#[test]
fn the_rules_of_an_original_database_are_read() {
    let (_folder, path) = database(ORIGINAL);
    let catalog = SqliteCatalog::open(&path).unwrap();
    let rules = catalog.rules().unwrap();
    // Above 11, which a segment still names.
    assert_eq!(rules.next_id, 12);
    let [spenders, both, neither] = &rules.rules[..] else { panic!("{rules:?}") };
    assert_eq!((spenders.id, spenders.version), (3, 1));
    assert_eq!(spenders.created_at, Some("2025-02-03T04:05:06.000007Z".parse().unwrap()));
    assert_eq!(spenders.updated_at, Some("2025-02-04T00:00:00Z".parse().unwrap()));
    assert_eq!(
        spenders.text,
        RuleText {
            conditions: Some("[{\"field\": \"total_spend\"}]".to_owned()),
            schedule: Some("0 6 * * *".to_owned()),
            start_date: Some("2025-01-01 00:00:00.000000".to_owned()),
            ..named("Spenders")
        }
    );
    assert_eq!((both.created_at, both.updated_at), (None, None));
    assert_eq!(
        both.text,
        RuleText {
            conditions: None,
            depends_on: Some("[3]".to_owned()),
            operation: Some("UNION".to_owned()),
            ..named("Both")
        }
    );
    assert_eq!(neither.text, RuleText { conditions: None, ..named("Neither") });
    let history = catalog.rule_history(3).unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(Some(history[0].at), spenders.updated_at);
    assert_eq!(history[0].text.as_ref(), Some(&spenders.text));
}

#[test]
fn the_segments_of_an_original_database_are_taken_over() {
    let (_folder, path) = database(ORIGINAL);
    let catalog = SqliteCatalog::open(&path).unwrap();
    let (rows, count) = catalog.segments(&page(0, 10)).unwrap();
    assert_eq!((rows.len(), count), (2, 2));
    let old = segment(&catalog, 3);
    assert_eq!((old.id, old.row_count, &old.current, &old.column_types), (4, 12, &None, &None));
    assert_eq!(old.last_refreshed_at, Some("2025-02-05T01:02:03Z".parse().unwrap()));

    publish(&catalog, 1, &[new_segment(3, b"three"), new_segment(7, b"seven")]);
    let new = segment(&catalog, 3);
    assert_eq!((new.id, new.row_count, new.current.unwrap().version), (4, 30, 1));
    assert_eq!(current_members(&catalog, 3), b"three");
    assert_eq!(segment(&catalog, 7).id, 10);

    change(&catalog, &[RuleChange::Delete { id: 3 }], 5);
    assert_eq!(catalog.segment(3).unwrap(), None);
    assert_eq!(catalog.segments(&page(0, 10)).unwrap().1, 2);
}

#[test]
fn a_rule_without_what_the_original_requires_is_kept() {
    let (_folder, path) = database(ORIGINAL);
    let catalog = SqliteCatalog::open(&path).unwrap();
    let union = RuleText {
        conditions: None,
        depends_on: Some("[3, 7]".to_owned()),
        operation: Some("UNION".to_owned()),
        ..named("Union")
    };
    let id = add(&catalog, union.clone());
    change(&catalog, &[RuleChange::Update { id, text: union.clone() }], 1);
    assert_eq!(catalog.rules().unwrap().rules.last().unwrap().text, union);
    assert_eq!(catalog.rule_history(id).unwrap()[1].text, Some(union));
}

#[test]
fn the_original_can_go_on_adding_rules() {
    let (_folder, path) = database(ORIGINAL);
    let catalog = SqliteCatalog::open(&path).unwrap();
    let before = catalog.rules().unwrap().revision;
    let theirs = original(&path);
    theirs
        .execute(
            "INSERT INTO rule_table (rule_name, conditions, schedule, depends_on, operation,
                 created_at, updated_at)
             VALUES ('Theirs', '[]', '', NULL, NULL, ?1, ?1)",
            ["2025-03-01 10:00:00.000000"],
        )
        .unwrap();
    let id = theirs.last_insert_rowid();
    assert_eq!(id, 9);

    let rules = catalog.rules().unwrap();
    assert!(rules.revision > before);
    let row = rules.rules.last().unwrap();
    assert_eq!((row.id, row.version, &row.text), (9, 1, &named("Theirs")));
    let history = catalog.rule_history(9).unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(Some(history[0].at), row.created_at);
    assert_eq!(
        catalog.publish(&super::support::new_run(1), &[new_segment(9, b"m")]).unwrap(),
        segmentry::Published::Run(1)
    );
}

#[test]
fn the_original_can_go_on_changing_rules() {
    let (_folder, path) = database(ORIGINAL);
    let catalog = SqliteCatalog::open(&path).unwrap();
    let before = catalog.rules().unwrap().revision;
    let theirs = original(&path);
    let sql = "UPDATE rule_table SET rule_name = ?1, updated_at = ?2 WHERE id = 3";
    let changed = theirs.execute(sql, ["Big spenders", "2025-03-01 10:00:00.000000"]).unwrap();
    assert_eq!(changed, 1);
    // Without a time, and without a new wording.
    theirs.execute("UPDATE rule_table SET schedule = '0 7 * * *' WHERE id = 3", []).unwrap();
    theirs.execute("UPDATE rule_table SET rule_name = rule_name WHERE id = 3", []).unwrap();

    let rules = catalog.rules().unwrap();
    assert!(rules.revision >= before + 3);
    let row = &rules.rules[0];
    assert_eq!((row.version, row.text.rule_name.as_str()), (3, "Big spenders"));
    assert_eq!(row.text.schedule.as_deref(), Some("0 7 * * *"));
    let history = catalog.rule_history(3).unwrap();
    let versions: Vec<i64> = history.iter().map(|wording| wording.version).collect();
    assert_eq!(versions, [1, 2, 3]);
    assert_eq!(history[0].text.as_ref().unwrap().rule_name, "Spenders");
    assert_eq!(
        history[1].at,
        "2025-03-01T10:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()
    );
    assert!(history[2].at > history[1].at);
    assert_eq!(history[2].text.as_ref(), Some(&row.text));
    // A run that began with the old wording is refused.
    let stale = catalog.publish(&super::support::new_run(1), &[new_segment(3, b"m")]).unwrap();
    assert_eq!(stale, segmentry::Published::Stale(vec![3]));
    // Ours goes on from there.
    change(&catalog, &[RuleChange::Update { id: 3, text: full("Ours") }], 9);
    assert_eq!(catalog.rule_history(3).unwrap()[3].version, 4);
}

#[test]
fn the_original_can_go_on_deleting_rules() {
    let (_folder, path) = database(ORIGINAL);
    let catalog = SqliteCatalog::open(&path).unwrap();
    publish(&catalog, 1, &[new_segment(8, b"eight")]);
    let members = segment(&catalog, 8).current.unwrap().members_id;
    let before = catalog.rules().unwrap();
    let theirs = original(&path);
    theirs.execute("DELETE FROM rule_table WHERE id = 8", []).unwrap();

    let rules = catalog.rules().unwrap();
    assert!(rules.revision > before.revision);
    assert_eq!((rules.rules.len(), rules.next_id), (2, 12));
    assert_eq!(catalog.rule_history(8).unwrap()[1].text, None);
    assert!(catalog.versions(8).unwrap().is_empty());
    assert_eq!(catalog.members(members).unwrap_err().code(), Code::NotFound);

    // SQLite gives the highest id again; what is known of the old rule is not the new one's.
    let sql = "INSERT INTO rule_table (rule_name, conditions) VALUES ('Reborn', '[]')";
    theirs.execute(sql, []).unwrap();
    assert_eq!(theirs.last_insert_rowid(), 8);
    let row = catalog.rules().unwrap().rules.pop().unwrap();
    assert_eq!((row.id, row.version), (8, 3));
    let history = catalog.rule_history(8).unwrap();
    let names: Vec<_> =
        history.iter().map(|v| v.text.as_ref().map(|text| text.rule_name.as_str())).collect();
    assert_eq!(names, [Some("Neither"), None, Some("Reborn")]);
}

#[test]
fn a_row_that_the_original_replaces_is_a_new_wording() {
    let (_folder, path) = database(ORIGINAL);
    let catalog = SqliteCatalog::open(&path).unwrap();
    let sql = "INSERT OR REPLACE INTO rule_table (id, rule_name, conditions)
               VALUES (3, 'Replaced', '[]')";
    original(&path).execute(sql, []).unwrap();
    let row = &catalog.rules().unwrap().rules[0];
    assert_eq!((row.version, row.text.rule_name.as_str()), (2, "Replaced"));
    assert_eq!(catalog.rule_history(3).unwrap().len(), 2);
}

#[test]
fn the_original_can_go_on_writing_its_segments() {
    let (_folder, path) = database(ORIGINAL);
    let catalog = SqliteCatalog::open(&path).unwrap();
    publish(&catalog, 1, &[new_segment(3, b"three")]);
    let theirs = original(&path);
    theirs.execute("UPDATE segment_catalog SET row_count = 5 WHERE rule_id = 3", []).unwrap();
    theirs
        .execute("INSERT INTO segment_catalog (rule_id, segment_name) VALUES (7, 'Both')", [])
        .unwrap();
    assert_eq!(segment(&catalog, 3).row_count, 5);
    assert_eq!(current_members(&catalog, 3), b"three");
    assert_eq!(segment(&catalog, 7).segment_name, "Both");
}

#[test]
fn columns_of_others_are_kept_and_filled() {
    let (_folder, path) = database(
        "CREATE TABLE rule_table (
             id INTEGER NOT NULL PRIMARY KEY, rule_name VARCHAR(255), description TEXT,
             conditions JSON, schedule VARCHAR(100), start_date DATE, end_date DATE,
             depends_on JSON, operation VARCHAR(20) NOT NULL, created_at DATETIME NOT NULL,
             updated_at DATETIME, owner VARCHAR(50) NOT NULL, priority INTEGER NOT NULL,
             \"odd \"\"name\"\"\" BOOLEAN NOT NULL, seen_at DATETIME NOT NULL,
             colour TEXT NOT NULL DEFAULT 'red');
         CREATE TABLE segment_catalog (
             id INTEGER PRIMARY KEY, rule_id INTEGER NOT NULL REFERENCES rule_table (id),
             segment_name TEXT NOT NULL, description TEXT NOT NULL, table_name TEXT NOT NULL,
             row_count INTEGER NOT NULL, sql_query TEXT NOT NULL, last_refreshed_at DATETIME,
             status VARCHAR(20) NOT NULL);
         INSERT INTO rule_table (id, rule_name, conditions, operation, created_at, owner,
             priority, \"odd \"\"name\"\"\", seen_at)
         VALUES (1, 'Old', '[]', '', '2025-01-01', 'ann', 9, 1, '2025-01-01');",
    );
    let catalog = SqliteCatalog::open(&path).unwrap();
    let id = add(&catalog, named("New"));
    change(&catalog, &[RuleChange::Update { id: 1, text: named("Old, again") }], 3);
    let segments = [
        new_segment(1, b"1"),
        segmentry::NewSegment { description: None, ..new_segment(id, b"2") },
    ];
    let first = segmentry::NewSegment { rule_version: 2, ..segments[0].clone() };
    publish(&catalog, 5, &[first, segments[1].clone()]);
    assert_eq!(segment(&catalog, id).description, None);
    assert_eq!(catalog.rules().unwrap().rules[1].text, named("New"));

    let read = |id: i64| {
        let sql = "SELECT owner, priority, seen_at, colour FROM rule_table WHERE id = ?1";
        original(&path)
            .query_row(sql, params![id], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, String>(3)?,
                ))
            })
            .unwrap()
    };
    let text = str::to_owned;
    assert_eq!(read(1), (text("ann"), 9, text("2025-01-01"), text("red")));
    assert_eq!(read(id), (text(""), 0, text("2025-01-01T00:00:00.000000Z"), text("red")));
}

#[test]
fn missing_columns_are_added() {
    let (_folder, path) = database(
        "CREATE TABLE rule_table (id INTEGER PRIMARY KEY, RULE_NAME TEXT, conditions TEXT);
         CREATE TABLE segment_catalog (id INTEGER PRIMARY KEY, rule_id INTEGER);
         INSERT INTO rule_table VALUES (1, 'Only', '[]'), (2, NULL, NULL);
         INSERT INTO segment_catalog VALUES (1, 1), (2, NULL);",
    );
    let catalog = SqliteCatalog::open(&path).unwrap();
    let rules = catalog.rules().unwrap().rules;
    assert_eq!(rules[0].text, named("Only"));
    assert_eq!(rules[1].text, RuleText { conditions: None, ..named("") });
    assert_eq!(catalog.rule_history(1).unwrap()[0].at, chrono::DateTime::UNIX_EPOCH);
    assert_eq!(segment(&catalog, 1).row_count, 0);
    publish(&catalog, 1, &[new_segment(1, b"m")]);
    assert_eq!(segment(&catalog, 1).last_refreshed_at, Some(at(3)));
}

#[test]
fn doubled_names_of_the_original_stay() {
    let (_folder, path) = database(ORIGINAL);
    let theirs = original(&path);
    let sql = "INSERT INTO rule_table (rule_name, conditions) VALUES ('Both', '[]')";
    theirs.execute(sql, []).unwrap();
    let catalog = SqliteCatalog::open(&path).unwrap();
    let rules = catalog.rules().unwrap();
    assert_eq!(rules.rules.len(), 4);
    // Neither a third one, nor a quarrel over what was there before.
    let insert = [RuleChange::Insert { id: rules.next_id, text: named("Both") }];
    let error = catalog.change_rules(rules.revision, &insert, at(1)).unwrap_err();
    assert_eq!(error.code(), Code::DuplicateName);
    change(&catalog, &[RuleChange::Update { id: 9, text: full("Both") }], 1);
    theirs.execute(sql, []).unwrap();
    assert_eq!(catalog.rules().unwrap().rules.len(), 5);
}

#[test]
fn odd_values_are_for_the_parser() {
    let (_folder, path) = database(ORIGINAL);
    original(&path)
        .execute_batch(
            "INSERT INTO rule_table (id, rule_name, conditions, depends_on, start_date, schedule)
             VALUES (20, 5, x'ff41', 3.5, 20250101, 'null');",
        )
        .unwrap();
    let catalog = SqliteCatalog::open(&path).unwrap();
    original(&path).execute("UPDATE rule_table SET enabled = NULL WHERE id = 3", []).unwrap();
    original(&path).execute("UPDATE rule_table SET enabled = 0 WHERE id = 7", []).unwrap();
    let rules = catalog.rules().unwrap().rules;
    assert_eq!([rules[0].text.enabled, rules[1].text.enabled], [true, false]);
    let odd = &rules.last().unwrap().text;
    assert_eq!(odd.rule_name, "5");
    assert_eq!(odd.conditions.as_deref(), Some("\u{fffd}A"));
    assert_eq!(odd.depends_on.as_deref(), Some("3.5"));
    assert_eq!(odd.start_date.as_deref(), Some("20250101"));
    assert_eq!(odd.schedule, None);
}
