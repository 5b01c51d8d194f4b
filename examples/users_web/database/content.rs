//! What a new database is filled with: the same at each time, and nobody's real name.

use crate::database::USERS;

pub(super) struct Content {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) city: &'static str,
    /// Month and cents.
    pub(super) orders: Vec<(i64, i64)>,
}

const FIRST: [&str; 20] = [
    "Ada", "Björn", "Chidi", "Dalia", "Emre", "Fatou", "Grace", "Hiro", "Inês", "Jonas", "Kaveh", "Lucía",
    "Maëlle", "Nils", "Oyelaran", "Priya", "Quentin", "Rosa", "Siobhán", "Tariq",
];
const LAST: [&str; 20] = [
    "Abe", "Berg", "Costa", "Dubois", "Eze", "Fischer", "Gupta", "Haddad", "Ivanova", "Jansen", "Kim",
    "Lopez", "Moreau", "Novak", "O'Brien", "Petrov", "Quist", "Rossi", "Sato", "Török",
];
const CITIES: [&str; 16] = [
    "Accra",
    "Bergen",
    "Cape Town",
    "Dublin",
    "Esbjerg",
    "Fortaleza",
    "Graz",
    "Hanoi",
    "Izmir",
    "Jaipur",
    "Kyoto",
    "Lagos",
    "Montréal",
    "Nairobi",
    "Oslo",
    "Porto",
];

pub(super) fn users() -> impl Iterator<Item = Content> {
    let mut random = fastrand::Rng::with_seed(85);
    (1..=USERS as i64).map(move |id| {
        let (first, last) = (random.usize(..FIRST.len()), random.usize(..LAST.len()));
        // A name that wants to be escaped, among the others.
        let initial = if id % 97 == 0 { " <b>&" } else { "" };
        let wealth = random.i64(500..9000);
        let orders =
            (0..random.usize(4..24)).map(|_| (random.i64(0..12), random.i64(wealth / 4..wealth))).collect();
        Content {
            id,
            name: format!("{}{initial} {}", FIRST[first], LAST[last]),
            email: format!("user{id}@example.org"),
            city: CITIES[random.usize(..CITIES.len())],
            orders,
        }
    })
}
