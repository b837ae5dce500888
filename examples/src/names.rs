//! What people, places and shops are called.

/// First names.
pub(crate) const FIRST: [&str; 24] = [
    "Aarav", "Aditi", "Ananya", "Arjun", "Diya", "Farhan", "Gurpreet", "Harini", "Ishaan", "Jaya",
    "Kabir", "Kavya", "Lakshmi", "Manoj", "Meera", "Nikhil", "Priya", "Rahul", "Rohan", "Sana",
    "Sneha", "Tanvi", "Vikram", "Zoya",
];

/// Family names.
pub(crate) const LAST: [&str; 20] = [
    "Agarwal",
    "Banerjee",
    "Chopra",
    "Das",
    "Fernandes",
    "Ghosh",
    "Gupta",
    "Iyer",
    "Joshi",
    "Khan",
    "Kulkarni",
    "Mehta",
    "Menon",
    "Nair",
    "Patel",
    "Rao",
    "Reddy",
    "Sharma",
    "Singh",
    "Verma",
];

/// A city: name, state, country, tier (of Indian cities only), and how many of 1,000 users live there.
pub(crate) type City = (&'static str, Option<&'static str>, &'static str, Option<i64>, u32);

/// The cities. Their shares add up to 1,000.
pub(crate) const CITIES: [City; 18] = [
    ("Mumbai", Some("Maharashtra"), "IN", Some(1), 130),
    ("Delhi", Some("Delhi"), "IN", Some(1), 120),
    ("Bengaluru", Some("Karnataka"), "IN", Some(1), 120),
    ("Hyderabad", Some("Telangana"), "IN", Some(1), 70),
    ("Chennai", Some("Tamil Nadu"), "IN", Some(1), 65),
    ("Kolkata", Some("West Bengal"), "IN", Some(1), 55),
    ("Pune", Some("Maharashtra"), "IN", Some(1), 50),
    ("Jaipur", Some("Rajasthan"), "IN", Some(2), 55),
    ("Lucknow", Some("Uttar Pradesh"), "IN", Some(2), 50),
    ("Kochi", Some("Kerala"), "IN", Some(2), 45),
    ("Indore", Some("Madhya Pradesh"), "IN", Some(2), 40),
    ("Coimbatore", Some("Tamil Nadu"), "IN", Some(2), 35),
    ("Patna", Some("Bihar"), "IN", Some(2), 35),
    ("Guntur", Some("Andhra Pradesh"), "IN", Some(3), 35),
    ("Rohtak", Some("Haryana"), "IN", Some(3), 30),
    ("Hubballi", Some("Karnataka"), "IN", Some(3), 25),
    ("Dubai", None, "AE", None, 25),
    ("Singapore", None, "SG", None, 15),
];

/// What money is spent on.
pub(crate) struct Category {
    /// Its name.
    pub(crate) name: &'static str,
    /// How many of 1,000 payments.
    pub(crate) share: u32,
    /// The median amount, in rupees.
    pub(crate) median: f64,
    /// How many of 1,000 payments are made by UPI rather than by card.
    pub(crate) upi: u32,
    /// Where it is spent.
    pub(crate) merchants: [&'static str; 4],
}

const fn category(
    name: &'static str,
    share: u32,
    median: f64,
    upi: u32,
    merchants: [&'static str; 4],
) -> Category {
    Category { name, share, median, upi, merchants }
}

/// The categories. Their shares add up to 1,000.
pub(crate) const CATEGORIES: [Category; 10] = [
    category("Groceries", 240, 520.0, 820, ["BigBasket", "Blinkit", "DMart", "Kirana Store"]),
    category("Dining", 190, 430.0, 700, ["Swiggy", "Zomato", "Cafe Coffee Day", "Saravana Bhavan"]),
    category("Fuel", 95, 1_100.0, 600, ["Indian Oil", "HP Petrol", "Bharat Petroleum", "Shell"]),
    category("Utilities", 110, 950.0, 750, ["Tata Power", "Airtel", "Jio", "BESCOM"]),
    category("Travel", 65, 3_800.0, 350, ["IRCTC", "MakeMyTrip", "IndiGo", "Ola"]),
    category("Electronics", 45, 6_500.0, 250, ["Croma", "Amazon", "Flipkart", "Reliance Digital"]),
    category("Fashion", 85, 1_700.0, 450, ["Myntra", "Ajio", "Zara", "FabIndia"]),
    category("Health", 65, 800.0, 650, ["Apollo Pharmacy", "1mg", "Practo", "Max Hospital"]),
    category("Education", 25, 4_200.0, 500, ["Unacademy", "Coursera", "Crossword", "School Fees"]),
    category("Entertainment", 80, 350.0, 600, ["BookMyShow", "Netflix", "Hotstar", "PVR Inox"]),
];
