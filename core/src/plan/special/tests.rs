use std::path::Path;

use arrow::array::{Float64Array, RecordBatch};
use datafusion::datasource::TableProvider;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::{Contains, Flavor, PlanSources};
use super::*;
use crate::error::Result;
use crate::model::{AudienceModel, BoundModel, Key};
use crate::predicate::Predicate;

fn circle(latitude: f64, longitude: f64, km: i64) -> Area {
    let radius = crate::rule::Radius { length: km.into(), unit: "km" };
    Area::of(&Place::Circle { latitude, longitude, radius })
}

#[test]
fn circles_by_known_distances() {
    // Mumbai to Delhi is 1,148 km by the great circle.
    let (inside, outside) = (circle(19.076, 72.877, 1_149), circle(19.076, 72.877, 1_147));
    assert!(inside.holds(28.6139, 77.209) && !outside.holds(28.6139, 77.209));
    // Half a circumference: everyone is within it, wherever the centre is.
    assert!(circle(90.0, 0.0, 20_016).holds(-90.0, 123.0));
    // Near a pole, longitude says little.
    assert!(circle(89.99, 0.0, 3).holds(89.99, 180.0));
    // Across the date line.
    assert!(circle(-17.0, 179.9, 25).holds(-17.0, -179.9));
    assert!(!circle(-17.0, 179.9, 20).holds(-17.0, -179.9));
}

#[test]
fn rings_with_their_edges_and_across_the_date_line() {
    let square =
        Area::of(&Place::Polygon(vec![(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]));
    for (latitude, longitude) in [(0.0, 0.0), (5.0, 10.0), (10.0, 3.0), (5.0, 5.0)] {
        assert!(square.holds(latitude, longitude), "{latitude} {longitude}");
    }
    assert!(!square.holds(10.000_001, 5.0) && !square.holds(5.0, -0.000_001));
    let fiji = Area::of(&Place::Polygon(vec![
        (177.0, -20.0),
        (-178.0, -20.0),
        (-178.0, -15.0),
        (177.0, -15.0),
    ]));
    assert!(fiji.holds(-17.0, 179.0) && fiji.holds(-17.0, -179.0) && fiji.holds(-17.0, 180.0));
    assert!(!fiji.holds(-17.0, 0.0) && !fiji.holds(-17.0, 176.0));
}

/// Points everywhere, of which many lie on the lines that places end at.
fn anywhere(random: &mut ChaCha8Rng) -> (f64, f64) {
    let mut degrees = |most: f64| match random.random_range(0..4) {
        0 => (random.random_range(-most..=most) / 15.0).round() * 15.0,
        1 => random.random_range(-most..=most).round(),
        _ => random.random_range(-most..=most),
    };
    (degrees(90.0), degrees(180.0))
}

fn some_area(random: &mut ChaCha8Rng) -> Area {
    let (latitude, longitude) = anywhere(random);
    if random.random_bool(0.5) {
        let km = *[1, 50, 700, 5_000, 9_000, 19_000].choose(random).unwrap();
        return circle(latitude, longitude, km);
    }
    let size = *[0.5, 15.0, 60.0, 170.0].choose(random).unwrap();
    let corners = (0..random.random_range(3..7)).map(|_| {
        let x: f64 = longitude + random.random_range(-size..=size);
        let y: f64 = latitude + random.random_range(-size..=size) / 2.0;
        ((x + 540.0).rem_euclid(360.0) - 180.0, y.clamp(-90.0, 90.0))
    });
    Area::of(&Place::Polygon(corners.collect()))
}

#[test]
fn no_point_of_a_place_is_outside_of_its_box() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let (mut inside, mut boxed, mut tried) = (0, 0, 0);
    for _ in 0..2_000 {
        let area = some_area(&mut random);
        let Bounds { latitudes, longitudes } = Bounds::of(&area);
        let within = |at: f64, (low, high): (f64, f64)| (low..=high).contains(&at);
        for _ in 0..200 {
            let (latitude, longitude) = anywhere(&mut random);
            let sideways =
                longitudes.is_empty() || longitudes.iter().any(|range| within(longitude, *range));
            let may_hold = within(latitude, latitudes) && sideways;
            let holds = area.holds(latitude, longitude);
            assert!(may_hold || !holds, "{latitude} {longitude} {latitudes:?} {longitudes:?}");
            tried += 1;
            boxed += i32::from(may_hold);
            inside += i32::from(holds);
        }
    }
    // The boxes are not the world, and the places are not nothing.
    assert!(inside > tried / 50 && boxed < tried / 2, "{inside} {boxed} {tried}");
}

/// Ten users in each field of 3 by 12 degrees; every field is a row group of the file.
async fn users_by_fields(folder: &Path) -> (Vec<(f64, f64)>, Arc<dyn TableProvider>) {
    let fields = (0..60).flat_map(|north| (0..30).map(move |east| (north, east)));
    let users: Vec<(f64, f64)> = fields
        .flat_map(|(north, east)| (0..10).map(move |at| (north, east, f64::from(at) / 10.0)))
        .map(|(n, e, at)| ((f64::from(n) + at) * 3.0 - 90.0, (f64::from(e) + at) * 12.0 - 180.0))
        .collect();
    let (latitudes, longitudes): (Vec<f64>, Vec<f64>) = users.iter().copied().unzip();
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from_iter_values(0..users.len() as i64)) as ArrayRef),
        ("lat", Arc::new(Float64Array::from(latitudes)) as ArrayRef),
        ("lon", Arc::new(Float64Array::from(longitudes)) as ArrayRef),
    ])
    .unwrap();
    let path = folder.join("users.parquet");
    let file = std::fs::File::create(&path).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(10)).build();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    for group in 0..batch.num_rows() / 10 {
        writer.write(&batch.slice(group * 10, 10)).unwrap();
    }
    writer.close().unwrap();
    let context = SessionContext::new();
    let path = path.to_string_lossy().into_owned();
    context.register_parquet("users", path, ParquetReadOptions::default()).await.unwrap();
    (users, context.table_provider("users").await.unwrap())
}

/// One table, whoever is asked about.
struct Users(Arc<dyn TableProvider>);

impl PlanSources for Users {
    fn table(&self, _: &str) -> Result<Arc<dyn TableProvider>> {
        Ok(Arc::clone(&self.0))
    }

    fn members(&self, rule: i64) -> Result<Contains> {
        panic!("{rule} is not asked for")
    }

    fn among(&self) -> Option<Contains> {
        None
    }

    fn only(&self) -> Option<Key> {
        None
    }
}

/// How many users are in a place, and how many rows of the file were read to know that.
async fn counted(users: &Users, model: &BoundModel, place: &Place) -> (usize, usize) {
    let column = |name| crate::model::column("users", &model.schema, name).unwrap().unwrap();
    let (latitude, longitude) = (column("lat"), column("lon"));
    let place = place.clone();
    let within = Predicate::Within { latitude, longitude, place, negated: false };
    let zone = chrono_tz::UTC;
    let planner = Planner { model, sources: users, as_of: 0, zone, flavor: Flavor::Engine };
    let plan = planner.members(&within).unwrap();
    let context = SessionContext::new();
    let plan = context.state().create_physical_plan(&plan).await.unwrap();
    let found = datafusion::physical_plan::collect(Arc::clone(&plan), context.task_ctx());
    let found = found.await.unwrap().iter().map(RecordBatch::num_rows).sum();
    let mut leaf = plan;
    while let Some(child) = leaf.children().first().map(|child| Arc::clone(child)) {
        leaf = child;
    }
    (found, leaf.metrics().unwrap().output_rows().unwrap())
}

#[tokio::test]
async fn a_scan_prunes_by_the_box_of_a_place() {
    let folder = tempfile::tempdir().unwrap();
    let (positions, table) = users_by_fields(folder.path()).await;
    let schemas = [("users".to_owned(), table.schema())].into();
    let model = r#"{"users": {"key": "id"}, "events": {}}"#;
    let model = AudienceModel::parse(model).unwrap().bind(&schemas).unwrap();
    let users = Users(table);
    let around = |latitude, longitude, km: i64| {
        let radius = crate::rule::Radius { length: km.into(), unit: "km" };
        Place::Circle { latitude, longitude, radius }
    };
    let fiji = vec![(177.0, -20.0), (-178.0, -20.0), (-178.0, -15.0), (177.0, -15.0)];
    let square = vec![(61.0, 31.0), (71.0, 31.0), (71.0, 35.0), (61.0, 35.0)];
    // Each with how many fields its box touches, of those that lie to the north and to the east.
    for (place, fields) in [
        (around(19.076, 72.877, 300), 3 * 2),
        (around(-17.0, 179.9, 200), 2 * 2),
        // Round a pole there is every longitude.
        (around(89.0, 12.0, 150), 30),
        (Place::Polygon(fiji), 3 * 2),
        (Place::Polygon(square), 2),
    ] {
        let area = Area::of(&place);
        let inside = positions.iter().filter(|(lat, lon)| area.holds(*lat, *lon)).count();
        let (found, read) = counted(&users, &model, &place).await;
        assert_eq!((found, read), (inside, 10 * fields), "{place:?}");
        assert!(inside > 0, "{place:?}");
    }
}

#[test]
fn buckets_are_for_good() {
    // xxh64("autumn-test:42") is 0x6b7e6fe08d5fe983, by the reference implementation.
    assert_eq!(0x6b7e_6fe0_8d5f_e983u64 % 100, 3);
    let of = |key: i64| bucket_of("autumn-test", key);
    assert_eq!([of(42), of(7), of(-1)], [3, 16, 82]);
    let all: Vec<i64> = (0..100_000).map(|key| bucket_of("autumn-test", key)).collect();
    let mut counts = [0f64; 100];
    all.iter().for_each(|bucket| counts[*bucket as usize] += 1.0);
    let chi: f64 = counts.iter().map(|count| (count - 1_000.0).powi(2) / 1_000.0).sum();
    // 99 degrees of freedom: above 148.2 once in a thousand times by chance.
    assert!(chi < 148.2, "{chi}");
    assert_ne!(all, (0..100_000).map(|key| bucket_of("spring", key)).collect::<Vec<_>>());
}
