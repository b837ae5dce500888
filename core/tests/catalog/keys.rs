//! The dictionary of user keys.

use arrow::array::{Int64Array, LargeStringArray};
use segmentry::{Catalog, Code, KeyColumn, KeyType};

/// Integer keys that do not ascend.
pub fn ints(from: i64, to: i64) -> KeyColumn {
    KeyColumn::Int(Int64Array::from_iter_values((from..to).map(|n| n * 7919 - 1_000_000)))
}

/// String keys of many lengths, the empty one and others than ASCII among them.
pub fn texts(from: i64, to: i64) -> KeyColumn {
    let key = |n: i64| match n {
        0 => String::new(),
        n => format!("{}é{n}", "x".repeat(usize::try_from(n % 17).unwrap())),
    };
    KeyColumn::Text(LargeStringArray::from_iter_values((from..to).map(key)))
}

fn fill(catalog: &dyn Catalog, sizes: &[i64], make: fn(i64, i64) -> KeyColumn) -> i64 {
    let mut there = 0;
    for size in sizes {
        let count = u32::try_from(there).unwrap();
        assert!(catalog.append_keys(count, &make(there, there + size)).unwrap());
        there += size;
    }
    there
}

pub fn a_new_dictionary_has_no_type(catalog: &dyn Catalog) {
    assert_eq!(catalog.key_type().unwrap(), None);
    assert_eq!(catalog.keys(0).unwrap(), None);
    assert_eq!(catalog.keys(u32::MAX).unwrap(), None);
}

pub fn int_keys_come_back_in_order(catalog: &dyn Catalog) {
    let extremes = KeyColumn::Int(Int64Array::from(vec![i64::MAX, 0, i64::MIN, -1]));
    assert!(catalog.append_keys(0, &extremes).unwrap());
    assert_eq!(catalog.key_type().unwrap(), Some(KeyType::Int));
    assert_eq!(catalog.keys(0).unwrap(), Some(extremes));
}

pub fn text_keys_come_back_in_order(catalog: &dyn Catalog) {
    let there = fill(catalog, &[1, 4, 30], texts);
    assert_eq!(catalog.key_type().unwrap(), Some(KeyType::Text));
    assert_eq!(catalog.keys(0).unwrap(), Some(texts(0, there)));
}

pub fn keys_are_read_from_any_ordinal(catalog: &dyn Catalog) {
    let there = fill(catalog, &[70_000], texts);
    for from in [1, 65_535, 65_536, 65_537, 69_999] {
        let keys = catalog.keys(u32::try_from(from).unwrap()).unwrap();
        assert_eq!(keys, Some(texts(from, there)), "from {from}");
    }
    assert_eq!(catalog.keys(70_000).unwrap(), None);
    assert_eq!(catalog.keys(200_000).unwrap(), None);
}

pub fn keys_fill_whole_blocks_and_begin_new_ones(catalog: &dyn Catalog) {
    let there = fill(catalog, &[65_535, 1, 1, 65_536, 65_534, 1, 1, 200_000], ints);
    assert_eq!(catalog.keys(0).unwrap(), Some(ints(0, there)));
    assert_eq!(catalog.keys(131_072).unwrap(), Some(ints(131_072, there)));
}

pub fn keys_of_another_type_are_refused(catalog: &dyn Catalog) {
    fill(catalog, &[3], ints);
    let error = catalog.append_keys(3, &texts(0, 2)).unwrap_err();
    assert_eq!(error.code(), Code::BadKey);
    assert_eq!(catalog.keys(0).unwrap(), Some(ints(0, 3)));
}

pub fn only_the_first_to_append_does(catalog: &dyn Catalog) {
    fill(catalog, &[3], ints);
    assert!(!catalog.append_keys(0, &ints(50, 60)).unwrap());
    assert!(!catalog.append_keys(2, &ints(50, 60)).unwrap());
    assert_eq!(catalog.keys(0).unwrap(), Some(ints(0, 3)));
}

pub fn keys_that_were_never_there_are_an_error(catalog: &dyn Catalog) {
    fill(catalog, &[3], ints);
    assert_eq!(catalog.append_keys(4, &ints(4, 5)).unwrap_err().code(), Code::Internal);
    assert_eq!(catalog.keys(0).unwrap(), Some(ints(0, 3)));
}

pub fn no_keys_leave_no_trace(catalog: &dyn Catalog) {
    assert!(catalog.append_keys(0, &KeyColumn::empty(KeyType::Text)).unwrap());
    assert_eq!(catalog.key_type().unwrap(), None);
    fill(catalog, &[2], ints);
    assert!(catalog.append_keys(2, &KeyColumn::empty(KeyType::Int)).unwrap());
    assert_eq!(catalog.keys(0).unwrap(), Some(ints(0, 2)));
}
