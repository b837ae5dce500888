//! Section 3.1 and section 4.

use super::*;

fn numbers() -> World {
    plain(LONG, vec![Cell::Int(1), Cell::Int(2), Cell::Int(3), Cell::Null])
}

fn words(cells: &[&str]) -> World {
    plain(ColumnType::Text, cells.iter().map(|cell| text(cell)).collect())
}

#[test]
fn comparisons_of_integers() {
    let world = numbers();
    for (operator, expected) in [
        ("=", vec![2]),
        ("==", vec![2]),
        ("!=", vec![1, 3]),
        ("<>", vec![1, 3]),
        ("<", vec![1]),
        ("<=", vec![1, 2]),
        (">", vec![3]),
        (">=", vec![2, 3]),
    ] {
        assert_eq!(asked(&world, operator, "2"), expected, "{operator}");
    }
}

#[test]
fn missing_is_false_and_only_null_is_true_of_it() {
    let world = numbers();
    assert_eq!(chosen(&world, r#"{"field": "x", "operator": "null"}"#), [4]);
    assert_eq!(chosen(&world, r#"{"field": "x", "operator": "is null"}"#), [4]);
    assert_eq!(chosen(&world, r#"{"field": "x", "operator": "notNull"}"#), [1, 2, 3]);
    assert_eq!(asked(&world, "notIn", "[1]"), [2, 3]);
    assert_eq!(asked(&world, "not in", "[]"), [1, 2, 3]);
    assert_eq!(asked(&world, "in", "[]"), [0; 0]);
    assert_eq!(asked(&world, "notBetween", "[2, 3]"), [1]);
}

#[test]
fn not_is_the_complement_within_users() {
    let world = numbers();
    let negated = |rule| format!(r#"{{"combinator": "and", "not": true, "rules": [{rule}]}}"#);
    assert_eq!(chosen(&world, &negated(on_x("=", "2"))), [1, 3, 4]);
    assert_eq!(chosen(&world, &negated(on_x("!=", "2"))), [2, 4]);
}

#[test]
fn numbers_keep_every_digit() {
    let big = i128::from(i64::MAX);
    let world = plain(LONG, vec![Cell::Int(big), Cell::Int(big - 1), Cell::Int(7)]);
    assert_eq!(asked(&world, "=", "9223372036854775807"), [1]);
    assert_eq!(asked(&world, ">", "9223372036854775806.5"), [1]);
    assert_eq!(asked(&world, "=", "\" 7.00 \""), [3]);
    assert_eq!(asked(&world, "=", "70e-1"), [3]);
    assert_eq!(asked(&world, "<", "7.5"), [3]);
    assert_eq!(code(&world, &on_x("=", "\"12abc\"")), "bad_value");
    assert_eq!(code(&world, &on_x("=", "\"+7\"")), "bad_value");
}

#[test]
fn decimals_compare_exactly() {
    // 1.50, 1.51, -0.01
    let world = plain(MONEY, vec![Cell::Decimal(150), Cell::Decimal(151), Cell::Decimal(-1)]);
    assert_eq!(asked(&world, "=", "1.5"), [1]);
    assert_eq!(asked(&world, "<", "1.5000000001"), [1, 3]);
    assert_eq!(asked(&world, ">", "1.5099999999999999999999999999999999999"), [2]);
    assert_eq!(asked(&world, "<", "-0"), [3]);
}

#[test]
fn floats_take_the_nearest_double() {
    let cells = [0.1, -0.0, f64::NAN, f64::INFINITY].map(Cell::Float);
    let world = plain(ColumnType::Float64, cells.to_vec());
    assert_eq!(asked(&world, "=", "0.1000000000000000000001"), [1]);
    assert_eq!(asked(&world, "=", "0"), [2]);
    assert_eq!(asked(&world, "<", "0"), [0; 0]);
    assert_eq!(chosen(&world, r#"{"field": "x", "operator": "null"}"#), [3, 4]);
    // the float nearest to 0.1 is a little above the double nearest to it
    let world = plain(ColumnType::Float32, vec![Cell::Float(f64::from(0.1f32))]);
    assert_eq!(asked(&world, "=", "0.1"), [0; 0]);
    assert_eq!(asked(&world, ">", "0.1"), [1]);
}

#[test]
fn ranges_are_inclusive() {
    let world = numbers();
    assert_eq!(asked(&world, "between", "[1, 2]"), [1, 2]);
    assert_eq!(asked(&world, "between", "\" 2 , 3\""), [2, 3]);
    assert_eq!(code(&world, &on_x("between", "[3, 2]")), "bad_value");
}

#[test]
fn lists_in_one_string_are_split() {
    let world = words(&["a", "b,c", " a", "", "\\"]);
    assert_eq!(asked(&world, "in", r#""a , b\\,c,,""#), [1, 2]);
    assert_eq!(asked(&world, "in", r#"["a , b"]"#), [0; 0]);
    assert_eq!(asked(&world, "in", r#"["", " a"]"#), [3, 4]);
    assert_eq!(asked(&world, "notIn", r#""a,\\""#), [2, 3, 4]);
    assert_eq!(asked(&numbers(), "in", "\"1, 3\""), [1, 3]);
}

#[test]
fn parts_of_strings_are_literal() {
    let world = words(&["100%", "100x", "a_b", "acb", "back\\slash"]);
    assert_eq!(asked(&world, "contains", "\"0%\""), [1]);
    assert_eq!(asked(&world, "beginsWith", "\"a_\""), [3]);
    assert_eq!(asked(&world, "doesNotBeginWith", "\"100\""), [3, 4, 5]);
    assert_eq!(asked(&world, "endsWith", r#""k\\slash""#), [5]);
    assert_eq!(asked(&world, "doesNotEndWith", "\"b\""), [1, 2, 5]);
    assert_eq!(asked(&world, "doesNotContain", "\"\""), [0; 0]);
}

#[test]
fn strings_are_in_the_order_of_code_points() {
    // U+FFFF is below U+10000, though its UTF-16 form is above
    let world = words(&["Z", "a", "\u{ffff}", "\u{10000}"]);
    assert_eq!(asked(&world, "<", "\"a\""), [1]);
    assert_eq!(asked(&world, ">", "\"\u{ffff}\""), [4]);
}

#[test]
fn case_folds_simply_and_on_both_sides() {
    let world = words(&["STRASSE", "straße", "STRAẞE", "\u{212a}elvin", "ΣΊΣΥΦΟΣ", "İ"]);
    let folded = |operator: &str, value: &str| {
        let json = on_x(operator, value).replace('}', ", \"caseSensitive\": false}");
        chosen(&world, &json)
    };
    assert_eq!(folded("=", "\"Strasse\""), [1]);
    assert_eq!(folded("=", "\"STRAẞE\""), [2, 3]);
    assert_eq!(folded("beginsWith", "\"k\""), [4]);
    assert_eq!(folded("endsWith", "\"ς\""), [5]);
    assert_eq!(folded("=", "\"i\""), [0; 0]);
    assert_eq!(folded("matches", "\"^STR\""), [1, 2, 3]);
    assert_eq!(folded("in", r#"["KELVIN", "İ"]"#), [4, 6]);
    let world = numbers();
    let json = on_x("=", "1").replace('}', ", \"caseSensitive\": false}");
    assert_eq!(code(&world, &json), "bad_value");
}

#[test]
fn patterns_match_anywhere() {
    let world = words(&["Travel", "Food", ""]);
    assert_eq!(asked(&world, "matches", "\"a|oo\""), [1, 2]);
    assert_eq!(asked(&world, "doesNotMatch", "\"^T\""), [2, 3]);
    assert_eq!(code(&world, &on_x("matches", "\"(\"")), "bad_value");
}

#[test]
fn lists_hold_values() {
    let ints = |items: &[i128]| Cell::List(items.iter().map(|item| Cell::Int(*item)).collect());
    let cells = vec![ints(&[1, 2]), ints(&[]), Cell::Null, Cell::List(vec![Cell::Null])];
    let world = plain(ColumnType::List(Box::new(LONG)), cells);
    assert_eq!(asked(&world, "contains", "2"), [1]);
    assert_eq!(asked(&world, "doesNotContain", "2"), [2, 4]);
    assert_eq!(chosen(&world, r#"{"field": "x", "operator": "null"}"#), [3]);
}

#[test]
fn booleans_have_no_order() {
    let world = plain(ColumnType::Bool, vec![Cell::Bool(true), Cell::Bool(false), Cell::Null]);
    assert_eq!(asked(&world, "!=", "true"), [2]);
    assert_eq!(asked(&world, "in", "[true]"), [1]);
    assert_eq!(code(&world, &on_x("<", "true")), "bad_operator");
    assert_eq!(code(&world, &on_x("=", "1")), "type_mismatch");
}

#[test]
fn one_field_against_another() {
    let mut tables = users(LONG, [(1i128 << 53) + 1, 5, 5].map(Cell::Int).to_vec());
    let doubles = vec![Cell::Float(2f64.powi(53)), Cell::Null, Cell::Float(4.5)];
    tables[0].columns.push(Column::new("y", ColumnType::Float64, doubles));
    let exact = [1i128 << 53, 5, 6].map(Cell::Int).to_vec();
    tables[0].columns.push(Column::new("z", LONG, exact));
    let world = World::new(r#"{"users": {"key": "user_id"}}"#, tables);
    let against = |operator, field| {
        let json = on_x(operator, &format!("{field:?}"));
        chosen(&world, &json.replace('}', ", \"valueSource\": \"field\"}"))
    };
    // as doubles, 2^53 + 1 is 2^53
    assert_eq!(against("=", "y"), [1]);
    assert_eq!(against("!=", "y"), [3]);
    assert_eq!(against("=", "z"), [2]);
    assert_eq!(against("<", "z"), [3]);
}

#[test]
fn fields_with_their_table() {
    let mut tables = users(LONG, vec![Cell::Int(1)]);
    tables[0].columns.push(Column::new("segment", LONG, vec![Cell::Int(9)]));
    let world = World::new(r#"{"users": {"key": "user_id"}}"#, tables);
    let condition = |field| format!(r#"{{"field": "{field}", "operator": ">", "value": 0}}"#);
    assert_eq!(chosen(&world, &condition("users.x")), [1]);
    assert_eq!(chosen(&world, &condition("users.segment")), [1]);
    assert_eq!(code(&world, &condition("y")), "unknown_field");
}
