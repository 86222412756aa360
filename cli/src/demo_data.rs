//! The demo server's data: an issue tracker and a CRM of 10,000 rows each, made from a fixed seed: the same rows on every
//! machine. What the tools do with them is in `demo_answer`; no clock, no randomness of the machine, no files.

use serde::{Deserialize, Serialize};

/// Rows in each table when the server starts.
pub(crate) const ROWS: u32 = 10_000;

/// Both tables. A write changes them in memory.
#[derive(Debug, Clone)]
pub(crate) struct Demo {
    /// Ordered by number, without gaps, starting at 1.
    pub(crate) issues: Vec<Issue>,
    /// Ordered by id, without gaps, starting at 1.
    pub(crate) deals: Vec<Deal>,
}

/// One row of the issue tracker; its keys are those on the wire.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Issue {
    pub(crate) number: u32,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) state: State,
    pub(crate) labels: Vec<String>,
    pub(crate) assignee: Option<String>,
    pub(crate) priority: Priority,
    /// A company of the CRM.
    pub(crate) customer: Option<String>,
    /// RFC 3339, UTC.
    pub(crate) created_at: String,
    pub(crate) comments: u32,
}

/// One row of the CRM: a contact and the deal with them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Deal {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) company: String,
    pub(crate) country: String,
    pub(crate) stage: Stage,
    /// Whole euros.
    pub(crate) amount: u32,
    pub(crate) owner: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Open,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Priority {
    Low,
    #[default]
    Medium,
    High,
    Urgent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    Lead,
    Qualified,
    Proposal,
    Negotiation,
    Won,
    Lost,
}

/// Both tables as they are when the server starts: the same on every machine.
pub(crate) fn generate() -> Demo {
    let mut dice = Dice(0x7769_7467_6174_6531);
    let deals = (1..=ROWS).map(|id| deal(&mut dice, id)).collect();
    let issues = (1..=ROWS)
        .map(|number| new_issue(&mut dice, number))
        .collect();
    Demo { issues, deals }
}

fn deal(dice: &mut Dice, id: u32) -> Deal {
    let (first, last) = (dice.pick(FIRST_NAMES), dice.pick(LAST_NAMES));
    let company = company(dice);
    let host = company.to_lowercase().replace(' ', "-");
    Deal {
        id,
        name: format!("{first} {last}"),
        email: format!(
            "{}.{}.{id}@{host}.example",
            first.to_lowercase(),
            last.to_lowercase()
        ),
        company,
        country: dice.pick(COUNTRIES).to_owned(),
        stage: *dice.choose(&[
            (25, Stage::Lead),
            (20, Stage::Qualified),
            (15, Stage::Proposal),
            (10, Stage::Negotiation),
            (12, Stage::Won),
            (18, Stage::Lost),
        ]),
        amount: 500 + 50 * dice.below(2_000),
        owner: dice.pick(PEOPLE).to_owned(),
    }
}

fn new_issue(dice: &mut Dice, number: u32) -> Issue {
    let symptom = dice.pick(SYMPTOMS);
    let (place, when) = (dice.pick(PLACES), dice.pick(CONDITIONS));
    let mut labels = vec![
        (*dice.choose(&[(50, "bug"), (25, "feature"), (10, "docs"), (15, "question")])).to_owned(),
    ];
    for label in AREAS {
        if dice.below(100) < 12 {
            labels.push((*label).to_owned());
        }
    }
    Issue {
        number,
        title: format!("{symptom} in the {place} {when}"),
        body: format!(
            "Seen {} times since the last release: {} in the {place} {when}. Expected: it just works.",
            1 + dice.below(40),
            symptom.to_lowercase()
        ),
        state: *dice.choose(&[(35, State::Open), (65, State::Closed)]),
        labels,
        assignee: (dice.below(100) < 70).then(|| dice.pick(PEOPLE).to_owned()),
        priority: *dice.choose(&[
            (40, Priority::Low),
            (35, Priority::Medium),
            (20, Priority::High),
            (5, Priority::Urgent),
        ]),
        customer: (dice.below(100) < 60).then(|| company(dice)),
        created_at: timestamp(number, dice.below(9_000)),
        comments: dice.below(8) * dice.below(8),
    }
}

fn company(dice: &mut Dice) -> String {
    format!("{} {}", dice.pick(COMPANY_NAMES), dice.pick(COMPANY_KINDS))
}

/// When issue `number` was opened: one every 9,000 seconds from 2023-01-01 on, plus `late` seconds.
pub(crate) fn timestamp(number: u32, late: u32) -> String {
    let seconds = i64::from(number) * 9_000 + i64::from(late);
    // Days since 0000-03-01, so that the leap day is the last of its year; 2023-01-01 is day 738,826.
    let day = seconds.div_euclid(86_400) + 738_826;
    let (era, day_of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month_day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let second = seconds.rem_euclid(86_400);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!(
        "{year:04}-{month:02}-{month_day:02}T{hour:02}:{minute:02}:{:02}Z",
        second % 60
    )
}

/// A small generator (SplitMix64): good enough for rows that look alive, the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u32) -> u32 {
        // The high half scaled to the limit: always below it.
        (((self.next() >> 32) * u64::from(limit)) >> 32) as u32
    }

    fn pick(&mut self, words: &'static [&'static str]) -> &'static str {
        words[self.below(words.len() as u32) as usize]
    }

    /// One of `weighted`, whose weights add up to 100.
    fn choose<'a, T>(&mut self, weighted: &'a [(u32, T)]) -> &'a T {
        let mut left = self.below(100);
        for (weight, item) in weighted {
            if left < *weight {
                return item;
            }
            left -= weight;
        }
        &weighted[0].1
    }
}

const PEOPLE: &[&str] = &[
    "amara", "bruno", "chen", "dalia", "emeka", "freya", "goran", "hana", "ivo", "jun", "kofi",
    "lena",
];
const AREAS: &[&str] = &["performance", "security", "ui", "api", "regression"];
const FIRST_NAMES: &[&str] = &[
    "Ada", "Bela", "Carla", "Dmitri", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Keiko",
    "Luca", "Mina", "Nils", "Olga", "Pavel", "Rosa", "Sana", "Tomas", "Vera",
];
const LAST_NAMES: &[&str] = &[
    "Abara", "Bauer", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haas", "Ito", "Jansen",
    "Kovacs", "Lindgren", "Moreau", "Novak", "Okafor", "Petrov", "Rossi", "Sato", "Tanaka",
    "Weber",
];
const COMPANY_NAMES: &[&str] = &[
    "Alder", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Granite", "Harbor", "Iris", "Juniper",
    "Kestrel", "Lagoon", "Meadow", "Nimbus", "Orchard", "Prairie", "Quartz", "River", "Summit",
    "Tundra",
];
const COMPANY_KINDS: &[&str] = &[
    "Analytics",
    "Energy",
    "Foods",
    "Health",
    "Labs",
    "Logistics",
    "Media",
    "Motors",
    "Robotics",
    "Systems",
];
const COUNTRIES: &[&str] = &[
    "Brazil", "Canada", "France", "Germany", "India", "Japan", "Kenya", "Norway", "Poland", "Spain",
];
const SYMPTOMS: &[&str] = &[
    "Crash",
    "Wrong total",
    "Blank page",
    "Slow answer",
    "Missing row",
    "Duplicate entry",
    "Garbled text",
    "Lost session",
    "Unclear message",
    "Broken link",
];
const PLACES: &[&str] = &[
    "importer",
    "dashboard",
    "search",
    "billing page",
    "login",
    "exporter",
    "calendar",
    "settings",
    "mobile app",
    "webhook sender",
];
const CONDITIONS: &[&str] = &[
    "after an update",
    "on a slow network",
    "with two tabs open",
    "for large files",
    "on the first run",
    "with a custom theme",
    "after midnight",
    "for new accounts",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn same_rows_every_time() {
        let (first, second) = (generate(), generate());
        assert_eq!(
            serde_json::to_string(&first.issues).unwrap(),
            serde_json::to_string(&second.issues).unwrap()
        );
        assert_eq!(
            serde_json::to_string(&first.deals).unwrap(),
            serde_json::to_string(&second.deals).unwrap()
        );
        assert_eq!((first.issues.len(), first.deals.len()), (10_000, 10_000));
        // The examples' transcripts lean on these very rows.
        assert_eq!(serde_json::to_string(&first.deals[0]).unwrap(), DEAL);
        assert_eq!(serde_json::to_string(&first.issues[9_999]).unwrap(), ISSUE);
    }

    #[test]
    fn timestamps_know_the_calendar() {
        assert_eq!(timestamp(0, 0), "2023-01-01T00:00:00Z");
        assert_eq!(timestamp(0, 59 * 86_400), "2023-03-01T00:00:00Z");
        assert_eq!(
            timestamp(0, (365 + 59) * 86_400 + 3_661),
            "2024-02-29T01:01:01Z"
        );
        assert_eq!(
            timestamp(0, (365 + 366) * 86_400 - 1),
            "2024-12-31T23:59:59Z"
        );
    }

    const DEAL: &str = r#"{"id":1,"name":"Keiko Tanaka","email":"keiko.tanaka.1@prairie-robotics.example","company":"Prairie Robotics","country":"India","stage":"qualified","amount":36350,"owner":"bruno"}"#;
    const ISSUE: &str = r#"{"number":10000,"title":"Wrong total in the login after midnight","body":"Seen 25 times since the last release: wrong total in the login after midnight. Expected: it just works.","state":"open","labels":["feature","ui"],"assignee":null,"priority":"low","customer":"Tundra Energy","created_at":"2025-11-07T16:29:45Z","comments":7}"#;
}
