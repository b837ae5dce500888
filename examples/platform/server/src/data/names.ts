// What people, places and shops are called in the made data.

export const FIRST = [
  "Aarav", "Aditi", "Ananya", "Arjun", "Diya", "Farhan", "Gurpreet", "Harini", "Ishaan", "Jaya", "Kabir", "Kavya",
  "Lakshmi", "Manoj", "Meera", "Nikhil", "Priya", "Rahul", "Rohan", "Sana", "Sneha", "Tanvi", "Vikram", "Zoya",
];

export const LAST = [
  "Agarwal", "Banerjee", "Chopra", "Das", "Fernandes", "Ghosh", "Gupta", "Iyer", "Joshi", "Khan", "Kulkarni", "Mehta",
  "Menon", "Nair", "Patel", "Rao", "Reddy", "Sharma", "Singh", "Verma",
];

export interface City {
  name: string;
  state: string | null;
  country: string;
  /** Of Indian cities only. */
  tier: number | null;
  lat: number;
  lon: number;
  /** How many of 1,000 users live there. */
  share: number;
}

const city = (name: string, state: string | null, country: string, tier: number | null, lat: number, lon: number, share: number): City =>
  ({ name, state, country, tier, lat, lon, share });

export const CITIES: City[] = [
  city("Mumbai", "Maharashtra", "IN", 1, 19.076, 72.8777, 130),
  city("Delhi", "Delhi", "IN", 1, 28.6139, 77.209, 120),
  city("Bengaluru", "Karnataka", "IN", 1, 12.9716, 77.5946, 120),
  city("Hyderabad", "Telangana", "IN", 1, 17.385, 78.4867, 70),
  city("Chennai", "Tamil Nadu", "IN", 1, 13.0827, 80.2707, 65),
  city("Kolkata", "West Bengal", "IN", 1, 22.5726, 88.3639, 55),
  city("Pune", "Maharashtra", "IN", 1, 18.5204, 73.8567, 50),
  city("Jaipur", "Rajasthan", "IN", 2, 26.9124, 75.7873, 55),
  city("Lucknow", "Uttar Pradesh", "IN", 2, 26.8467, 80.9462, 50),
  city("Kochi", "Kerala", "IN", 2, 9.9312, 76.2673, 45),
  city("Indore", "Madhya Pradesh", "IN", 2, 22.7196, 75.8577, 40),
  city("Coimbatore", "Tamil Nadu", "IN", 2, 11.0168, 76.9558, 35),
  city("Patna", "Bihar", "IN", 2, 25.5941, 85.1376, 35),
  city("Guntur", "Andhra Pradesh", "IN", 3, 16.3067, 80.4365, 35),
  city("Rohtak", "Haryana", "IN", 3, 28.8955, 76.6066, 30),
  city("Hubballi", "Karnataka", "IN", 3, 15.3647, 75.124, 25),
  city("Dubai", null, "AE", null, 25.2048, 55.2708, 25),
  city("Singapore", null, "SG", null, 1.3521, 103.8198, 15),
];

export interface Category {
  name: string;
  /** How many of 1,000 payments. */
  share: number;
  /** The median amount, in rupees. */
  median: number;
  /** How many of 1,000 payments are made by UPI rather than by card. */
  upi: number;
  merchants: string[];
}

const category = (name: string, share: number, median: number, upi: number, merchants: string[]): Category =>
  ({ name, share, median, upi, merchants });

export const CATEGORIES: Category[] = [
  category("Groceries", 240, 520, 820, ["BigBasket", "Blinkit", "DMart", "Kirana Store"]),
  category("Dining", 190, 430, 700, ["Swiggy", "Zomato", "Cafe Coffee Day", "Saravana Bhavan"]),
  category("Fuel", 95, 1_100, 600, ["Indian Oil", "HP Petrol", "Bharat Petroleum", "Shell"]),
  category("Utilities", 110, 950, 750, ["Tata Power", "Airtel", "Jio", "BESCOM"]),
  category("Travel", 65, 3_800, 350, ["IRCTC", "MakeMyTrip", "IndiGo", "Ola"]),
  category("Electronics", 45, 6_500, 250, ["Croma", "Amazon", "Flipkart", "Reliance Digital"]),
  category("Fashion", 85, 1_700, 450, ["Myntra", "Ajio", "Zara", "FabIndia"]),
  category("Health", 65, 800, 650, ["Apollo Pharmacy", "1mg", "Practo", "Max Hospital"]),
  category("Education", 25, 4_200, 500, ["Unacademy", "Coursera", "Crossword", "School Fees"]),
  category("Entertainment", 80, 350, 600, ["BookMyShow", "Netflix", "Hotstar", "PVR Inox"]),
];
